package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestDialIsRetriedUntilTheServerIsThere(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{late: true}), startPlugin(t)
	connection := host.connection(t).with("dialErrorLimit", -1)
	defer alongside(func() {
		plugin.engine.await(t, "Dial 2/inf failed: retrying")
		host.start(t)
	})()
	if got := plugin.create(inputs{"connection": connection, "create": "echo up"}).output("stdout"); got != "up" {
		t.Errorf("stdout %q", got)
	}
	lines := plugin.engine.statusLines()
	for i, line := range lines[:len(lines)-1] {
		if want := fmt.Sprintf("Dial %d/inf failed: retrying", i+1); line != want {
			t.Errorf("status line %q, not %q", line, want)
		}
	}
}

func TestDialErrorLimitEndsTheRetries(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{late: true}), startPlugin(t)
	started := time.Now()
	_, err := plugin.tryCreate(inputs{"connection": host.connection(t).with("dialErrorLimit", 3), "create": "true"})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("after 3 failed attempts: dial tcp 127.0.0.1:%d: connect: connection refused", host.port)) {
		t.Errorf("%v", err)
	}
	want := []string{"Dial 1/3 failed: retrying", "Dial 2/3 failed: retrying", "Dial 3/3 failed: retrying"}
	if lines := plugin.engine.statusLines(); !slices.Equal(lines, want) {
		t.Errorf("status lines %q", lines)
	}
	// 0.1 s, 0.15 s and 0.225 s.
	if took := time.Since(started); took < 475*time.Millisecond {
		t.Errorf("three retries took %s: the waits between them do not grow by half from 0.1 s", took)
	}
}

func TestSilentHostIsWaitedForBeyondPerDialTimeout(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	// As a port forward to a booting machine: accepts, stays silent for longer than perDialTimeout, then serves.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer silent.Close()
	go forwardLate(silent, fmt.Sprintf("127.0.0.1:%d", host.port), 2*time.Second)
	connection := host.connection(t).with("port", silent.Addr().(*net.TCPAddr).Port).with("perDialTimeout", 1)
	if got := plugin.create(inputs{"connection": connection, "create": "echo late"}).output("stdout"); got != "late" {
		t.Errorf("stdout %q", got)
	}
	if lines := plugin.engine.statusLines(); !slices.Equal(lines, []string{"late"}) {
		t.Errorf("status lines %q: the first dial is to succeed", lines)
	}
}

// forwardLate forwards one connection once silence is over.
func forwardLate(listener net.Listener, target string, silence time.Duration) {
	client, err := listener.Accept()
	if err != nil {
		return
	}
	defer client.Close()
	time.Sleep(silence)
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go pipe(server, client)
	pipe(client, server)
}

func TestCancelEndsTheRetries(t *testing.T) {
	plugin := startPlugin(t)
	defer alongside(func() {
		plugin.engine.await(t, "Dial 2/inf failed: retrying")
		plugin.cancel()
	})()
	connection := inputs{"host": "127.0.0.1", "port": freePort(t), "dialErrorLimit": -1}
	_, err := plugin.tryCreate(inputs{"connection": connection, "create": "true"})
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("%v", err)
	}
}

func TestTimeoutOfTheOperationEndsTheRetries(t *testing.T) {
	plugin := startPlugin(t)
	connection := inputs{"host": "127.0.0.1", "port": freePort(t), "dialErrorLimit": -1}
	_, err := plugin.tryCreate(inputs{"connection": connection, "create": "true"},
		func(request *pulumirpc.CreateRequest) { request.Timeout = 1 })
	if err == nil || !strings.Contains(err.Error(), context.DeadlineExceeded.Error()) {
		t.Errorf("%v", err)
	}
}

func TestRunningCommandOutlivesCancelAndTimeout(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	defer alongside(func() {
		plugin.engine.await(t, "running")
		plugin.cancel()
		// Beyond the timeout, too.
		time.Sleep(1200 * time.Millisecond)
		touch(t, host.path("go"))
	})()
	created, err := plugin.tryCreate(host.command(t, "echo running; "+untilExists(host.path("go"))+"; echo end"),
		func(request *pulumirpc.CreateRequest) { request.Timeout = 1 })
	must(t, err)
	if got := created.output("stdout"); got != "running\nend" {
		t.Errorf("stdout %q", got)
	}
}

// alongside runs action beside the test; the function returned waits for its end.
func alongside(action func()) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		action()
	}()
	return func() { <-done }
}

func touch(t *testing.T, path string) {
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Error(err)
	}
}

// untilExists is a shell command that waits for a file.
func untilExists(path string) string { return "while [ ! -e " + path + " ]; do sleep 0.05; done" }

func pipe(to, from net.Conn) {
	buffer := make([]byte, 32*1024)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
