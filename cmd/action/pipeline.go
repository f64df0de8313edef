package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// parallel is how many agents are in work at once: enough to hide the network, few enough that memory stays that of a few bundles.
const parallel = 8

// result is what became of one entry.
type result struct {
	entry    *schedule.Entry
	decision schedule.Decision
	chosen   bool // due, or asked for
	findings []diag.Finding
	err      error // the outside world failed

	name        string
	contentName string // bundle.md or bundle.json
	event       *event.Event
	payload     json.RawMessage // nil unless the bundle is stored and the event was made
	content     []byte          // the bundle, kept only when it is to be printed
	deliveries  []store.Delivery
	memory      *memoryHealth // nil without a memory
	earlier     []string      // periods of other receipts, once the ledger is asked
	asked       bool          // whether it was
	receipt     bool          // every requested delivery succeeded and that is on record
}

// run decides about every entry and takes the chosen ones through the whole road. Results are in the manifest's order.
// The error is one that concerns all entries.
func (j *job) run(ctx context.Context) ([]*result, error) {
	if j.manifest == nil {
		return nil, nil
	}
	results, err := j.decide(ctx)
	if j.cancelled = ctx.Err() != nil; j.cancelled || err != nil {
		return results, err
	}
	chosen := slices.DeleteFunc(slices.Clone(results), func(r *result) bool { return !r.chosen })
	// Standard output has one order; the turn of an agent comes when that of the one before is over.
	turns := make([]chan struct{}, len(chosen)+1)
	for i := range turns {
		turns[i] = make(chan struct{})
	}
	close(turns[0])
	each(len(chosen), func(i int) {
		chosen[i].err = j.deliver(ctx, chosen[i], turns[i])
		<-turns[i] // one that had nothing to print waits for its turn, too
		close(turns[i+1])
	})
	j.cancelled = ctx.Err() != nil
	return results, nil
}

// each calls f(0) to f(n-1), some in parallel, starting in order.
func each(n int, f func(int)) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			f(i)
			return nil
		})
	}
	group.Wait()
}

// decide says of every entry whether it is prepared now. A ledger that can't be read leaves its entries undecided: preparing them
// could double an event, and the next run decides anew.
func (j *job) decide(ctx context.Context) ([]*result, error) {
	selected, err := j.selection.entries(j.manifest)
	if err != nil {
		return nil, err
	}
	results := make([]*result, len(j.manifest.Entries))
	var open []*result // the ledger decides
	for i := range results {
		e := &j.manifest.Entries[i]
		r := &result{entry: e, name: j.name(e), decision: schedule.Decide(e, j.now, schedule.Known{})}
		results[i] = r
		switch {
		case !slices.Contains(selected, e):
			r.decision.Reason = "not asked for"
		case !j.selection.due():
			r.chosen, r.decision.Reason = true, j.askedFor()
		case e.Enabled && j.force:
			r.chosen, r.decision.Reason = true, "asked for with force"
		case e.Enabled:
			open = append(open, r)
		}
	}
	for i, known := range j.ask(ctx, open) {
		r := open[i]
		if known.err != nil {
			r.err, r.decision.Reason = known.err, "the ledger could not be read"
			continue
		}
		r.decision = schedule.Decide(r.entry, j.now, known.Known)
		r.chosen = r.decision.Due()
	}
	return results, nil
}

// ask asks the ledger about results, and keeps what it says of other periods.
func (j *job) ask(ctx context.Context, results []*result) []known {
	entries := make([]*schedule.Entry, len(results))
	for i, r := range results {
		entries[i] = r.entry
	}
	answers := askLedger(ctx, j.stores.ledger(), j.manifest.Repo, entries, j.now)
	for i, r := range results {
		r.earlier, r.asked = answers[i].Earlier, answers[i].err == nil
	}
	return answers
}

func (j *job) askedFor() string {
	if j.selection.all {
		return "asked for with all"
	}
	return "asked for by name"
}

// deliver takes one entry down the road: bundle, store, event, channels, receipt (design §7). Whatever fails leaves no receipt,
// so that the next tick does it again under the same event id.
func (j *job) deliver(ctx context.Context, r *result, turn <-chan struct{}) error {
	if ctx.Err() != nil {
		return errors.New("the run was cancelled before its turn; the next run prepares it")
	}
	bundle, err := j.bundle(r)
	if err != nil || bundle == nil {
		return err
	}
	r.contentName = bundle.ContentName()
	r.memory = j.memoryHealth(ctx, r, bundle.Memory)
	if err := j.storeBundle(ctx, r, bundle); err != nil || r.payload == nil {
		return err
	}
	if j.prints() {
		r.content = bundle.Content
	}
	message := emit.Message{ID: j.eventID(r.name), Agent: r.entry.Agent, Event: r.event, JSON: r.payload}
	for _, sink := range j.sinks {
		r.deliveries = append(r.deliveries, sink.Deliver(ctx, message)...)
	}
	if j.stdout != nil {
		<-turn
		r.deliveries = append(r.deliveries, j.stdout.Deliver(ctx, message)...)
	}
	failed := 0
	for _, d := range r.deliveries {
		if d.Status == store.Failed {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d deliveries failed; there is no receipt, so the next run delivers again", failed, len(r.deliveries))
	}
	return j.storeReceipt(ctx, r)
}

// prints reports whether the bundles themselves go to standard output, as `kaizen-agentic schedule prepare` does on a terminal.
func (j *job) prints() bool { return !j.env.actions && j.stdout == nil && j.opts["emit"] == "" }

// bundle prepares the entry's bundle; it is nil when findings stop it.
func (j *job) bundle(r *result) (*prepare.Bundle, error) {
	if j.opts["from"] != "" {
		r.findings = j.manifest.Unsilenced(j.fromFindings)
		if j.from == nil {
			return nil, nil
		}
		b := *j.from
		b.Name = r.name
		return &b, nil
	}
	bundle, findings, err := prepare.Prepare(j.tree, j.input(r.entry))
	r.findings = j.manifest.Unsilenced(findings)
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", r.entry.Agent, err)
	}
	if bundle != nil {
		bundle.Name = r.name
	}
	return bundle, nil
}

// storeBundle stores the bundle and makes its event. A dry run makes the event only. A bundle that is not stored leaves no event.
func (j *job) storeBundle(ctx context.Context, r *result, b *prepare.Bundle) (err error) {
	defer func() {
		if err != nil {
			r.event, r.payload = nil, nil
		}
	}()
	// An event that no channel could carry is told before anything leaves, and so is one that its artifact would make too large.
	stores, size := j.channels.artifact && j.stores.artifacts != nil, 0
	if stores {
		if !j.makeEvent(r, b, j.likelyArtifact(r.name)) {
			return nil
		}
		size = len(r.payload)
	}
	if !j.makeEvent(r, b, nil) {
		return nil
	}
	if err := j.reserve(max(size, len(r.payload))); err != nil || j.dryRun {
		return err
	}
	files := []store.File{{Name: b.ContentName(), Data: b.Content}, {Name: store.SourcesFile, Data: b.Sources}}
	if _, err := j.stores.directory.PutBundle(ctx, r.name, files); err != nil {
		return err
	}
	if stores {
		artifact, err := j.stores.artifacts.PutBundle(ctx, r.name, files)
		if err != nil {
			return err
		}
		if !j.makeEvent(r, b, artifact) {
			return nil
		}
	}
	return j.stores.directory.PutEvent(ctx, r.name, r.payload)
}

// maxPayloads is how much of a job's outputs the events may take, in bytes; what is left is for the deliveries and the rest.
const maxPayloads = emit.MaxOutputs / 4 * 3

// reserve takes room in the outputs for an event of size bytes, or says that the agent has to wait: with its receipt stored and its event
// in no output, whoever reads the outputs would never hear of it.
func (j *job) reserve(size int) error {
	if j.env.actions && j.payloads.Add(int64(size)) > maxPayloads {
		return fmt.Errorf("the events of this run fill its outputs, of which the platform takes %d bytes; the next run prepares it", emit.MaxOutputs)
	}
	return nil
}

// likelyArtifact is as long as the real one can be.
func (a *app) likelyArtifact(name string) *event.Artifact {
	return &event.Artifact{
		Repository: a.env.repository, RunID: math.MaxInt64, Name: name, ID: math.MaxInt64, Digest: "sha256:" + strings.Repeat("0", 64),
		URL: fmt.Sprintf("%s/%s/actions/runs/%d/artifacts/%d", a.env.serverURL, a.env.repository, math.MaxInt64, math.MaxInt64),
	}
}

// makeEvent sets the result's event, or a finding that says why the contract or the platform does not allow it.
func (j *job) makeEvent(r *result, b *prepare.Bundle, artifact *event.Artifact) bool {
	e := event.New(b, event.Context{Root: j.hostPath(j.dir), OccurredAt: j.now, Artifact: artifact})
	payload, err := e.Marshal()
	if err != nil {
		r.event, r.payload = nil, nil
		r.findings = append(r.findings, refusedEvent(j.file, r.entry, err))
		return false
	}
	r.event, r.payload = &e, payload
	return true
}

// refusedEvent is the finding of an event that cannot be made: what an entry puts into one without a limit of its own are its commands.
func refusedEvent(manifest string, e *schedule.Entry, err error) diag.Finding {
	pos := e.Pos("session_close")
	return diag.SessionClose.At(manifest, pos.Line, pos.Column, err.Error(), "")
}

func (j *job) storeReceipt(ctx context.Context, r *result) error {
	if j.dryRun {
		return nil
	}
	receipt := &store.Receipt{ID: j.eventID(r.name), Name: r.name, Event: r.payload, Deliveries: r.deliveries, Memory: r.memory.state()}
	if err := j.stores.ledger().PutReceipt(ctx, receipt); err != nil {
		return err
	}
	r.receipt = true
	if j.stores.artifacts != nil {
		return j.stores.directory.PutReceipt(ctx, receipt)
	}
	return nil
}

// bundleDir is the directory of the result's bundle, as outputs name it: relative to the workspace, and absolute outside of it.
func (j *job) bundleDir(r *result) string {
	dir := j.stores.directory.Path(r.name)
	if _, ok := j.inWorkspace(j.dir); !ok && !filepath.IsAbs(dir) {
		return filepath.ToSlash(filepath.Join(j.dir, dir))
	}
	return dir
}
