package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// Limits of --evidence.
const (
	maxFile  = 64 << 20 // bytes of one file
	maxFiles = 100_000  // entries of one directory
	maxDepth = 16       // directories below each other
)

// AddPath adds the events, acknowledgements, receipts and executions of a file with JSON
// lines or one JSON document, or of all .json and .jsonl files below a directory. "-" is
// stdin. What is no evidence is counted and becomes a problem of the report; the error is
// about a path that cannot be read.
func (f *Facts) AddPath(ctx context.Context, name string, stdin io.Reader) error {
	if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
		data, err := checkout.ReadArgument(ctx, name, stdin, maxFile)
		if err != nil {
			return fmt.Errorf("reading the evidence: %w", err)
		}
		f.addFile(name, data)
		return nil
	}
	tree, err := checkout.OpenContext(ctx, name)
	if err != nil {
		return fmt.Errorf("reading the evidence: %w", err)
	}
	defer tree.Close()
	return f.addDir(tree, ".", maxDepth)
}

// addDir adds the files of a directory, and of those below it.
func (f *Facts) addDir(tree *checkout.Tree, dir string, depth int) error {
	entries, err := tree.Entries(dir, maxFiles)
	if err != nil {
		return fmt.Errorf("reading the evidence: %w", err)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch ext := path.Ext(name); {
		case e.IsDir() && depth > 0 && e.Name() != ".git":
			err = f.addDir(tree, name, depth-1)
		case e.Type()&fs.ModeType == 0 && (ext == ".json" || ext == ".jsonl" || ext == ".ndjson"):
			var data []byte
			if data, err = tree.ReadFile(name, maxFile); err == nil {
				f.addFile(name, data)
			}
		}
		if err != nil {
			return fmt.Errorf("reading the evidence: %w", err)
		}
	}
	return nil
}

// addFile adds the documents of one file. A document that is broken ends a line, so that
// the next one is read.
func (f *Facts) addFile(name string, data []byte) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	unread, kind := 0, Event
	if path.Base(name) == store.EventFile { // a store has it before the event is delivered
		kind = Bundle
	}
	if document := bytes.TrimSpace(data); json.Valid(document) && len(document) > 0 {
		if !f.addDocument(document, kind) {
			unread++
		}
	} else {
		for line := range bytes.Lines(data) {
			if line = bytes.TrimSpace(line); len(line) > 0 && !f.addDocument(line, kind) {
				unread++
			}
		}
	}
	if unread > 0 && path.Base(name) != "sources.json" && path.Base(name) != "bundle.json" {
		f.problem("", fmt.Sprintf("%s: %d of its lines are no event, acknowledgement, receipt or execution",
			detail(name), unread), "give files of JSON lines, or a store of bundles and receipts")
	}
}

// document is what the kinds of documents have in common.
type document struct {
	// The envelope of activity-core has the event as its attributes.
	Type       string          `json:"type"`
	Timestamp  string          `json:"timestamp"`
	Attributes json.RawMessage `json:"attributes"`

	Event      json.RawMessage `json:"event"` // a name, or in a receipt the event
	OccurredAt string          `json:"occurred_at"`
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Repo       string          `json:"repo"`
	Agent      string          `json:"agent"`
	State      string          `json:"state"`
	Reason     string          `json:"reason"`
	Consumer   struct {
		Repository string `json:"repository"`
		RunURL     string `json:"run_url"`
	} `json:"consumer"`
	Bundle struct {
		ID       string `json:"id"`
		Artifact struct {
			URL string `json:"url"`
		} `json:"artifact"`
	} `json:"bundle"`

	// Of kaizen.metrics.recorded and of a line of executions.jsonl.
	Project string `json:"project"`
	Summary struct {
		SuccessRate    *float64 `json:"success_rate"`
		ExecutionCount float64  `json:"execution_count"`
		Quality        *float64 `json:"avg_quality"`
	} `json:"summary"`
	Success *bool    `json:"success"`
	Quality *float64 `json:"quality_score"`
	Seconds *float64 `json:"execution_time_s"`
}

// metricsEvent is the event with which kaizen-agentic announces an execution.
const metricsEvent = "kaizen.metrics.recorded"

// addDocument adds what one JSON document says, of which an event is evidence of this kind.
// It returns false for a document that says nothing.
func (f *Facts) addDocument(data []byte, kind Kind) bool {
	var d document
	if json.Unmarshal(data, &d) != nil {
		return false
	}
	name := ""
	if json.Unmarshal(d.Event, &name) != nil && len(d.Event) > 0 && d.Name != "" {
		return f.addReceipt(data, d.Name)
	}
	at := cmp.Or(d.OccurredAt, d.Timestamp)
	if d.Type != "" && d.Attributes != nil {
		name = d.Type
		if json.Unmarshal(d.Attributes, &d) != nil {
			return false
		}
		at = cmp.Or(d.OccurredAt, at)
	}
	when, err := time.Parse(time.RFC3339, at)
	if err != nil || !isInstant(when) {
		return false
	}
	switch {
	case name == event.Type:
		return f.addEvent(d.Bundle.ID, Evidence{Kind: kind, At: when, URL: d.Bundle.Artifact.URL, source: "file"})
	case name == event.ReceivedType:
		return f.addEvent(d.ID, acknowledgement(&d, when))
	case name == metricsEvent:
		return f.addSummary(&d, when)
	case d.Success != nil && d.Agent != "":
		return f.addExecution(&d, when)
	}
	return false
}

// addEvent adds evidence about the event with this id.
func (f *Facts) addEvent(id string, e Evidence) bool {
	repository, b, ok := bundleid.ParseEventID(id)
	if ok {
		f.add(repository, b.Name(), e)
	}
	return ok
}

// acknowledgement is the evidence of a consumer's answer. A refusal is a failed run.
func acknowledgement(d *document, at time.Time) Evidence {
	e := Evidence{Kind: Acknowledgement, At: at, URL: d.Consumer.RunURL, By: detail(d.Consumer.Repository),
		source: "file"}
	if d.State == "rejected" {
		e.Result, e.Detail = Failure, detail("rejected by "+cmp.Or(d.Consumer.Repository, "the consumer")+": "+d.Reason)
	}
	return e
}

// addReceipt adds what a receipt or the record of an unfinished delivery says.
func (f *Facts) addReceipt(data []byte, name string) bool {
	r, err := store.ParseReceipt(data, name)
	if err != nil {
		return false
	}
	var sent document
	if json.Unmarshal(r.Event, &sent) != nil {
		return false
	}
	at, err := time.Parse(time.RFC3339, sent.OccurredAt)
	repository, _, ok := bundleid.ParseEventID(r.ID)
	if err != nil || !ok {
		return false
	}
	f.add(repository, name, Evidence{Kind: Receipt, At: at, URL: sent.Bundle.Artifact.URL, Detail: targets(r),
		source: "file"})
	for _, d := range r.Deliveries {
		if d.RunID != 0 {
			f.add(repository, name, started(d, at))
		}
	}
	return true
}

// started is the evidence of a run that a delivery started.
func started(d store.Delivery, at time.Time) Evidence {
	by := d.Target
	if t, err := target.Parse(d.Target); err == nil {
		by = t.Repository
	}
	return Evidence{Kind: Run, At: at, URL: d.URL, By: detail(by), id: strconv.FormatInt(d.RunID, 10)}
}

// targets says where the event of a receipt went.
func targets(r *store.Receipt) string {
	var list []string
	for _, d := range r.Deliveries {
		list = append(list, d.Channel+" to "+d.Target)
	}
	if len(list) == 0 {
		return "the event is in the outputs"
	}
	return detail(strings.Join(list, ", "))
}

// addSummary adds an execution that kaizen.metrics.recorded announces, with the totals of
// its agent.
func (f *Facts) addSummary(d *document, at time.Time) bool {
	if d.Project == "" && d.Repo == "" || d.Agent == "" {
		return false
	}
	e := Evidence{At: at, Detail: metricsEvent}
	if rate := d.Summary.SuccessRate; rate != nil && unit(rate) != nil && d.Summary.ExecutionCount >= 1 {
		e.runs, e.successes = d.Summary.ExecutionCount, *rate*d.Summary.ExecutionCount
		if *rate == 0 || *rate == 1 {
			e.Result = resultOf(*rate == 1)
		}
	}
	f.execute(cmp.Or(d.Project, d.Repo), d.Agent, e)
	return true
}

// addExecution adds a line of an executions.jsonl that names its repository.
func (f *Facts) addExecution(d *document, at time.Time) bool {
	e := Evidence{At: at, Result: resultOf(*d.Success), Quality: unit(d.Quality),
		Seconds: positive(d.Seconds)}
	if d.Project == "" && d.Repo == "" {
		return false
	}
	f.execute(cmp.Or(d.Project, d.Repo), d.Agent, e)
	return true
}

func resultOf(success bool) Result {
	if success {
		return Success
	}
	return Failure
}

// unit returns a number from 0 to 1, nil for any other.
func unit(n *float64) *float64 {
	if n == nil || !(*n >= 0 && *n <= 1) {
		return nil
	}
	return n
}

// positive returns a number from 0 to 1e12, nil for any other.
func positive(n *float64) *float64 {
	if n == nil || !(*n >= 0 && *n <= 1e12) || math.IsNaN(*n) {
		return nil
	}
	return n
}
