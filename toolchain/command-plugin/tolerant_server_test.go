package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// tolerantServer accepts one method of authentication, which a real sshd cannot do without an account of its own that
// has a password. It answers every command with the command itself.
type tolerantServer struct {
	port int

	lock     sync.Mutex
	accepted string
	attempts []string
}

func startTolerantServer(t *testing.T) *tolerantServer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	hostKey, err := ssh.NewSignerFromKey(private)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	s := &tolerantServer{port: listener.Addr().(*net.TCPAddr).Port}
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			return nil, s.decide("publickey:" + ssh.FingerprintSHA256(key))
		},
		PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if string(password) != "secret" {
				return nil, errors.New("wrong password")
			}
			return nil, s.decide("password")
		},
		KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Password: ", "Again: "}, []bool{false, false})
			if err != nil {
				return nil, err
			}
			if len(answers) != 2 || answers[0] != "secret" || answers[1] != "secret" {
				return nil, errors.New("wrong answers")
			}
			return nil, s.decide("keyboard-interactive")
		},
		AuthLogCallback: func(_ ssh.ConnMetadata, method string, _ error) {
			s.lock.Lock()
			defer s.lock.Unlock()
			s.attempts = append(s.attempts, method)
		},
	}
	config.AddHostKey(hostKey)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(connection, config)
		}
	}()
	return s
}

// accept forgets the attempts so far and lets in who authenticates so.
func (s *tolerantServer) accept(method string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.accepted, s.attempts = method, nil
}

func (s *tolerantServer) tried() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.attempts
}

func (s *tolerantServer) decide(method string) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if method != s.accepted {
		return errors.New("not this one")
	}
	return nil
}

func serve(connection net.Conn, config *ssh.ServerConfig) {
	defer connection.Close()
	_, channels, requests, err := ssh.NewServerConn(connection, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range requests {
			if request.Type != "exec" {
				_ = request.Reply(false, nil)
				continue
			}
			var exec struct{ Command string }
			_ = ssh.Unmarshal(request.Payload, &exec)
			_ = request.Reply(true, nil)
			_, _ = channel.Write([]byte(exec.Command))
			_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			channel.Close()
		}
	}
}

func fingerprint(t *testing.T, publicKeyFile string) string {
	t.Helper()
	text, err := os.ReadFile(publicKeyFile)
	must(t, err)
	key, _, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(text))
	must(t, err)
	return ssh.FingerprintSHA256(key)
}

func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sign of %s after %s", what, patience)
		}
	}
}
