package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// This file is the only one that starts processes.

// BundleDir is the environment variable with the bundle's directory. An event without a
// bundle leaves it empty.
const BundleDir = "SCHEDULE_BUNDLE_DIR"

// killWait is how long a program may go on after it was asked to end.
const killWait = 5 * time.Second

// Program is what runs for each event.
type Program struct {
	Args    []string // the program and its arguments, which are the same for all events
	Env     []string // its whole environment, but for BundleDir
	Timeout time.Duration
}

// Check reports whether the program can be found.
func (p Program) Check() error {
	if len(p.Args) == 0 {
		return advice.New("write it after --, as in -- ./agent.sh", "there is no program to run")
	}
	if _, err := exec.LookPath(p.Args[0]); err != nil {
		return advice.New("give its path, and make it executable", "%q cannot be run: %w", p.Args[0], err)
	}
	return nil
}

var errTimeout = errors.New("the program took too long")

// run runs the program with the event on its standard input. After the time limit, and when
// ctx ends, the program and all processes of its group are asked to end, and then killed.
func (p Program) run(ctx context.Context, taken Taken, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.Timeout, errTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	// An empty slice, unlike nil, does not mean the environment of this process.
	cmd.Env = append(append([]string{}, p.Env...), BundleDir+"="+taken.Dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(taken.Event), out, out
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error { return endGroup(cmd.Process, false) }
	cmd.WaitDelay = killWait
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	_ = endGroup(cmd.Process, true) // what the program left behind
	switch {
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // the program succeeded, and a process that it left held its output open
	case err != nil && errors.Is(context.Cause(ctx), errTimeout):
		return fmt.Errorf("%w: more than %v", errTimeout, p.Timeout)
	}
	return err
}
