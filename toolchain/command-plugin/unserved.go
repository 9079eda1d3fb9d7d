package main

import (
	"context"

	p "github.com/pulumi/pulumi-go-provider"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unserved is what answers for every token that the drop-in does not have.
func unserved() p.Provider {
	return p.Provider{
		Configure: func(ctx context.Context, _ p.ConfigureRequest) error {
			p.GetLogger(ctx).Debug("pulumi-resource-command: vfio-fleet's drop-in for version " + version + ", serving remote.Command alone")
			return nil
		},
		Check: func(_ context.Context, request p.CheckRequest) (p.CheckResponse, error) {
			return p.CheckResponse{}, notServed(string(request.Urn.Type()))
		},
		Diff: func(_ context.Context, request p.DiffRequest) (p.DiffResponse, error) {
			return p.DiffResponse{}, notServed(string(request.Urn.Type()))
		},
		Create: func(_ context.Context, request p.CreateRequest) (p.CreateResponse, error) {
			return p.CreateResponse{}, notServed(string(request.Urn.Type()))
		},
		Read: func(_ context.Context, request p.ReadRequest) (p.ReadResponse, error) {
			return p.ReadResponse{}, notServed(string(request.Urn.Type()))
		},
		Update: func(_ context.Context, request p.UpdateRequest) (p.UpdateResponse, error) {
			return p.UpdateResponse{}, notServed(string(request.Urn.Type()))
		},
		Delete: func(_ context.Context, request p.DeleteRequest) error {
			return notServed(string(request.Urn.Type()))
		},
		Invoke: func(_ context.Context, request p.InvokeRequest) (p.InvokeResponse, error) {
			return p.InvokeResponse{}, notServed(string(request.Token))
		},
	}
}

func notServed(token string) error {
	return status.Errorf(codes.Unimplemented,
		"%s is not served by vfio-fleet's drop-in for the command plugin, which has command:remote:Command alone; "+
			"install the published plugin instead: pulumi plugin install resource command %s", token, version)
}
