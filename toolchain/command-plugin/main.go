// pulumi-resource-command: stands in for the published plugin of @pulumi/command 1.2.1 where that one cannot be
// downloaded. It serves command:remote:Command alone, as the published plugin does; the tests in this folder drive
// either of the two over gRPC.
package main

import (
	"context"
	"fmt"
	"os"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi-go-provider/middleware/schema"

	"vfio-fleet/toolchain/command-plugin/remote"
)

const (
	name = "command"
	// version is the one of @pulumi/command whose behaviour this is.
	version = "1.2.1"
)

func main() {
	if err := provider().Run(context.Background(), name, version); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-command:", err)
		os.Exit(1)
	}
}

func provider() p.Provider {
	return infer.Wrap(unserved(), infer.Options{
		Metadata: schema.Metadata{
			DisplayName: "Command",
			Description: "Commands on remote hosts over SSH: a drop-in for the remote.Command resource of @pulumi/command " + version + ".",
			License:     "Apache-2.0",
			Publisher:   "vfio-fleet",
			LanguageMap: map[string]any{"nodejs": map[string]any{"respectSchemaVersion": true}},
		},
		Resources: []infer.InferredResource{infer.Resource(&remote.Command{})},
	})
}
