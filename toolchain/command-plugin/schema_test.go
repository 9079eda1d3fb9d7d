package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestSchemaIsTheRemoteCommandOfThePublishedOne(t *testing.T) {
	response, err := startPlugin(t).rpc.GetSchema(t.Context(), &pulumirpc.GetSchemaRequest{})
	must(t, err)
	served := parse(t, []byte(response.Schema))
	text, err := os.ReadFile("testdata/remote-command-1.2.1.schema.json")
	must(t, err)
	published := parse(t, text)
	if served["name"] != "command" || served["version"] != "1.2.1" {
		t.Errorf("name %v and version %v", served["name"], served["version"])
	}
	for _, section := range []string{"types", "resources"} {
		for token, want := range published[section].(map[string]any) {
			if got := served[section].(map[string]any)[token]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s\ngot  %s\nwant %s", token, indented(got), indented(want))
			}
		}
		if isDropIn && len(served[section].(map[string]any)) != len(published[section].(map[string]any)) {
			t.Errorf("more %s than those of remote.Command", section)
		}
	}
}

// parse leaves the descriptions out: they are this project's own.
func parse(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var schema map[string]any
	must(t, json.Unmarshal(text, &schema))
	withoutDescriptions(schema)
	return schema
}

func withoutDescriptions(value any) {
	switch value := value.(type) {
	case map[string]any:
		if _, isText := value["description"].(string); isText {
			delete(value, "description")
		}
		for _, inner := range value {
			withoutDescriptions(inner)
		}
	case []any:
		for _, inner := range value {
			withoutDescriptions(inner)
		}
	}
}

func indented(value any) string {
	text, _ := json.MarshalIndent(value, "", " ")
	return string(text)
}

func TestOtherTokensAreRefusedByName(t *testing.T) {
	if !isDropIn {
		t.Skip("the published plugin serves them")
	}
	plugin := startPlugin(t)
	_, check := plugin.rpc.Check(t.Context(), &pulumirpc.CheckRequest{
		Urn: "urn:pulumi:dev::test::command:remote:CopyToRemote::file", News: plugin.wire(nil),
	})
	_, deleted := plugin.rpc.Delete(t.Context(), &pulumirpc.DeleteRequest{
		Urn: "urn:pulumi:dev::test::command:local:Command::old", Properties: plugin.wire(nil),
	})
	_, invoke := plugin.rpc.Invoke(t.Context(), &pulumirpc.InvokeRequest{Tok: "command:local:run", Args: plugin.wire(nil)})
	for token, err := range map[string]error{
		"command:remote:CopyToRemote": check, "command:local:Command": deleted, "command:local:run": invoke,
	} {
		if err == nil || !strings.Contains(err.Error(), token+" is not served by vfio-fleet's drop-in") {
			t.Errorf("%s: %v", token, err)
		}
	}
}

func TestSaysOnceAndQuietlyThatItIsTheDropIn(t *testing.T) {
	if !isDropIn {
		t.Skip("the published plugin is not")
	}
	plugin := startPlugin(t)
	if said := plugin.engine.kept(pulumirpc.LogSeverity_DEBUG); len(said) != 1 || !strings.Contains(said[0], "drop-in for version 1.2.1") {
		t.Errorf("debug messages: %q", said)
	}
	for _, severity := range []pulumirpc.LogSeverity{pulumirpc.LogSeverity_INFO, pulumirpc.LogSeverity_WARNING} {
		if said := plugin.engine.kept(severity); len(said) > 0 {
			t.Errorf("%s messages: %q", severity, said)
		}
	}
}
