package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/receive"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/worker"
)

// errStopped is how a service ends that was asked to.
var errStopped = errors.New("stopped")

// runService is receive as a service: it handles events until a signal arrives.
func runService(ctx context.Context, a *app, r *reader) (int, error) {
	if err := r.readSecretFiles(ctx); err != nil {
		return exitUsage, err
	}
	o, err := a.serviceOptions(r)
	if err != nil {
		return exitUsage, usageError{err}
	}
	h, stores, err := a.openReceive(r)
	if err != nil {
		return exitUsage, err
	}
	defer a.closeSinks(h.Sinks)
	h.Now = a.streams.now
	o.Identify = func(payload []byte) (string, error) {
		e, err := h.Check(payload)
		if err != nil {
			return "", err
		}
		return e.ID, nil
	}
	o.Take = func(ctx context.Context, payload []byte, handledBefore bool) worker.Taken {
		ctx, cancel := context.WithTimeout(ctx, receiveLimit)
		defer cancel()
		one := *h
		one.Ledger = knownEvent(handledBefore)
		return taken(one.Handle(ctx, payload), stores)
	}
	err = worker.Run(ctx, o)
	switch {
	case errors.Is(err, worker.ErrSetup):
		return exitFindings, err
	case err != nil:
		return exitUnavailable, err
	}
	return exitOK, errStopped
}

// taken returns what the worker needs of an outcome.
func taken(o *receive.Outcome, stores pipeline.Stores) worker.Taken {
	t := worker.Taken{Err: errors.Join(o.Errors...)}
	if o.Refusal != nil {
		t.Refusal = o.Refusal
	}
	if o.Event != nil {
		t.Event = o.Event.JSON
	}
	if o.Bundle != nil {
		dir, err := filepath.Abs(stores.Below(o.Bundle.Dir))
		t.Dir, t.Err = dir, errors.Join(t.Err, err)
	}
	return t
}

// knownEvent is a ledger with one answer: the service's bucket has decided before.
type knownEvent bool

// Received implements store.Receptions.
func (k knownEvent) Received(context.Context, string) (bool, error) { return bool(k), nil }

// PutReception implements store.Receptions. The service records the event itself.
func (knownEvent) PutReception(context.Context, *store.Reception) error { return nil }

// serviceOptions reads the options of the service, except for those of receive.
func (a *app) serviceOptions(r *reader) (worker.Options, error) {
	targets := r.connections()
	o := worker.Options{
		Envelope: targets.NATS.Envelope, Durable: r.Values[option.Durable], DeadLetter: r.Values[option.DeadLetter],
		Create: r.isOn(option.Create), Workers: r.count(option.Workers), MetricsAddr: r.Values[option.MetricsAddr],
		Program: worker.Program{
			Args: r.args, Env: a.programEnv(r.list(option.PassEnv)), Timeout: r.duration(option.RunTimeout),
		},
		StopTimeout: r.duration(option.StopTimeout), Log: a.runner.Logf, Now: a.streams.now,
	}
	r.args = nil // openReceive takes none
	if r.err != nil {
		return o, r.err
	}
	if !worker.IsDurable(o.Durable) {
		return o, fmt.Errorf("durable is %q, must be at most 64 letters, digits, - and _", o.Durable)
	}
	for _, name := range r.list(option.PassEnv) {
		if strings.HasPrefix(name, "INPUT_") || strings.HasPrefix(name, "ACTIONS_") || strings.Contains(name, "=") {
			return o, fmt.Errorf("pass-env lists %q: inputs of this action and variables of the runner stay here", name)
		}
	}
	if err := o.Program.Check(); err != nil {
		return o, err
	}
	var err error
	o.NATS, err = a.services().OpenNATS(targets, false)
	return o, err
}

// programVariables are those that every program needs. None of them has a secret.
var programVariables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "TERM",
	"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// programEnv returns the environment of the program: the usual variables, and those that the
// user passes on.
func (a *app) programEnv(passed []string) []string {
	var env []string
	for _, name := range slices.Concat(programVariables, passed) {
		if value := a.getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// maxSecretFile is the largest file of a secret, in bytes.
const maxSecretFile = 64 << 10

// readSecretFiles replaces @FILE by the file's content. The command line of a service is
// visible to every user of the machine, and stays for as long as the service runs.
func (r *reader) readSecretFiles(ctx context.Context) error {
	for _, o := range option.All {
		file, isFile := strings.CutPrefix(r.Values[o.Name], "@")
		if !o.Secret && o.Name != option.NATSCA && o.Name != option.NATSCert || !isFile {
			continue
		}
		data, err := checkout.ReadArgument(ctx, file, strings.NewReader(""), maxSecretFile)
		if err != nil {
			return usagef("%s: %w", o.Name, err)
		}
		r.Values[o.Name] = strings.TrimSpace(string(data))
	}
	return nil
}

// count reads a number from 1 to 1000.
func (r *reader) count(name string) int {
	n, err := strconv.Atoi(r.Values[name])
	if err != nil || n < 1 || n > 1000 {
		r.fail(fmt.Errorf("%s is %q, must be a number from 1 to 1000", name, r.Values[name]))
	}
	return n
}

// duration reads a positive duration.
func (r *reader) duration(name string) time.Duration {
	d, err := time.ParseDuration(r.Values[name])
	if err != nil || d <= 0 {
		r.fail(fmt.Errorf("%s is %q, must be a duration such as 90s or 1h30m", name, r.Values[name]))
	}
	return d
}
