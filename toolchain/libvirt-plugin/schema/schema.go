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
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo: provider.Info(), DiagnosticsSink: sink, XInMemoryDocs: true,
	})
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(asPublished(generated.PackageSpec))
	if err != nil {
		return nil, err
	}
	var document map[string]any
	if err := json.Unmarshal(spec, &document); err != nil {
		return nil, err
	}
	withoutDescriptions(document)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err = encoder.Encode(document)
	return text.Bytes(), err
}

// asPublished leaves out what newer releases of the bridge and of the Terraform provider added to the published package:
// a program that used it would not run on the published plugin.
func asPublished(spec schema.PackageSpec) schema.PackageSpec {
	const terraformConfig = "terraformConfig"
	delete(spec.Functions, spec.Provider.Methods[terraformConfig])
	delete(spec.Provider.Methods, terraformConfig)
	delete(spec.Types["libvirt:index/DomainNetworkInterface:DomainNetworkInterface"].Properties, "private")
	// Not the other languages' sections, nor the published package's readme.
	spec.Language = map[string]schema.RawMessage{
		"nodejs": schema.RawMessage(`{"packageName": "@pulumi/libvirt", "compatibility": "tfbridge20", ` +
			`"disableUnionOutputTypes": true, "respectSchemaVersion": true}`),
	}
	return spec
}

// withoutDescriptions drops the texts, which come from the Terraform provider's documentation where the generator finds
// it, and so depend on where it runs.
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
