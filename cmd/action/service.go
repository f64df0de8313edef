package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/worker"
)

// errStopped is how a service ends that was asked to.
var errStopped = errors.New("stopped")

// maxSecretFile is the largest file of a secret, in bytes.
const maxSecretFile = 64 << 10

// runService is receive as a service: it handles events until a signal arrives.
func runService(ctx context.Context, a *app, r *option.Reader) (int, error) {
	err := r.ReadSecretFiles(func(file string) ([]byte, error) {
		return checkout.ReadArgument(ctx, file, a.stdin, maxSecretFile)
	})
	if err != nil {
		return exitUsage, usageError{err}
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
	o.Receive(*h, stores.Below, receiveLimit)
	err = worker.Run(ctx, o)
	switch {
	case errors.Is(err, worker.ErrSetup):
		return exitFindings, err
	case err != nil:
		return exitUnavailable, err
	}
	return exitOK, errStopped
}

// serviceOptions reads the options of the service, except for those of receive.
func (a *app) serviceOptions(r *option.Reader) (o worker.Options, err error) {
	targets := pipeline.ReadConnections(r)
	o = worker.Options{
		Envelope: targets.NATS.Envelope, Durable: r.Values[option.Durable], DeadLetter: r.Values[option.DeadLetter],
		Create: r.IsOn(option.Create), MetricsAddr: r.Values[option.MetricsAddr],
		Program: worker.Program{Args: r.Args}, Log: a.runner.Logf, Now: a.streams.now,
	}
	var errs [5]error
	o.Workers, errs[0] = r.Number(option.Workers, 1, 1000)
	o.Program.Timeout, errs[1] = r.Duration(option.RunTimeout)
	o.StopTimeout, errs[2] = r.Duration(option.StopTimeout)
	o.Program.Env, errs[3] = worker.Environment(a.getenv, r.List(option.PassEnv))
	if !worker.IsDurable(o.Durable) {
		errs[4] = fmt.Errorf("durable is %q, must be at most 64 letters, digits, - and _", o.Durable)
	}
	if err := errors.Join(append(errs[:], r.Err)...); err != nil {
		return o, err
	}
	if err := o.Program.Check(); err != nil {
		return o, err
	}
	o.NATS, err = a.services().OpenNATS(targets, false)
	return o, err
}
