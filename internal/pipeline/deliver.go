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
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Deliverer stores bundles, emits events and records receipts. It is safe for concurrent use.
type Deliverer struct {
	Planner *Planner
	// Directory always keeps the bundle; Artifacts, if there is one, keeps it as a job artifact and is the ledger.
	Directory *store.Directory
	Artifacts store.Store
	// StoreArtifacts says that the bundle is stored as a job artifact.
	StoreArtifacts bool
	Sinks          []emit.Sink
	Stdout         *emit.Stdout // nil unless standard output is a channel
	// Repository begins the ids of events: owner/name, or the slug where there is none.
	Repository string
	DryRun     bool
	// MaxPayloads is the most bytes that all events together may have; 0 is no limit.
	MaxPayloads int
	// KeepContent keeps the bundles, to be printed.
	KeepContent bool
	Log         func(string, ...any)

	payloads atomic.Int64
}

// Delivered is what the third stage did with an entry.
type Delivered struct {
	ContentName string       // bundle.md or bundle.json
	Event       *event.Event // nil unless the bundle is stored and the event was made, as Payload
	Payload     json.RawMessage
	Content     []byte // the bundle, if it is kept
	Deliveries  []store.Delivery
	Memory      *Memory // nil without a memory
	// Receipt says that every requested delivery succeeded and that this is on record.
	Receipt bool
}

// Deliver takes one entry to its targets: bundle, channels, receipt. Whatever fails leaves no receipt, so that the next tick
// does it again under the same event id. Standard output is written to when turn is closed.
func (d *Deliverer) Deliver(ctx context.Context, p *Planned, b *Built, turn <-chan struct{}) (*Delivered, error) {
	done := &Delivered{ContentName: b.Bundle.ContentName()}
	done.Memory = d.compareMemory(ctx, p, b.Bundle.Memory)
	if err := d.storeBundle(ctx, p, b, done); err != nil {
		return done, err
	}
	if d.KeepContent {
		done.Content = b.Bundle.Content
	}
	message := emit.Message{ID: p.ID.EventID(d.Repository), Agent: p.Entry.Agent, Event: done.Event, JSON: done.Payload}
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
	if failed > 0 {
		return done, fmt.Errorf("%d of %d deliveries failed; there is no receipt, so the next run delivers again", failed, len(done.Deliveries))
	}
	return done, d.storeReceipt(ctx, message.ID, p, done)
}

// storeBundle stores the bundle and sets the event. A dry run sets the event only.
func (d *Deliverer) storeBundle(ctx context.Context, p *Planned, b *Built, done *Delivered) error {
	if err := d.reserve(b.Size); err != nil {
		return err
	}
	var artifact *event.Artifact
	name := p.ID.Name()
	if !d.DryRun {
		files := []store.File{{Name: b.Bundle.ContentName(), Data: b.Bundle.Content}, {Name: store.SourcesFile, Data: b.Bundle.Sources}}
		if _, err := d.Directory.PutBundle(ctx, name, files); err != nil {
			return err
		}
		if d.StoreArtifacts {
			var err error
			if artifact, err = d.Artifacts.PutBundle(ctx, name, files); err != nil {
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

// reserve takes room for an event of size bytes, or says that the agent has to wait: with its receipt stored and its event in
// no output, whoever reads the outputs would never hear of it.
func (d *Deliverer) reserve(size int) error {
	if d.MaxPayloads > 0 && d.payloads.Add(int64(size)) > int64(d.MaxPayloads) {
		return fmt.Errorf("the events of this run fill its outputs, of which the platform takes %d bytes; the next run prepares it", actions.MaxOutputs)
	}
	return nil
}

func (d *Deliverer) storeReceipt(ctx context.Context, id string, p *Planned, done *Delivered) error {
	if d.DryRun {
		return nil
	}
	receipt := &store.Receipt{
		ID: id, Name: p.ID.Name(), Event: done.Payload, Deliveries: done.Deliveries, Memory: done.Memory.state(),
	}
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

// errCancelled is the error of an entry that had no turn.
var errCancelled = errors.New("the run was cancelled before its turn; the next run prepares it")
