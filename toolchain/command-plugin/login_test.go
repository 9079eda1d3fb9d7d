package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestWrongHostKeyIsRefused(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	host.keygen(t, "other", "ed25519", "")
	connection := host.connection(t).with("hostKey", host.read(t, "other.pub"))
	_, err := plugin.tryCreate(inputs{"connection": connection, "create": "touch " + host.path("ran")})
	if err == nil || !strings.Contains(err.Error(), "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(host.path("ran")); err == nil {
		t.Error("the command ran on a host with another key")
	}
}

func TestPinnedKeyIsAskedForByItsAlgorithm(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{hostKeys: []string{"ed25519", "ecdsa"}}), startPlugin(t)
	for _, kind := range []string{"ed25519", "ecdsa"} {
		connection := host.connection(t).with("hostKey", host.read(t, "host_"+kind+".pub"))
		if got := plugin.create(inputs{"connection": connection, "create": "echo in"}).output("stdout"); got != "in" {
			t.Errorf("%s: stdout %q", kind, got)
		}
	}
	ed25519Only := startSshd(t, sshdOptions{})
	ed25519Only.keygen(t, "ecdsa", "ecdsa", "")
	connection := ed25519Only.connection(t).with("hostKey", ed25519Only.read(t, "ecdsa.pub"))
	_, err := plugin.tryCreate(inputs{"connection": connection, "create": "true"})
	if err == nil || !strings.Contains(err.Error(), "no common algorithm for host key") {
		t.Errorf("an ecdsa key pinned on a host with ed25519 alone: %v", err)
	}
}

func TestAnyHostIsTrustedWithoutAHostKey(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{}), startPlugin(t)
	connection := host.connection(t)
	delete(connection, "hostKey")
	if got := plugin.create(inputs{"connection": connection, "create": "echo in"}).output("stdout"); got != "in" {
		t.Errorf("stdout %q", got)
	}
}

func TestUnreadableHostKeyIsNamed(t *testing.T) {
	connection := inputs{"host": "127.0.0.1", "port": freePort(t), "hostKey": "AAAA"}
	_, err := startPlugin(t).tryCreate(inputs{"connection": connection, "create": "true"})
	if err == nil || !strings.Contains(err.Error(), "failed to parse host key: ssh: no key found") {
		t.Errorf("%v", err)
	}
}

func TestKeyWithPassphrase(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{passphrase: "open sesame"}), startPlugin(t)
	connection := host.connection(t)
	if got := plugin.create(inputs{"connection": connection.with("privateKeyPassword", "open sesame"), "create": "echo in"}).output("stdout"); got != "in" {
		t.Errorf("stdout %q", got)
	}
	for name, refused := range map[string]struct {
		connection inputs
		message    string
	}{
		"no passphrase":    {connection, "this private key is passphrase protected"},
		"wrong passphrase": {connection.with("privateKeyPassword", "open"), "decryption password incorrect"},
		"no key":           {connection.with("privateKey", "text"), "ssh: no key found"},
	} {
		_, err := plugin.tryCreate(inputs{"connection": refused.connection, "create": "true"})
		if err == nil || !strings.Contains(err.Error(), refused.message) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if lines := plugin.engine.statusLines(); !slices.Equal(lines, []string{"in"}) {
		t.Errorf("an unreadable key is no reason to dial: %q", lines)
	}
}

func TestRefusedLogin(t *testing.T) {
	host, plugin := startSshd(t, sshdOptions{config: "KbdInteractiveAuthentication no"}), startPlugin(t)
	host.keygen(t, "stranger", "ed25519", "")
	byPassword := host.connection(t).with("password", "not it")
	delete(byPassword, "privateKey")
	for name, refused := range map[string]struct {
		connection inputs
		attempted  string
	}{
		"wrong key":      {host.connection(t).with("privateKey", host.read(t, "stranger")), "attempted methods [none publickey]"},
		"wrong password": {byPassword, "attempted methods [none password]"},
	} {
		_, err := plugin.tryCreate(inputs{"connection": refused.connection, "create": "true"})
		want := "ssh: handshake failed: ssh: unable to authenticate, " + refused.attempted + ", no supported methods remain"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAgent(t *testing.T) {
	host := startSshd(t, sshdOptions{})
	socket := startAgent(t, host.path("id"))
	connection := host.connection(t)
	delete(connection, "privateKey")
	command := inputs{"connection": connection, "create": "echo in"}
	if got := startPlugin(t, "SSH_AUTH_SOCK="+socket).create(command).output("stdout"); got != "in" {
		t.Errorf("SSH_AUTH_SOCK: stdout %q", got)
	}
	byPath := inputs{"connection": connection.with("agentSocketPath", socket), "create": "echo in"}
	if got := startPlugin(t, "SSH_AUTH_SOCK=/nowhere").create(byPath).output("stdout"); got != "in" {
		t.Errorf("agentSocketPath: stdout %q", got)
	}
	if _, err := startPlugin(t).tryCreate(command); err == nil || !strings.Contains(err.Error(), "attempted methods [none]") {
		t.Errorf("no agent: %v", err)
	}
	// Even where a key alone would do.
	_, err := startPlugin(t, "SSH_AUTH_SOCK=/nowhere").tryCreate(host.command(t, "true"))
	if err == nil || !strings.Contains(err.Error(), "dial unix /nowhere: connect: no such file or directory") {
		t.Errorf("an agent that is gone: %v", err)
	}
}

// startAgent starts an SSH agent with one key; its socket is returned.
func startAgent(t *testing.T, key string) string {
	t.Helper()
	// Not in t.TempDir(): the path of a socket may have about 100 characters.
	folder, err := os.MkdirTemp("", "agent-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	socket := filepath.Join(folder, "socket")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	must(t, agent.Start())
	t.Cleanup(func() {
		_ = agent.Process.Signal(syscall.SIGTERM)
		_ = agent.Wait()
	})
	add := exec.Command("ssh-add", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	waitFor(t, "the agent's socket", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	output, err := add.CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-add: %v: %s", err, output)
	}
	return socket
}

func TestOrderOfMethods(t *testing.T) {
	host := startSshd(t, sshdOptions{})
	host.keygen(t, "agents", "ed25519", "")
	socket := startAgent(t, host.path("agents"))
	tolerant := startTolerantServer(t)
	for name, expected := range map[string]struct {
		accepts string
		tried   []string
	}{
		"the key first":                {"publickey:" + fingerprint(t, host.path("id.pub")), []string{"none", "publickey"}},
		"then the password":            {"password", []string{"none", "publickey", "password"}},
		"then interactively, the same": {"keyboard-interactive", []string{"none", "publickey", "password", "keyboard-interactive"}},
	} {
		t.Run(name, func(t *testing.T) {
			tolerant.accept(expected.accepts)
			connection := inputs{
				"host": "127.0.0.1", "port": tolerant.port, "user": "anyone", "dialErrorLimit": 0,
				"privateKey": host.read(t, "id"), "password": "secret", "agentSocketPath": socket,
			}
			if got := startPlugin(t).create(inputs{"connection": connection, "create": "say"}).output("stdout"); got != "say" {
				t.Errorf("stdout %q", got)
			}
			if tried := tolerant.tried(); !slices.Equal(tried, expected.tried) {
				t.Errorf("tried %q, not %q", tried, expected.tried)
			}
		})
	}
}

func TestProxy(t *testing.T) {
	bastion, host := startSshd(t, sshdOptions{}), startSshd(t, sshdOptions{})
	plugin := startPlugin(t)
	through := host.connection(t).with("proxy", bastion.connection(t))
	// The second host sees the connection come from the bastion's own session.
	created := plugin.create(inputs{"connection": through, "create": "echo in"})
	if got := created.output("stdout"); got != "in" {
		t.Errorf("stdout %q", got)
	}
	if log := string(bastion.logText(t)); !strings.Contains(log, "Accepted publickey for "+bastion.user) {
		t.Errorf("the bastion saw no login:\n%s", log)
	}

	down := startSshd(t, sshdOptions{late: true})
	bastion.keygen(t, "other", "ed25519", "")
	for name, failing := range map[string]struct {
		connection inputs
		message    string
		status     string
	}{
		"proxy down": {
			host.connection(t).with("proxy", down.connection(t).with("dialErrorLimit", 1)),
			fmt.Sprintf("proxy: after 1 failed attempts: dial tcp 127.0.0.1:%d: connect: connection refused", down.port),
			"Dial proxy 1/1 failed: retrying",
		},
		"wrong host key of the proxy": {
			host.connection(t).with("proxy", bastion.connection(t).with("hostKey", bastion.read(t, "other.pub"))),
			"proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch", "",
		},
		"host down behind the proxy": {
			down.connection(t).with("dialErrorLimit", 1).with("proxy", bastion.connection(t)),
			"proxy: after 1 failed attempts: ssh: rejected: connect failed (Connection refused)",
			"Dial from proxy 1/1 failed: retrying",
		},
		"wrong host key behind the proxy": {
			host.connection(t).with("hostKey", bastion.read(t, "other.pub")).with("proxy", bastion.connection(t)),
			"proxy: after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			plugin := startPlugin(t)
			_, err := plugin.tryCreate(inputs{"connection": failing.connection, "create": "true"})
			if err == nil || !strings.Contains(err.Error(), failing.message) {
				t.Errorf("%v", err)
			}
			if failing.status != "" && !slices.Contains(plugin.engine.statusLines(), failing.status) {
				t.Errorf("status lines %q", plugin.engine.statusLines())
			}
		})
	}
}
