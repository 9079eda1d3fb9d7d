package provider

import (
	"context"
	"io"
	"log"
	"net"
	"strings"
	"testing"

	"github.com/dmacvicar/terraform-provider-libvirt/libvirt"
	"github.com/hashicorp/terraform-plugin-sdk/v2/diag"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/hashicorp/terraform-plugin-sdk/v2/terraform"
)

// A provider for a libvirtd that ends every connection; calls counts them.
func configured(t *testing.T) (p *schema.Provider, calls chan struct{}) {
	t.Helper()
	log.SetOutput(io.Discard)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	calls = make(chan struct{}, 100)
	go func() {
		for {
			call, err := listener.Accept()
			if err != nil {
				return
			}
			calls <- struct{}{}
			call.Close()
		}
	}()
	p = connectWhenNeeded(libvirt.Provider())
	config := terraform.NewResourceConfigRaw(map[string]any{"uri": "qemu+tcp://" + listener.Addr().String() + "/system"})
	if diags := p.Configure(context.Background(), config); diags.HasError() {
		t.Fatal(diags)
	}
	return p, calls
}

func TestConfiguringDoesNotConnect(t *testing.T) {
	_, calls := configured(t)
	if len(calls) != 0 {
		t.Fatal("the provider connected before anything needed libvirt")
	}
}

func TestEveryOperationConnectsAndSaysWhyItCannot(t *testing.T) {
	p, calls := configured(t)
	refused := func(name, operation string, diags diag.Diagnostics) {
		t.Helper()
		if !diags.HasError() || !strings.Contains(diags[0].Summary, "failed to connect") {
			t.Errorf("%s, %s: %v", name, operation, diags)
		}
		// each operation tries again
		<-calls
	}
	ctx := context.Background()
	for name, resource := range p.ResourcesMap {
		data := resource.TestResourceData()
		data.SetId("1")
		refused(name, "create", resource.CreateContext(ctx, data, p.Meta()))
		refused(name, "read", resource.ReadContext(ctx, data, p.Meta()))
		refused(name, "delete", resource.DeleteContext(ctx, data, p.Meta()))
		if resource.UpdateContext != nil {
			refused(name, "update", resource.UpdateContext(ctx, data, p.Meta()))
		}
	}
	for name, source := range p.DataSourcesMap {
		refused(name, "read", diag.FromErr(source.Read(source.TestResourceData(), p.Meta())))
	}
}
