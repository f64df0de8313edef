package receive

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// overNATS is the word in acknowledge-to for the servers of nats-url.
const overNATS = "nats"

// Options are the options of receive.
type Options struct {
	Allow, AllowAgents []string
	Stores             pipeline.StoreOptions
	BundleToken        string
	ArchiveDir         string           // "" keeps no copy
	AcknowledgeTo      pipeline.Targets // where acknowledgements go
}

// ReadOptions reads the options of receive.
func ReadOptions(r *option.Reader) Options {
	return Options{
		Allow: r.List(option.Allow), AllowAgents: r.List(option.AllowAgents), Stores: pipeline.ReadStores(r),
		BundleToken: r.Values[option.BundleToken], ArchiveDir: r.Values[option.ArchiveDir],
		AcknowledgeTo: readAcknowledgeTo(r),
	}
}

func readAcknowledgeTo(r *option.Reader) pipeline.Targets {
	t := pipeline.ReadConnections(r)
	t.NATS.Subject, t.NATS.KeepTrying = event.ReceivedType, r.Values[option.Durable] != ""
	names := target.Split(r.Values[option.AcknowledgeTo])
	t.Channels.NATS = slices.Contains(names, overNATS)
	if t.Channels.NATS && len(t.NATS.URLs) == 0 {
		r.Fail(errors.New("acknowledge-to lists nats but nats-url names no server: name one or drop nats"))
	}
	for _, name := range names {
		if name == overNATS {
			continue
		}
		to, err := target.Parse(name)
		if err != nil {
			r.Fail(fmt.Errorf("acknowledge-to: %w", err))
		}
		t.Dispatch, t.Channels.Dispatch = append(t.Dispatch, to), true
	}
	return t
}

// Open opens everything that a consumer in the checkout dir needs. The caller closes the
// sinks of the handler. The error is about wrong usage.
func Open(s pipeline.Services, o Options, dir string, now func() time.Time) (*Handler, pipeline.Stores, error) {
	policy, err := NewPolicy(o.Allow, o.AllowAgents, s.Env.Repository)
	if err != nil {
		return nil, pipeline.Stores{}, err
	}
	h := &Handler{Consumer: event.Consumer{RunURL: s.Env.RunURL()}, Now: now}
	if s.Env.Actions {
		h.Consumer.Repository = s.Env.Repository
	}
	stores, receptions, err := s.OpenReceptions(dir, o.Stores)
	if err != nil {
		return nil, stores, err
	}
	h.Ledger = receptions
	client, err := s.Clients.For(o.BundleToken)
	if err != nil {
		return nil, stores, fmt.Errorf("bundle-token: %w", err)
	}
	h.Receiver = Receiver{Policy: policy, Client: client.WithInput(option.BundleToken), Bundles: stores.Directory}
	if o.ArchiveDir != "" {
		if h.Archive, err = OpenArchive(o.ArchiveDir, dir, now, s.Log, dir, s.Env.Workspace); err != nil {
			return nil, stores, err
		}
	}
	h.Sinks, err = s.OpenSinks(o.AcknowledgeTo, false)
	return h, stores, err
}
