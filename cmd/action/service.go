package main

import (
	"context"
	"errors"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/option"
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
	o, err := worker.ReadOptions(r, a.services(), a.getenv)
	if err != nil {
		return exitUsage, usageError{err}
	}
	h, stores, err := a.openReceive(r, a.streams.now)
	if err != nil {
		return exitUsage, err
	}
	defer a.closeSinks(h.Sinks)
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
