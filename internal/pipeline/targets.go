package pipeline

import (
	"cmp"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// Channels says which channels get the events of a run.
type Channels struct {
	Summary, Artifact, Dispatch, NATS, Stdout bool
	// Bundle prints the bundles themselves to standard output. It is the default on a
	// terminal, and has no name in `emit`.
	Bundle bool
}

// Targets says where events go.
type Targets struct {
	Channels Channels
	// Dispatch has the targets of dispatch-to. DispatchErr is why dispatch-to is invalid.
	Dispatch    []target.Target
	DispatchErr error
	// DispatchToken may be empty in a dry run only. DispatchTokenErr is why it is empty.
	DispatchToken    string
	DispatchTokenErr error
	NATS             emit.NATSOptions
}

var errNoDispatchToken error = &advice.Error{
	Message: "dispatch-to needs a token",
	Hint: "set dispatch-token to one with contents: write on every target, or actions: write where it is a " +
		"workflow",
}

// OpenSinks opens the channels that need a connection. The error is about a wrong option.
func (s Services) OpenSinks(t Targets, dryRun bool) ([]emit.Sink, error) {
	var sinks []emit.Sink
	if t.Channels.NATS {
		n, err := s.OpenNATS(t, dryRun)
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, n)
	}
	if t.Channels.Dispatch {
		if t.DispatchErr != nil {
			return nil, t.DispatchErr
		}
		if t.DispatchToken == "" && !dryRun {
			return nil, cmp.Or(t.DispatchTokenErr, errNoDispatchToken)
		}
		client, err := s.Clients.For(t.DispatchToken)
		if err != nil {
			return nil, fmt.Errorf("dispatch-token: %w", err)
		}
		d, err := emit.NewDispatch(emit.DispatchOptions{Client: client, Targets: t.Dispatch, DryRun: dryRun})
		if err != nil {
			return nil, err
		}
		sinks = append(sinks, d)
	}
	return sinks, nil
}

// OpenNATS opens the NATS sink. In a dry run it publishes nothing.
func (s Services) OpenNATS(t Targets, dryRun bool) (*emit.NATS, error) {
	o := t.NATS
	o.DryRun, o.Name, o.Source = dryRun, "schedule-action", "schedule-action"
	if s.Env.Repository != "" {
		o.Source = s.Env.ServerURL + "/" + s.Env.Repository
	}
	return emit.NewNATS(o)
}
