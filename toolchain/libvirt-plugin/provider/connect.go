package provider

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
)

// connect answers with the client for the provider's URI. A failure is not kept: the next call tries again.
type connect func() (any, error)

// One at a time: the provider keeps its clients, one a URI, in a map that it does not guard.
var connecting sync.Mutex

// connectWhenNeeded makes a provider connect in the first operation that needs libvirt, not when it is configured: a
// preview in which nothing changed compares inputs, and has no use for an SSH connection.
func connectWhenNeeded(p *schema.Provider) *schema.Provider {
	configure := p.ConfigureFunc
	p.ConfigureFunc = func(config *schema.ResourceData) (any, error) {
		return connect(func() (any, error) {
			connecting.Lock()
			defer connecting.Unlock()
			return configure(config)
		}), nil
	}
	for _, resource := range p.ResourcesMap {
		resource.CreateContext = connected(resource.CreateContext)
		resource.ReadContext = connected(resource.ReadContext)
		resource.UpdateContext = connected(resource.UpdateContext)
		resource.DeleteContext = connected(resource.DeleteContext)
	}
	for _, source := range p.DataSourcesMap {
		read := source.Read
		source.Read = func(data *schema.ResourceData, meta any) error {
			client, err := meta.(connect)()
			if err != nil {
				return err
			}
			return read(data, client)
		}
	}
	return p
}

func connected[F ~func(context.Context, *schema.ResourceData, any) diag.Diagnostics](operation F) F {
	if operation == nil {
		return nil
	}
	return func(ctx context.Context, data *schema.ResourceData, meta any) diag.Diagnostics {
		client, err := meta.(connect)()
		if err != nil {
			return diag.FromErr(err)
		}
		return operation(ctx, data, client)
	}
}
