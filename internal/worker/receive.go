package worker

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/receive"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Receive makes the handler do Identify and Take. Below makes the path of a bundle's directory
// one of this process. Fetching and acknowledging one event may take limit.
func (o *Options) Receive(h receive.Handler, below func(dir string) string, limit time.Duration) {
	o.Identify = func(payload []byte) (string, error) {
		e, err := h.Check(payload)
		if err != nil {
			return "", err
		}
		return e.ID, nil
	}
	o.Take = func(ctx context.Context, payload []byte, handledBefore bool) Taken {
		ctx, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		one := h
		one.Ledger = knownEvent(handledBefore)
		return taken(one.Handle(ctx, payload), below)
	}
}

// taken returns what a worker needs of an outcome.
func taken(o *receive.Outcome, below func(string) string) Taken {
	t := Taken{Err: errors.Join(o.Errors...)}
	if o.Refusal != nil {
		t.Refusal = o.Refusal
	}
	if o.Event != nil {
		t.Event = o.Event.JSON
	}
	if o.Bundle != nil {
		dir, err := filepath.Abs(below(o.Bundle.Dir))
		t.Dir, t.Err = dir, errors.Join(t.Err, err)
	}
	return t
}

// knownEvent is a ledger with one answer: the bucket has decided before.
type knownEvent bool

// Received implements store.Receptions.
func (k knownEvent) Received(context.Context, string) (bool, error) { return bool(k), nil }

// PutReception implements store.Receptions. The bucket has the record.
func (knownEvent) PutReception(context.Context, *store.Reception) error { return nil }
