package remote

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// login is the SSH client configuration of one endpoint; close it when the dialing is over.
type login struct {
	config ssh.ClientConfig
	agent  net.Conn
}

func (l *login) close() {
	if l.agent != nil {
		l.agent.Close()
	}
}

// login prepares the authentication methods in the order in which they are tried: private key, password, agent.
func (e *Endpoint) login() (*login, error) {
	l := &login{config: ssh.ClientConfig{User: valueOr(e.User, defaultUser), Timeout: e.perDialTimeout()}}
	if err := e.pinHostKey(&l.config); err != nil {
		return nil, err
	}
	if e.PrivateKey != nil {
		signer, err := parsePrivateKey(*e.PrivateKey, e.PrivateKeyPassword)
		if err != nil {
			return nil, err
		}
		l.config.Auth = append(l.config.Auth, ssh.PublicKeys(signer))
	}
	if e.Password != nil {
		l.config.Auth = append(l.config.Auth, ssh.Password(*e.Password), answerWith(*e.Password))
	}
	// An agent that is named but does not answer is an error, also when there is a key or a password.
	if socket := valueOr(e.AgentSocketPath, os.Getenv("SSH_AUTH_SOCK")); socket != "" || e.AgentSocketPath != nil {
		connection, err := net.Dial("unix", socket)
		if err != nil {
			return nil, err
		}
		l.agent = connection
		l.config.Auth = append(l.config.Auth, ssh.PublicKeysCallback(agent.NewClient(connection).Signers))
	}
	return l, nil
}

// pinHostKey also asks the server for that key's algorithm alone, or a server with keys of several kinds would show
// another one and be refused.
func (e *Endpoint) pinHostKey(config *ssh.ClientConfig) error {
	if e.HostKey == nil {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(*e.HostKey))
	if err != nil {
		return fmt.Errorf("failed to parse host key: %w", err)
	}
	config.HostKeyCallback = ssh.FixedHostKey(key)
	config.HostKeyAlgorithms = []string{key.Type()}
	return nil
}

func parsePrivateKey(pem string, passphrase *string) (ssh.Signer, error) {
	if passphrase == nil {
		return ssh.ParsePrivateKey([]byte(pem))
	}
	return ssh.ParsePrivateKeyWithPassphrase([]byte(pem), []byte(*passphrase))
}

func answerWith(password string) ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = password
		}
		return answers, nil
	})
}
