package remote

import (
	"bufio"
	"bytes"
	"context"
	"io"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
)

// Logging says which output of a running command is shown as status lines.
type Logging string

const (
	logStdout          Logging = "stdout"
	logStderr          Logging = "stderr"
	logStdoutAndStderr Logging = "stdoutAndStderr"
	logNone            Logging = "none"
)

func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: string(logStdout), Value: logStdout, Description: "Standard output alone"},
		{Name: string(logStderr), Value: logStderr, Description: "Standard error alone"},
		{Name: string(logStdoutAndStderr), Value: logStdoutAndStderr, Description: "Both, the default"},
		{Name: string(logNone), Value: logNone, Description: "Neither"},
	}
}

func (l *Logging) showsStdout() bool {
	return l == nil || *l == logStdout || *l == logStdoutAndStderr
}

func (l *Logging) showsStderr() bool {
	return l == nil || *l == logStderr || *l == logStdoutAndStderr
}

// longestLine is where the published plugin stops reading its log, which blocks the command for good.
const longestLine = bufio.MaxScanTokenSize

// logLines shows what it reads, a status line each, until the end of output.
func logLines(ctx context.Context, output io.Reader) {
	logger := p.GetLogger(ctx)
	reader := bufio.NewReaderSize(output, longestLine)
	for {
		line, err := reader.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			logger.Warning("a line of output is longer than 64 KiB; the published plugin hangs on it: " +
				"shorten the line or set logging to none")
			_, _ = io.Copy(io.Discard, reader)
			return
		case err == nil || len(line) > 0:
			logger.InfoStatus(string(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))))
		}
		if err != nil {
			return
		}
	}
}
