package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/ssh"
)

// Output is what a command printed, each stream without its last newline.
type Output struct {
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// run executes command on the host, over a connection of its own. Once the command runs, it runs to its end: neither a
// cancellation nor a timeout of the operation stops it.
func (inputs *CommandInputs) run(ctx context.Context, command string, previous Output) (Output, error) {
	client, err := inputs.Connection.dial(ctx)
	if err != nil {
		return Output{}, err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return Output{}, err
	}
	defer session.Close()
	if err := inputs.setEnvironment(ctx, session, previous); err != nil {
		return Output{}, err
	}
	if inputs.Stdin != nil && *inputs.Stdin != "" {
		session.Stdin = strings.NewReader(*inputs.Stdin)
	}

	var stdout, stderr, both bytes.Buffer
	logged, log := io.Pipe()
	// The two streams are copied by a goroutine each; both is theirs together.
	var lock sync.Mutex
	session.Stdout = io.MultiWriter(&stdout, &lockedWriter{&lock, &both}, logTo(log, inputs.Logging.showsStdout()))
	session.Stderr = io.MultiWriter(&stderr, &lockedWriter{&lock, &both}, logTo(log, inputs.Logging.showsStderr()))
	var logging sync.WaitGroup
	logging.Go(func() { logLines(ctx, logged) })
	err = session.Run(command)
	log.Close()
	logging.Wait()
	if err != nil {
		return Output{}, fmt.Errorf("%w: running %q:\n%s", err, command, both.String())
	}
	return Output{
		Stdout: strings.TrimSuffix(stdout.String(), "\n"),
		Stderr: strings.TrimSuffix(stderr.String(), "\n"),
	}, nil
}

// setEnvironment fails when the server refuses one of the user's variables; those of the run before are only warned of.
func (inputs *CommandInputs) setEnvironment(ctx context.Context, session *ssh.Session, previous Output) error {
	logger := p.GetLogger(ctx)
	for _, name := range slices.Sorted(maps.Keys(inputs.Environment)) {
		if err := session.Setenv(name, inputs.Environment[name]); err != nil {
			logger.Error(refusedVariable(name))
			return fmt.Errorf("could not set environment variable %q: %w", name, err)
		}
	}
	if !valueOr(inputs.AddPreviousOutputInEnv, true) {
		return nil
	}
	for _, variable := range []struct{ name, value string }{
		{"PULUMI_COMMAND_STDOUT", previous.Stdout},
		{"PULUMI_COMMAND_STDERR", previous.Stderr},
	} {
		if variable.value == "" {
			continue
		}
		if err := session.Setenv(variable.name, variable.value); err != nil {
			logger.Warning(refusedVariable(variable.name))
		}
	}
	return nil
}

func refusedVariable(name string) string {
	return fmt.Sprintf("Unable to set '%s': the SSH server takes only the variables that its AcceptEnv names. "+
		"Assign it in the command itself instead: %s=value command", name, name)
}

func logTo(log io.Writer, shown bool) io.Writer {
	if shown {
		return log
	}
	return io.Discard
}

type lockedWriter struct {
	lock   *sync.Mutex
	buffer *bytes.Buffer
}

func (w *lockedWriter) Write(text []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.buffer.Write(text)
}
