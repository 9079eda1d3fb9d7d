// pulumi-resource-libvirt: the Pulumi plugin for libvirt, for machines that cannot download the published one.
package main

import (
	_ "embed"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"

	"vfio-fleet/toolchain/libvirt-plugin/provider"
)

// Written by ../generate-libvirt-sdk.sh.
//
//go:embed schema.json
var schema []byte

func main() {
	defer libvirt.CleanupLibvirtConnections()
	tfbridge.Main(provider.Name, provider.Version, provider.Info(), schema)
}
