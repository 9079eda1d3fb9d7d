package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestCreateCapturesBothStreams(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	created := plugin.create(host.command(t, `printf 'out\n\n'; printf 'err\n' >&2`))
	if got := created.output("stdout"); got != "out\n" {
		t.Errorf("stdout %q: one trailing newline is cut, not more", got)
	}
	if got := created.output("stderr"); got != "err" {
		t.Errorf("stderr %q", got)
	}
	if !strings.HasPrefix(created.id, "thing") || len(created.id) != len("thing")+8 {
		t.Errorf("id %q", created.id)
	}
}

func TestConnectionIsSecretWithDefaultsFilledIn(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	checked, err := plugin.check(inputs{
		"connection": inputs{"host": "127.0.0.1", "proxy": inputs{"host": "bastion"}}, "create": "true",
	})
	must(t, err)
	defaults := func(connection resource.PropertyMap) {
		t.Helper()
		for name, want := range map[resource.PropertyKey]any{
			"user": "root", "port": 22.0, "dialErrorLimit": 10.0, "perDialTimeout": 15.0,
		} {
			if got := connection[name].V; got != want {
				t.Errorf("%s is %v, not %v", name, got, want)
			}
		}
	}
	if !checked["connection"].IsSecret() {
		t.Fatal("the checked connection is no secret")
	}
	connection := checked["connection"].SecretValue().Element.ObjectValue()
	defaults(connection)
	defaults(connection["proxy"].ObjectValue())
	for _, option := range []string{"logging", "addPreviousOutputInEnv", "stdin", "environment", "triggers"} {
		if _, set := checked[resource.PropertyKey(option)]; set {
			t.Errorf("%s got a value", option)
		}
	}
	created := plugin.create(host.command(t, "true"))
	if !created.properties["connection"].IsSecret() {
		t.Error("the connection in the state is no secret")
	}
	if created.properties["stdout"].IsSecret() {
		t.Error("stdout is secret")
	}
}

func TestMissingHostIsACheckFailure(t *testing.T) {
	_, err := startPlugin(t).check(inputs{"connection": inputs{"user": "root"}})
	if err == nil || !strings.Contains(err.Error(), "host") {
		t.Errorf("%v", err)
	}
}

func TestCreateWithoutCommandDials(t *testing.T) {
	plugin := startPlugin(t)
	created := plugin.create(inputs{"connection": inputs{"host": "127.0.0.1", "port": freePort(t)}, "delete": "true"})
	if created.output("stdout") != "" || len(plugin.engine.statusLines()) > 0 {
		t.Error("a resource without a create command is to touch no host")
	}
}

func TestUpdateRunsUpdateElseCreateElseNothing(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	command := host.command(t, "echo created").with("addPreviousOutputInEnv", false)
	created := plugin.create(command)
	if got := plugin.update(created, command.with("update", "echo updated")).output("stdout"); got != "updated" {
		t.Errorf("with update: %q", got)
	}
	if got := plugin.update(created, command.with("create", "echo again")).output("stdout"); got != "again" {
		t.Errorf("without update: %q", got)
	}
	neither := inputs{"connection": command["connection"]}
	if got := plugin.update(created, neither).output("stdout"); got != "created" {
		t.Errorf("with neither, the old output stays: %q", got)
	}
}

func TestPreviewRunsNothing(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	mark := filepath.Join(host.folder, "ran")
	command := host.command(t, "touch "+mark+"; echo out")
	planned := plugin.create(command, previewed)
	for _, name := range []resource.PropertyKey{"stdout", "stderr"} {
		if value := planned.properties[name]; !value.IsComputed() && !value.IsOutput() {
			t.Errorf("%s of a previewed create is %v, not unknown", name, value)
		}
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the preview ran the command")
	}

	created := plugin.create(command)
	must(t, os.Remove(mark))
	updated, err := plugin.tryUpdate(created, command.with("stdin", "x"), true)
	must(t, err)
	if got := updated.output("stdout"); got != "out" {
		t.Errorf("stdout of a previewed update is %q, not the old one", got)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("the preview ran the command")
	}
}

func TestDeleteRunsWhatTheStateHolds(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{config: "AcceptEnv PULUMI_COMMAND_*"}), startPlugin(t)
	mark := filepath.Join(host.folder, "deleted")
	created := plugin.create(host.command(t, "echo out; echo err >&2").
		with("delete", `echo "$PULUMI_COMMAND_STDOUT $PULUMI_COMMAND_STDERR $(cat)" > `+mark).with("stdin", "in"))
	must(t, plugin.tryDelete(created))
	if got := host.read(t, "deleted"); got != "out err in\n" {
		t.Errorf("the delete command saw %q", got)
	}
	created = plugin.create(host.command(t, "true").with("delete", "exit 3"))
	if err := plugin.tryDelete(created); err == nil || !strings.Contains(err.Error(), `status 3: running "exit 3"`) {
		t.Errorf("a failing delete: %v", err)
	}
	must(t, plugin.tryDelete(plugin.create(host.command(t, "true"))))
}

// That a changed trigger replaces is the engine's doing: the SDK passes it replaceOnChanges for triggers.
func TestDiffIsAnUpdateOfWhatChanged(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	command := host.command(t, "true").with("triggers", []any{"a", 1, inputs{"b": true}})
	created := plugin.create(command)
	if same := plugin.diff(created, command); same.Changes != pulumirpc.DiffResponse_DIFF_NONE || len(same.DetailedDiff) > 0 {
		t.Errorf("without a change: %v", same)
	}
	otherUser := inputs(command["connection"].(inputs)).with("user", "nobody")
	for name, change := range map[string]struct {
		value any
		path  string
		kind  pulumirpc.PropertyDiff_Kind
	}{
		"triggers":               {[]any{"a", 2, inputs{"b": true}}, "triggers[1]", pulumirpc.PropertyDiff_UPDATE},
		"connection":             {otherUser, "connection", pulumirpc.PropertyDiff_UPDATE},
		"create":                 {"echo", "create", pulumirpc.PropertyDiff_UPDATE},
		"update":                 {"echo", "update", pulumirpc.PropertyDiff_ADD},
		"delete":                 {"echo", "delete", pulumirpc.PropertyDiff_ADD},
		"stdin":                  {"text", "stdin", pulumirpc.PropertyDiff_ADD},
		"environment":            {inputs{"A": "b"}, "environment", pulumirpc.PropertyDiff_ADD},
		"logging":                {"none", "logging", pulumirpc.PropertyDiff_ADD},
		"addPreviousOutputInEnv": {false, "addPreviousOutputInEnv", pulumirpc.PropertyDiff_ADD},
	} {
		response := plugin.diff(created, command.with(name, change.value))
		if got := response.DetailedDiff[change.path]; len(response.DetailedDiff) != 1 || got == nil || got.Kind != change.kind {
			t.Errorf("%s: %v, not %s of %s", name, response.DetailedDiff, change.kind, change.path)
		}
		if response.Changes != pulumirpc.DiffResponse_DIFF_SOME || len(response.Replaces) > 0 {
			t.Errorf("%s: %v", name, response)
		}
	}
	longer := plugin.diff(created, command.with("triggers", []any{"a", 1, inputs{"b": true}, "more"}))
	if got := longer.DetailedDiff["triggers[3]"]; len(longer.DetailedDiff) != 1 || got == nil || got.Kind != pulumirpc.PropertyDiff_ADD {
		t.Errorf("one trigger more: %v", longer.DetailedDiff)
	}
}

func TestStdinReachesTheCommand(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	text := strings.Repeat("a line\n", 100_000)
	if got := plugin.create(host.command(t, "wc -c").with("stdin", text)).output("stdout"); got != "700000" {
		t.Errorf("the command read %s bytes of %d", got, len(text))
	}
	if got := plugin.create(host.command(t, "wc -c").with("stdin", "")).output("stdout"); got != "0" {
		t.Errorf("empty standard input has %s bytes", got)
	}
}

func TestFailureShowsCommandAndOutput(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	_, err := plugin.tryCreate(host.command(t, "echo first; echo \"second\" >&2\nexit 7"))
	want := "Process exited with status 7: running \"echo first; echo \\\"second\\\" >&2\\nexit 7\":\n"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v\ndoes not have\n%s", err, want)
	}
	for _, line := range []string{"first\n", "second\n"} {
		if !strings.Contains(strings.SplitN(err.Error(), want, 2)[1], line) {
			t.Errorf("%q lacks %q", err, line)
		}
	}
	_, err = plugin.tryCreate(host.command(t, "kill -KILL $$"))
	if err == nil || !strings.Contains(err.Error(), "Process exited with status 137 from signal KILL: running") {
		t.Errorf("killed: %v", err)
	}
	_, err = plugin.tryUpdate(plugin.create(host.command(t, "true")), host.command(t, "exit 1"), false)
	if err == nil || !strings.Contains(err.Error(), `Process exited with status 1: running "exit 1":`) {
		t.Errorf("failing update: %v", err)
	}
}

func TestLongOutputIsCapturedWhole(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	created := plugin.create(host.command(t, "seq 200000; head -c 300000 /dev/zero | tr '\\0' x >&2").with("logging", "none"))
	if got := strings.Count(created.output("stdout"), "\n"); got != 199_999 {
		t.Errorf("%d line ends of standard output", got)
	}
	if got := len(created.output("stderr")); got != 300_000 {
		t.Errorf("%d bytes of standard error", got)
	}
}
