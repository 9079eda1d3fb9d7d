// generate writes the plugin's schema.json and the Node SDK: go run ./generate SCHEMA_FILE SDK_DIRECTORY
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"

	"vfio-fleet/toolchain/libvirt-plugin/provider"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: generate SCHEMA_FILE SDK_DIRECTORY")
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func generate(schemaFile, sdkDirectory string) error {
	// Descriptions come from the Terraform schema alone: no upstream documentation is copied into the SDK.
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo:    provider.Info(),
		DiagnosticsSink: diag.DefaultSink(os.Stdout, os.Stderr, diag.FormatOptions{Color: "never"}),
		XInMemoryDocs:   true,
	})
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	spec := generated.PackageSpec

	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(spec); err != nil {
		return err
	}
	if err := os.WriteFile(schemaFile, text.Bytes(), 0o644); err != nil {
		return err
	}

	pkg, err := schema.ImportSpec(spec, nil, schema.ValidationOptions{})
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	files, err := nodejs.GeneratePackage("vfio-fleet", pkg, nil, nil, true, nil)
	if err != nil {
		return fmt.Errorf("Node SDK: %w", err)
	}
	for name, content := range files {
		target := filepath.Join(sdkDirectory, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
