package remote

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/retry"
	"golang.org/x/crypto/ssh"
)

// dial opens the SSH connection, through the proxy where there is one. Every kind of failure is retried, a refused login
// included. perDialTimeout bounds the opening of the TCP connection, not the handshake after it.
func (c *Connection) dial(ctx context.Context) (*ssh.Client, error) {
	host, err := c.login()
	if err != nil {
		return nil, err
	}
	defer host.close()
	if c.Proxy == nil {
		return withRetries(ctx, "Dial", c.dialErrorLimit(), func() (*ssh.Client, error) {
			return ssh.Dial("tcp", c.address(), &host.config)
		})
	}
	client, err := c.dialThroughProxy(ctx, &host.config)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	return client, nil
}

func (c *Connection) dialThroughProxy(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	bastion, err := c.Proxy.login()
	if err != nil {
		return nil, err
	}
	defer bastion.close()
	proxy, err := withRetries(ctx, "Dial proxy", c.Proxy.dialErrorLimit(), func() (*ssh.Client, error) {
		return ssh.Dial("tcp", c.Proxy.address(), &bastion.config)
	})
	if err != nil {
		return nil, err
	}
	client, err := dialFrom(ctx, proxy, c, config)
	if err != nil {
		proxy.Close()
		return nil, err
	}
	go func() {
		_ = client.Wait()
		proxy.Close()
	}()
	return client, nil
}

func dialFrom(ctx context.Context, proxy *ssh.Client, c *Connection, config *ssh.ClientConfig) (*ssh.Client, error) {
	tunnel, err := withRetries(ctx, "Dial from proxy", c.dialErrorLimit(), func() (net.Conn, error) {
		return proxy.Dial("tcp", c.address())
	})
	if err != nil {
		return nil, err
	}
	return withRetries(ctx, "Dial", c.dialErrorLimit(), func() (*ssh.Client, error) {
		// A failed handshake closes its tunnel: the next attempt needs its own.
		if tunnel == nil {
			if tunnel, err = proxy.Dial("tcp", c.address()); err != nil {
				return nil, err
			}
		}
		connection, channels, requests, err := ssh.NewClientConn(tunnel, c.address(), config)
		if err != nil {
			tunnel = nil
			return nil, err
		}
		return ssh.NewClient(connection, channels, requests), nil
	})
}

// withRetries calls attempt until it succeeds, has failed more than limit times, or ctx ends; the waits between grow from
// 0.1 s by half to 5 s.
func withRetries[T any](ctx context.Context, what string, limit int, attempt func() (T, error)) (T, error) {
	var result T
	accepted, _, err := retry.Until(ctx, retry.Acceptor{Accept: func(retries int, _ time.Duration) (bool, any, error) {
		var failure error
		if result, failure = attempt(); failure == nil {
			return true, nil, nil
		}
		shown := "inf"
		if limit != unlimitedDialErrors {
			shown = strconv.Itoa(limit)
		}
		if limit > unlimitedDialErrors && retries >= limit {
			return true, nil, fmt.Errorf("after %d failed attempts: %w", retries, failure)
		}
		p.GetLogger(ctx).InfoStatusf("%s %d/%s failed: retrying", what, retries+1, shown)
		return false, nil, nil
	}})
	if err == nil && !accepted {
		err = ctx.Err()
	}
	return result, err
}
