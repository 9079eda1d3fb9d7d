package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// server is a real sshd on 127.0.0.1 that lets the user who runs the tests in with the key `id`.
type server struct {
	folder string
	port   int
	user   string
	log    string
}

type sshdOptions struct {
	// hostKeys are the types that ssh-keygen makes; ed25519 alone when empty.
	hostKeys []string
	config   string
	// passphrase of the client's key.
	passphrase string
	// late leaves the starting to the test.
	late bool
}

func startSshd(t *testing.T, options sshdOptions) *server {
	t.Helper()
	me, err := user.Current()
	must(t, err)
	s := &server{folder: t.TempDir(), port: freePort(t), user: me.Username}
	s.log = filepath.Join(s.folder, "log")
	s.keygen(t, "id", "ed25519", options.passphrase)
	public, err := os.ReadFile(s.path("id.pub"))
	must(t, err)
	must(t, os.WriteFile(s.path("authorized_keys"), public, 0o600))
	if options.hostKeys == nil {
		options.hostKeys = []string{"ed25519"}
	}
	config := fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n"+
		"AuthorizedKeysFile %s\nPasswordAuthentication yes\nMaxStartups 100\n%s\n",
		s.port, s.path("authorized_keys"), options.config)
	for _, kind := range options.hostKeys {
		s.keygen(t, "host_"+kind, kind, "")
		config += "HostKey " + s.path("host_"+kind) + "\n"
	}
	must(t, os.WriteFile(s.path("sshd_config"), []byte(config), 0o600))
	if !options.late {
		s.start(t)
	}
	return s
}

// start returns when the server listens.
func (s *server) start(t *testing.T) {
	t.Helper()
	path, err := exec.LookPath("sshd")
	if err != nil {
		// Users other than root do not have it on PATH.
		path = "/usr/sbin/sshd"
	}
	if os.Getuid() == 0 {
		must(t, os.MkdirAll("/run/sshd", 0o755))
	}
	log, err := os.Create(s.log)
	must(t, err)
	command := exec.Command(path, "-D", "-e", "-f", s.path("sshd_config"))
	command.Stderr = log
	// The sessions are in processes of their own, in the same group.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, command.Start())
	log.Close()
	exited := make(chan struct{})
	go func() {
		_ = command.Wait()
		close(exited)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		<-exited
	})
	waitFor(t, "a listening sshd", func() bool {
		select {
		case <-exited:
			t.Fatalf("sshd ended: %s", s.logText(t))
		default:
		}
		return bytes.Contains(s.logText(t), []byte("Server listening"))
	})
}

func (s *server) logText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile(s.log)
	must(t, err)
	return text
}

func (s *server) path(name string) string { return filepath.Join(s.folder, name) }

func (s *server) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	must(t, err)
	return string(text)
}

func (s *server) keygen(t *testing.T, name, kind, passphrase string) {
	t.Helper()
	keygen(t, s.path(name), kind, passphrase)
}

func keygen(t *testing.T, path, kind, passphrase string) {
	t.Helper()
	output, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "test", "-f", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, output)
	}
}

// connection logs in with the key `id` and pins the first host key.
func (s *server) connection(t *testing.T) inputs {
	t.Helper()
	hostKeys, err := filepath.Glob(s.path("host_*.pub"))
	must(t, err)
	hostKey, err := os.ReadFile(hostKeys[0])
	must(t, err)
	return inputs{
		"host": "127.0.0.1", "port": s.port, "user": s.user, "privateKey": s.read(t, "id"),
		"hostKey": strings.TrimSpace(string(hostKey)), "dialErrorLimit": 0,
	}
}

func (s *server) command(t *testing.T, create string) inputs {
	t.Helper()
	return inputs{"connection": s.connection(t), "create": create}
}

// freePort is one that nothing listens on now.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	number, err := strconv.Atoi(port)
	must(t, err)
	return number
}
