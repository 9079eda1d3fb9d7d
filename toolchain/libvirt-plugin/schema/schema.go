// Package schema derives the plugin's Pulumi schema; apart from package provider, as the plugin needs only the result.
package schema

import (
	"bytes"
	"encoding/json"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"

	"vfio-fleet/toolchain/libvirt-plugin/provider"
)

// Generate returns the text of schema.json.
func Generate(sink diag.Sink) ([]byte, error) {
	// Descriptions come from the Terraform schema alone: no upstream documentation is copied into the SDK.
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo: provider.Info(), DiagnosticsSink: sink, XInMemoryDocs: true,
	})
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err = encoder.Encode(asPublished(generated.PackageSpec))
	return text.Bytes(), err
}

// asPublished leaves out what newer releases of the bridge and of the Terraform provider added to the published package:
// a program that used it would not run on the published plugin.
func asPublished(spec schema.PackageSpec) schema.PackageSpec {
	const terraformConfig = "terraformConfig"
	delete(spec.Functions, spec.Provider.Methods[terraformConfig])
	delete(spec.Provider.Methods, terraformConfig)
	delete(spec.Types["libvirt:index/DomainNetworkInterface:DomainNetworkInterface"].Properties, "private")
	// The other languages' sections, and a readme that is the published package's.
	spec.Language = map[string]schema.RawMessage{
		"nodejs": schema.RawMessage(`{"packageName": "@pulumi/libvirt", "compatibility": "tfbridge20", ` +
			`"disableUnionOutputTypes": true, "respectSchemaVersion": true}`),
	}
	return spec
}
