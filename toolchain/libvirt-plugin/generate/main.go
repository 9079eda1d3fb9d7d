// generate writes the plugin's schema: go run ./generate SCHEMA_FILE
package main

import (
	"log"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"

	"vfio-fleet/toolchain/libvirt-plugin/schema"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: generate SCHEMA_FILE")
	}
	text, err := schema.Generate(diag.DefaultSink(os.Stdout, os.Stderr, diag.FormatOptions{Color: "never"}))
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[1], text, 0o644); err != nil {
		log.Fatal(err)
	}
}
