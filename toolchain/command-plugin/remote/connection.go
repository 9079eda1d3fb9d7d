// Package remote holds the resource command:remote:Command; the package's name is the middle of that token.
package remote

import (
	"net"
	"strconv"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"
)

const (
	defaultUser           = "root"
	defaultPort           = 22
	defaultDialErrorLimit = 10
	defaultPerDialTimeout = 15

	// unlimitedDialErrors as dialErrorLimit retries without end.
	unlimitedDialErrors = -1
)

// Endpoint is one SSH server and how to log in there.
type Endpoint struct {
	Host               *string  `pulumi:"host"`
	Port               *float64 `pulumi:"port,optional"`
	User               *string  `pulumi:"user,optional"`
	PrivateKey         *string  `pulumi:"privateKey,optional" provider:"secret"`
	PrivateKeyPassword *string  `pulumi:"privateKeyPassword,optional" provider:"secret"`
	Password           *string  `pulumi:"password,optional" provider:"secret"`
	AgentSocketPath    *string  `pulumi:"agentSocketPath,optional"`
	HostKey            *string  `pulumi:"hostKey,optional"`
	DialErrorLimit     *int     `pulumi:"dialErrorLimit,optional"`
	PerDialTimeout     *int     `pulumi:"perDialTimeout,optional"`
}

// Connection is the host that commands run on, reached through Proxy where there is one.
type Connection struct {
	Endpoint
	Proxy *ProxyConnection `pulumi:"proxy,optional"`
}

// ProxyConnection is a bastion host.
type ProxyConnection struct{ Endpoint }

func (e *Endpoint) Annotate(a infer.Annotator) {
	a.Describe(&e.Host, "Name or address of the host.")
	a.Describe(&e.Port, "TCP port of the SSH server.")
	a.SetDefault(&e.Port, defaultPort)
	a.Describe(&e.User, "The user to log in as.")
	a.SetDefault(&e.User, defaultUser)
	a.Describe(&e.PrivateKey, "A private key, in PEM or OpenSSH form; tried before the password.")
	a.Describe(&e.PrivateKeyPassword, "The passphrase of privateKey.")
	a.Describe(&e.Password, "The password, also for keyboard-interactive questions.")
	a.Describe(&e.AgentSocketPath, "Socket of an SSH agent; SSH_AUTH_SOCK when unset.")
	a.Describe(&e.HostKey, "The server's public key as a line of authorized_keys. When unset, any server is trusted.")
	a.Describe(&e.DialErrorLimit, "How many failed dials are retried; -1: without end.")
	a.SetDefault(&e.DialErrorLimit, defaultDialErrorLimit)
	a.Describe(&e.PerDialTimeout, "Seconds that one TCP connection may take to open; 0: as long as the system allows.")
	a.SetDefault(&e.PerDialTimeout, defaultPerDialTimeout)
}

func (e *Endpoint) address() string {
	return net.JoinHostPort(*e.Host, strconv.Itoa(int(valueOr(e.Port, defaultPort))))
}

func (e *Endpoint) dialErrorLimit() int { return valueOr(e.DialErrorLimit, defaultDialErrorLimit) }

func (e *Endpoint) perDialTimeout() time.Duration {
	return time.Duration(valueOr(e.PerDialTimeout, defaultPerDialTimeout)) * time.Second
}

func valueOr[T any](value *T, fallback T) T {
	if value == nil {
		return fallback
	}
	return *value
}
