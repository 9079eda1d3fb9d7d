package main

import (
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestLoggingChoosesTheStreamsShown(t *testing.T) {
	host := startSshd(t, sshdOptions{})
	for mode, want := range map[string][]string{
		"":                {"err", "out"},
		"stdoutAndStderr": {"err", "out"},
		"stdout":          {"out"},
		"stderr":          {"err"},
		"none":            nil,
	} {
		t.Run("logging "+mode, func(t *testing.T) {
			plugin := startPlugin(t)
			command := host.command(t, "echo out; echo err >&2")
			if mode != "" {
				command = command.with("logging", mode)
			}
			created := plugin.create(command)
			lines := plugin.engine.statusLines()
			slices.Sort(lines)
			if !slices.Equal(lines, want) {
				t.Errorf("status lines %q, not %q", lines, want)
			}
			if created.output("stdout") != "out" || created.output("stderr") != "err" {
				t.Errorf("captured %q and %q", created.output("stdout"), created.output("stderr"))
			}
		})
	}
}

func TestLinesAreShownWhileTheCommandRuns(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	defer alongside(func() {
		plugin.engine.await(t, "waiting")
		touch(t, host.path("go"))
	})()
	created := plugin.create(host.command(t, "echo waiting; "+untilExists(host.path("go"))+"; printf 'end without newline'"))
	if got := created.output("stdout"); got != "waiting\nend without newline" {
		t.Errorf("stdout %q", got)
	}
	if lines := plugin.engine.statusLines(); !slices.Equal(lines, []string{"waiting", "end without newline"}) {
		t.Errorf("status lines %q", lines)
	}
}

func TestOverlongLineIsWarnedOf(t *testing.T) {
	if !isDropIn {
		t.Skip("the published plugin hangs here")
	}
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	created := plugin.create(host.command(t, "head -c 70000 /dev/zero | tr '\\0' x; echo; echo end"))
	if got := len(created.output("stdout")); got != 70_004 {
		t.Errorf("%d bytes captured", got)
	}
	warnings := plugin.engine.kept(pulumirpc.LogSeverity_WARNING)
	if len(warnings) != 1 || !strings.Contains(warnings[0], "64 KiB") {
		t.Errorf("warnings %q", warnings)
	}
}
