package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Deliverer stores bundles, emits events and records receipts. It is safe for concurrent
// use.
type Deliverer struct {
	Planner *Planner
	Stores
	// StoreArtifacts means that bundles are stored as job artifacts.
	StoreArtifacts bool
	Sinks          []emit.Sink
	Stdout         *emit.Stdout   // nil unless standard output is a channel
	Secrets        prepare.Policy // with which the bundles are built
	DryRun         bool
	// MaxPayloads limits the bytes of all events together; 0 is no limit.
	MaxPayloads int
	// KeepContent keeps the bundles in memory for printing.
	KeepContent bool
	Log         func(string, ...any)

	payloads atomic.Int64
}

// Delivered is the result of the third stage for an entry.
type Delivered struct {
	ContentName string // bundle.md or bundle.json
	// Dir is the directory that holds the bundle: slash-separated, and relative to the
	// workspace if inside. It is "" in a dry run.
	Dir        string
	Event      *event.Event // nil unless the bundle is stored; Payload is its encoding
	Payload    json.RawMessage
	Content    []byte // the bundle, if it is kept
	Deliveries []store.Delivery
	Memory     *Memory // nil without a memory
	// Receipt means that every requested delivery succeeded and that the receipt is
	// stored.
	Receipt bool
	// Resumed means that an earlier run prepared the event, and delivered it to some
	// targets.
	Resumed bool

	had    int           // targets that had the event before this run
	files  []store.File  // of the bundle
	stored *store.Memory // the memory's state in the record that is resumed
}

// memory is the memory's state for the receipt, nil without a memory.
func (d *Delivered) memory() *store.Memory {
	if d.Resumed {
		return d.stored
	}
	return d.Memory.state()
}

// Deliver stores the bundle of an entry, sends its event to the channels and stores the
// receipt. A failure leaves no receipt, so the next tick repeats the delivery with the
// same event id. Deliver writes to standard output after turn is closed.
func (d *Deliverer) Deliver(ctx context.Context, p *Planned, b *Built, turn <-chan struct{}) (*Delivered, error) {
	done := &Delivered{ContentName: b.Bundle.ContentName()}
	done.Memory = d.compareMemory(ctx, p, b.Bundle.Memory)
	if err := d.storeBundle(ctx, p, b, done); err != nil {
		return done, err
	}
	if d.KeepContent {
		done.Content = b.Bundle.Content
	}
	return done, d.emit(ctx, p, done, turn)
}

// emit sends the event to the targets that do not have it. It stores the receipt if all
// have it then, and the record of a partial delivery if only some have.
func (d *Deliverer) emit(ctx context.Context, p *Planned, done *Delivered, turn <-chan struct{}) error {
	message := emit.Message{
		ID: done.Event.Bundle.ID, Type: done.Event.Event, Agent: p.Entry.Agent,
		OccurredAt: done.Event.OccurredAt, JSON: done.Payload,
		Earlier: done.Deliveries, Again: done.Resumed || d.mayBeSent(p),
	}
	for _, sink := range d.Sinks {
		done.Deliveries = append(done.Deliveries, sink.Deliver(ctx, message)...)
	}
	if d.Stdout != nil {
		<-turn
		done.Deliveries = append(done.Deliveries, d.Stdout.Deliver(ctx, message)...)
	}
	failed := 0
	for _, delivery := range done.Deliveries {
		if delivery.Status == store.Failed {
			failed++
		}
	}
	switch {
	case failed > 0:
		return d.unfinished(ctx, p, done, failed)
	case d.Deferred():
		return nil
	}
	if err := d.storeReceipt(ctx, p, done); err != nil && !done.Receipt {
		return &Unrecorded{Err: err, Asked: p.Asked, Forced: p.ID.Run != ""}
	} else if err != nil {
		return err
	}
	return nil
}

// mayBeSent reports whether an earlier run may have sent the event of the entry. A run
// stores the bundle first, so a missing one proves that none did: if it would be an
// artifact, and all artifacts were listed. An entry that was asked for is sent again.
func (d *Deliverer) mayBeSent(p *Planned) bool {
	hidden := d.Artifacts != nil && !d.StoreArtifacts
	return !p.Asked && p.known != nil && (p.known.Prepared || p.known.Unlisted || hidden)
}

// Deferred reports whether outputs and terminal are the only channel. Deliver then stores
// no receipt: Confirm does, once the caller has written them.
func (d *Deliverer) Deferred() bool { return len(d.Sinks) == 0 && d.Stdout == nil && !d.DryRun }

// Confirm stores the receipts that Deliver left out because the caller had yet to write
// the events. A cancelled run stores none, because the steps after it do not read its
// outputs. The errors are in the outcomes.
func (d *Deliverer) Confirm(ctx context.Context, outcomes []*Outcome) {
	if !d.Deferred() {
		return
	}
	Each(len(outcomes), func(i int) {
		o := outcomes[i]
		switch {
		case o.Err != nil || o.Payload == nil:
		case ctx.Err() != nil:
			o.Err = errUnconfirmed
		default:
			o.Err = d.storeReceipt(ctx, o.Planned, o.Delivered)
		}
	})
}

// storeBundle stores the bundle and sets the event. In a dry run it only sets the event.
func (d *Deliverer) storeBundle(ctx context.Context, p *Planned, b *Built, done *Delivered) error {
	if err := d.reserve(b.Size); err != nil {
		return err
	}
	var artifact *event.Artifact
	name := p.ID.Name()
	done.files = []store.File{{Name: b.Bundle.ContentName(), Data: b.Bundle.Content},
		{Name: store.SourcesFile, Data: b.Bundle.Sources}}
	if !d.DryRun {
		if _, err := d.Directory.PutBundle(ctx, name, done.files); err != nil {
			return err
		}
		done.Dir = d.path(name)
		if d.StoreArtifacts {
			var err error
			if artifact, err = d.Artifacts.PutBundle(ctx, name, done.files); err != nil {
				return err
			}
		}
	}
	e, payload, err := b.payload(artifact)
	if err != nil {
		return err
	}
	if !d.DryRun {
		if err := d.Directory.PutEvent(ctx, name, payload); err != nil {
			return err
		}
	}
	done.Event, done.Payload = e, payload
	return nil
}

// reserve reserves size bytes of the outputs for an event. Without enough room the entry
// waits for the next run: with its receipt stored and its event missing in the outputs,
// readers of the outputs would never get it.
func (d *Deliverer) reserve(size int) error {
	if d.MaxPayloads > 0 && d.payloads.Add(int64(size)) > int64(d.MaxPayloads) {
		d.payloads.Add(-int64(size)) // a smaller event may have room
		return fmt.Errorf("the events of this run fill its outputs, of which the platform accepts %d bytes; the next "+
			"run prepares it", actions.MaxOutputs)
	}
	return nil
}

func (d *Deliverer) storeReceipt(ctx context.Context, p *Planned, done *Delivered) error {
	if d.DryRun {
		return nil
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	receipt := d.receipt(p, done)
	if d.Artifacts == nil {
		err := d.Directory.PutReceipt(ctx, receipt)
		done.Receipt = err == nil
		return err
	}
	if err := d.Artifacts.PutReceipt(ctx, receipt); err != nil {
		return err
	}
	done.Receipt = true
	return d.Directory.PutReceipt(ctx, receipt)
}

// receipt is the receipt of an entry, or that of a partial delivery so far.
func (d *Deliverer) receipt(p *Planned, done *Delivered) *store.Receipt {
	return &store.Receipt{
		ID: done.Event.Bundle.ID, Name: p.ID.Name(), Event: done.Payload, Deliveries: done.Deliveries,
		Memory: done.memory(),
	}
}

// The errors of an entry whose run was stopped: before the entry had its turn, and
// before a later step could read the outputs.
var (
	errCancelled   = errors.New("the run ended before its turn; the next run prepares it")
	errUnconfirmed = errors.New("the run was stopped before it was complete; the next run prepares it again")
)
