package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// patience is the longest that a test waits for anything.
const patience = 60 * time.Second

// pluginBinary is the plugin under test. COMMAND_PLUGIN names another one, to see that the published plugin does the same.
var pluginBinary = os.Getenv("COMMAND_PLUGIN")

// isDropIn is false for the published plugin, which has more resources and sentences of its own in some messages.
var isDropIn = pluginBinary == ""

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if isDropIn {
			folder, err := os.MkdirTemp("", "command-plugin-")
			if err != nil {
				panic(err)
			}
			defer os.RemoveAll(folder)
			pluginBinary = filepath.Join(folder, "pulumi-resource-command")
			if output, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", pluginBinary, ".").CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "%s", output)
				return 1
			}
		}
		return m.Run()
	}())
}

// client drives a running plugin as the Pulumi engine does.
type client struct {
	t      *testing.T
	rpc    pulumirpc.ResourceProviderClient
	engine *engine
}

const urn = "urn:pulumi:dev::test::command:remote:Command::thing"

// startPlugin starts the plugin, without an SSH agent, and ends it with the test.
func startPlugin(t *testing.T, environment ...string) *client {
	t.Helper()
	engine := startEngine(t)
	command := exec.Command(pluginBinary, engine.address)
	command.Env = append(withoutAgent(os.Environ()), environment...)
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	connection, err := grpc.NewClient("127.0.0.1:"+strings.TrimSpace(port),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { connection.Close() })
	c := &client{t, pulumirpc.NewResourceProviderClient(connection), engine}
	_, err = c.rpc.Configure(t.Context(), &pulumirpc.ConfigureRequest{AcceptSecrets: true, AcceptResources: true})
	must(t, err)
	return c
}

func withoutAgent(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		if !strings.HasPrefix(variable, "SSH_AUTH_SOCK=") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// inputs of a resource; nested maps are objects.
type inputs map[string]any

func (i inputs) with(name string, value any) inputs {
	changed := inputs{}
	for key, old := range i {
		changed[key] = old
	}
	changed[name] = value
	return changed
}

// state is what the engine keeps of a resource.
type state struct {
	id         string
	properties resource.PropertyMap
}

func (s state) output(name resource.PropertyKey) string {
	if value := s.properties[name]; value.IsString() {
		return value.StringValue()
	}
	return fmt.Sprintf("%v", s.properties[name])
}

func (c *client) check(news inputs) (resource.PropertyMap, error) {
	c.t.Helper()
	response, err := c.rpc.Check(c.t.Context(), &pulumirpc.CheckRequest{
		Urn: urn, News: c.wire(resource.NewPropertyMapFromMap(news)),
	})
	if err != nil {
		return nil, err
	}
	for _, failure := range response.Failures {
		return nil, fmt.Errorf("%s: %s", failure.Property, failure.Reason)
	}
	return c.unwire(response.Inputs), nil
}

func (c *client) checked(news inputs) *structpb.Struct {
	c.t.Helper()
	properties, err := c.check(news)
	must(c.t, err)
	return c.wire(properties)
}

func (c *client) tryCreate(news inputs, options ...func(*pulumirpc.CreateRequest)) (state, error) {
	c.t.Helper()
	request := &pulumirpc.CreateRequest{Urn: urn, Name: "thing", Type: "command:remote:Command", Properties: c.checked(news)}
	for _, option := range options {
		option(request)
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	response, err := c.rpc.Create(ctx, request)
	if err != nil {
		return state{}, err
	}
	return state{response.Id, c.unwire(response.Properties)}, nil
}

func (c *client) create(news inputs, options ...func(*pulumirpc.CreateRequest)) state {
	c.t.Helper()
	created, err := c.tryCreate(news, options...)
	must(c.t, err)
	return created
}

func previewed(request *pulumirpc.CreateRequest) { request.Preview = true }

func (c *client) tryUpdate(olds state, news inputs, preview bool) (state, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	response, err := c.rpc.Update(ctx, &pulumirpc.UpdateRequest{
		Urn: urn, Id: olds.id, Olds: c.wire(olds.properties), News: c.checked(news), Preview: preview,
	})
	if err != nil {
		return state{}, err
	}
	return state{olds.id, c.unwire(response.Properties)}, nil
}

func (c *client) update(olds state, news inputs) state {
	c.t.Helper()
	updated, err := c.tryUpdate(olds, news, false)
	must(c.t, err)
	return updated
}

func (c *client) tryDelete(olds state) error {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	_, err := c.rpc.Delete(ctx, &pulumirpc.DeleteRequest{Urn: urn, Id: olds.id, Properties: c.wire(olds.properties)})
	return err
}

func (c *client) diff(olds state, news inputs) *pulumirpc.DiffResponse {
	c.t.Helper()
	response, err := c.rpc.Diff(c.t.Context(), &pulumirpc.DiffRequest{
		Urn: urn, Id: olds.id, Olds: c.wire(olds.properties), News: c.checked(news),
	})
	must(c.t, err)
	return response
}

func (c *client) cancel() {
	c.t.Helper()
	_, err := c.rpc.Cancel(c.t.Context(), &emptypb.Empty{})
	must(c.t, err)
}

var asTheEngine = plugin.MarshalOptions{KeepUnknowns: true, KeepSecrets: true, KeepResources: true}

func (c *client) wire(properties resource.PropertyMap) *structpb.Struct {
	c.t.Helper()
	marshalled, err := plugin.MarshalProperties(properties, asTheEngine)
	must(c.t, err)
	return marshalled
}

func (c *client) unwire(properties *structpb.Struct) resource.PropertyMap {
	c.t.Helper()
	unmarshalled, err := plugin.UnmarshalProperties(properties, asTheEngine)
	must(c.t, err)
	return unmarshalled
}

// engine is the other end of the plugin's log.
type engine struct {
	pulumirpc.UnimplementedEngineServer
	address string

	lock    sync.Mutex
	entries []logEntry
	changed chan struct{}
}

type logEntry struct {
	severity pulumirpc.LogSeverity
	// status lines show while the operation runs and are gone afterwards.
	status  bool
	message string
}

func startEngine(t *testing.T) *engine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	e := &engine{address: listener.Addr().String(), changed: make(chan struct{})}
	server := grpc.NewServer()
	pulumirpc.RegisterEngineServer(server, e)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return e
}

func (e *engine) Log(_ context.Context, request *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.entries = append(e.entries, logEntry{request.Severity, request.Ephemeral, request.Message})
	close(e.changed)
	e.changed = make(chan struct{})
	return &emptypb.Empty{}, nil
}

// statusLines are the messages shown while operations ran.
func (e *engine) statusLines() []string {
	e.lock.Lock()
	defer e.lock.Unlock()
	var lines []string
	for _, entry := range e.entries {
		if entry.status {
			lines = append(lines, entry.message)
		}
	}
	return lines
}

// kept are the messages of a severity that stay after the operation.
func (e *engine) kept(severity pulumirpc.LogSeverity) []string {
	e.lock.Lock()
	defer e.lock.Unlock()
	var lines []string
	for _, entry := range e.entries {
		if !entry.status && entry.severity == severity {
			lines = append(lines, entry.message)
		}
	}
	return lines
}

// await returns when a status line has the text.
func (e *engine) await(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		e.lock.Lock()
		changed := e.changed
		e.lock.Unlock()
		for _, line := range e.statusLines() {
			if strings.Contains(line, text) {
				return
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no status line has %q; there are %q", text, e.statusLines())
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
