package schema

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
)

func TestServedSchemaIsUpToDate(t *testing.T) {
	generated, err := Generate(diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: "never"}))
	if err != nil {
		t.Fatal(err)
	}
	served, err := os.ReadFile("../schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(generated, served) {
		t.Error("schema.json is not what the modules give: run toolchain/generate-libvirt-sdk.sh")
	}
}

// The tokens of the published @pulumi/libvirt 0.5.4.
func TestTokensAreThePublishedOnes(t *testing.T) {
	text, err := os.ReadFile("../schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec schema.PackageSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		t.Fatal(err)
	}
	resources := []string{
		"libvirt:index/cloudInitDisk:CloudInitDisk", "libvirt:index/combustion:Combustion", "libvirt:index/domain:Domain",
		"libvirt:index/ignition:Ignition", "libvirt:index/network:Network", "libvirt:index/pool:Pool", "libvirt:index/volume:Volume",
	}
	if got := slices.Sorted(maps.Keys(spec.Resources)); !slices.Equal(got, resources) {
		t.Errorf("resources %q", got)
	}
	functions := []string{
		"libvirt:index/getNetworkDnsHostTemplate:getNetworkDnsHostTemplate",
		"libvirt:index/getNetworkDnsSrvTemplate:getNetworkDnsSrvTemplate",
		"libvirt:index/getNetworkDnsmasqOptionsTemplate:getNetworkDnsmasqOptionsTemplate",
		"libvirt:index/getNodeDeviceInfo:getNodeDeviceInfo", "libvirt:index/getNodeDevices:getNodeDevices",
		"libvirt:index/getNodeInfo:getNodeInfo",
	}
	if got := slices.Sorted(maps.Keys(spec.Functions)); !slices.Equal(got, functions) {
		t.Errorf("functions %q", got)
	}
	if spec.Name != "libvirt" || spec.Version != "0.5.4" {
		t.Errorf("%s %s", spec.Name, spec.Version)
	}
}
