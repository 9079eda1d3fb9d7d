package main

import (
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestEnvironmentIsSetOnTheServer(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{config: "AcceptEnv COLOUR SIZE"}), startPlugin(t)
	created := plugin.create(host.command(t, `echo "$COLOUR $SIZE"`).with("environment", inputs{"COLOUR": "it's blue", "SIZE": "3"}))
	if got := created.output("stdout"); got != "it's blue 3" {
		t.Errorf("the command saw %q", got)
	}
}

func TestRefusedEnvironmentIsAnError(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	_, err := plugin.tryCreate(host.command(t, "true").with("environment", inputs{"COLOUR": "blue"}))
	if err == nil || !strings.Contains(err.Error(), `could not set environment variable "COLOUR": ssh: setenv failed`) {
		t.Errorf("%v", err)
	}
	said := plugin.engine.kept(pulumirpc.LogSeverity_ERROR)
	if len(said) != 1 || !strings.Contains(said[0], "Unable to set 'COLOUR'") || !strings.Contains(said[0], "AcceptEnv") {
		t.Errorf("error messages: %q", said)
	}
}

func TestPreviousOutputIsInTheEnvironment(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{config: "AcceptEnv PULUMI_COMMAND_*"}), startPlugin(t)
	command := host.command(t, "echo one; echo two >&2").with("update", `echo "[$PULUMI_COMMAND_STDOUT][$PULUMI_COMMAND_STDERR]"`)
	created := plugin.create(command)
	if got := plugin.update(created, command).output("stdout"); got != "[one][two]" {
		t.Errorf("the update saw %q", got)
	}
	if got := plugin.update(created, command.with("addPreviousOutputInEnv", false)).output("stdout"); got != "[][]" {
		t.Errorf("with addPreviousOutputInEnv false, the update saw %q", got)
	}
}

func TestRefusedPreviousOutputIsAWarning(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	command := host.command(t, "echo one; echo two >&2").with("update", "echo done")
	created := plugin.create(command)
	if said := plugin.engine.kept(pulumirpc.LogSeverity_WARNING); len(said) > 0 {
		t.Errorf("a create has no previous output to set: %q", said)
	}
	if got := plugin.update(created, command).output("stdout"); got != "done" {
		t.Errorf("stdout %q", got)
	}
	said := plugin.engine.kept(pulumirpc.LogSeverity_WARNING)
	if len(said) != 2 || !strings.Contains(said[0], "'PULUMI_COMMAND_STDOUT'") || !strings.Contains(said[1], "'PULUMI_COMMAND_STDERR'") {
		t.Errorf("warnings: %q", said)
	}
	plugin.update(created, command.with("addPreviousOutputInEnv", false))
	if again := plugin.engine.kept(pulumirpc.LogSeverity_WARNING); len(again) != 2 {
		t.Errorf("warnings with addPreviousOutputInEnv false: %q", again[2:])
	}
}
