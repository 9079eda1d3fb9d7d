// Package provider maps the Terraform provider for libvirt to the tokens and inputs of the published @pulumi/libvirt.
package provider

import (
	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/tokens"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
)

const (
	Name = "libvirt"
	// Version is the published @pulumi/libvirt whose schema this one equals: with its SDK, the CLI takes either plugin.
	Version = "0.5.4"
)

// Info describes the bridged provider.
func Info() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           shim.NewProvider(connectWhenNeeded(libvirt.Provider())),
		Name:        Name,
		Version:     Version,
		Description: "Pools, volumes, networks and domains of libvirt.",
		License:     "Apache-2.0",
		Repository:  "https://github.com/pulumi/pulumi-libvirt",
		GitHubOrg:   "dmacvicar",
		Config: map[string]*tfbridge.SchemaInfo{
			"uri": {Default: &tfbridge.DefaultInfo{EnvVars: []string{"LIBVIRT_DEFAULT_URI"}}},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			// The token strategy below would say CloudinitDisk.
			"libvirt_cloudinit_disk": {Tok: "libvirt:index/cloudInitDisk:CloudInitDisk"},
		},
		JavaScript: &tfbridge.JavaScriptInfo{PackageName: "@pulumi/libvirt", RespectSchemaVersion: true},
	}
	info.MustComputeTokens(tokens.SingleModule("libvirt_", "index", tokens.MakeStandard(Name)))
	info.SetAutonaming(255, "-")
	return info
}
