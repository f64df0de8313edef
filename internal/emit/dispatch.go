package emit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// maxFields is how many top-level properties GitHub accepts in a client_payload.
const maxFields = 10

// DispatchOptions name the targets of a dispatch.
type DispatchOptions struct {
	Client  *gh.Client
	Targets []string // from ParseTargets
	DryRun  bool     // stop before the request
}

// Dispatch sends events as repository_dispatch.
type Dispatch struct{ o DispatchOptions }

// NewDispatch returns the sink.
func NewDispatch(o DispatchOptions) *Dispatch { return &Dispatch{o} }

// Deliver sends m to all targets in parallel; the client paces the requests to the platform's
// limits.
func (d *Dispatch) Deliver(ctx context.Context, m Message) []store.Delivery {
	deliveries := make([]store.Delivery, len(d.o.Targets))
	invalid := checkPayload(m.JSON)
	var wg sync.WaitGroup
	for i, target := range d.o.Targets {
		deliveries[i] = store.Delivery{Channel: "dispatch", Target: target}
		switch {
		case invalid != nil:
			deliveries[i].Status, deliveries[i].Error = store.Failed, invalid.Error()
		case d.o.DryRun:
			deliveries[i].Status = store.DryRun
		default:
			wg.Go(func() { d.send(ctx, m, &deliveries[i]) })
		}
	}
	wg.Wait()
	return deliveries
}

// send fills in the result of one target. A panic fails only that target, so that the results of
// the others are kept.
func (d *Dispatch) send(ctx context.Context, m Message, result *store.Delivery) {
	defer func() {
		if p := recover(); p != nil {
			result.Status = store.Failed
			result.Error = fmt.Sprintf("dispatch to %s: a fault in this program: please report it: %v", result.Target, p)
		}
	}()
	if err := ctx.Err(); err != nil {
		result.Status = store.Failed
		result.Error = fmt.Sprintf("dispatch to %s: not sent, %v: run again", result.Target, context.Cause(ctx))
		return
	}
	if err := d.o.Client.Dispatch(ctx, result.Target, event.Type, m.JSON); err != nil {
		result.Status, result.Error = store.Failed, safetext.OneLine(err.Error())
		return
	}
	result.Status = store.Delivered
}

// Close does nothing: the client belongs to the caller.
func (d *Dispatch) Close() error { return nil }

// checkPayload refuses, before any request, a payload that the platform would refuse.
func checkPayload(payload []byte) error {
	if len(payload) > event.MaxSize {
		return fmt.Errorf("event has %d bytes, repository_dispatch takes %d: "+
			"shorten session_close or drop pointers in the manifest", len(payload), event.MaxSize)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return fmt.Errorf("event is not a JSON object, which repository_dispatch needs: %w", err)
	}
	if len(fields) > maxFields {
		return fmt.Errorf("event has %d top-level fields, repository_dispatch takes %d", len(fields), maxFields)
	}
	return nil
}

// ParseTargets reads a list of owner/repo, separated by commas or line ends, with comments from #
// to the end of the line. A repository named twice counts once, also in another case: GitHub's
// names are case-insensitive.
func ParseTargets(s string) ([]string, error) {
	var targets []string
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(safetext.LineEnds.Replace(s), "\n") {
		line, _, _ = strings.Cut(line, "#")
		for target := range strings.SplitSeq(line, ",") {
			target = strings.TrimSpace(target)
			if target == "" {
				continue
			}
			if !event.IsRepository(target) {
				return nil, advice.New("write owner/repo, one per line or separated by commas",
					"dispatch-to: %q is not a repository", target)
			}
			if key := strings.ToLower(target); !seen[key] {
				seen[key] = true
				targets = append(targets, target)
			}
		}
	}
	return targets, nil
}
