package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Kind is what a piece of evidence is.
type Kind string

// The kinds of evidence.
const (
	Bundle          Kind = "bundle"          // the bundle is stored
	Event           Kind = "event"           // the event reached at least one reader
	Unfinished      Kind = "partial"         // the record of an unfinished delivery
	Receipt         Kind = "receipt"         // every target has the event
	Acknowledgement Kind = "acknowledgement" // a consumer received the event
	Run             Kind = "run"             // a workflow run was started with the event
	Metrics         Kind = "metrics"         // the agent recorded an execution
)

// Result is how an execution ended; "" where that is not known.
type Result string

// The results.
const (
	Success Result = "success"
	Failure Result = "failure"
)

// Evidence is one thing that shows what happened.
type Evidence struct {
	Kind   Kind      `json:"kind"`
	At     time.Time `json:"at"`
	URL    string    `json:"url"`    // of the page that shows it, "" for none
	Detail string    `json:"detail"` // one line
	Result Result    `json:"result"`
	// By is the repository of the consumer; "" for what the entry's own repository shows.
	By     string `json:"by,omitempty"`
	Forced bool   `json:"forced,omitempty"`
	// Quality and Seconds are those that the agent recorded.
	Quality *float64 `json:"quality,omitempty"`
	Seconds *float64 `json:"seconds,omitempty"`

	// id and source tell whether two pieces of evidence are the same thing: the id that the
	// source gives it, such as that of a run.
	id, source string
	// runs and successes are totals, from which Result follows where the runs before are
	// known.
	runs, successes float64
}

// delivered reports whether it shows that the event left the repository.
func (e *Evidence) delivered() bool { return e.Kind == Receipt || e.Kind == Event }

// entryKey is the repository or its slug, in lower case, and the entry of a bundle's name.
type entryKey struct {
	repository string
	entry      bundleid.Entry
}

// agentKey is the repository or its slug, in lower case, and an agent.
type agentKey struct{ repository, agent string }

// ledger is what is known of the ledger of one repository.
type ledger struct{ unread string }

// isRead reports whether the ledger was read, so that a receipt that is not known does
// not exist.
func (l *ledger) isRead() bool { return l != nil && l.unread == "" }

// Facts is the evidence that was found, by what it belongs to.
type Facts struct {
	bundles map[entryKey]map[string][]Evidence // by period
	// executions are what agents recorded of their runs, which belong to the period of
	// their time.
	executions   map[agentKey][]Evidence
	ledgers      map[string]*ledger // by the name of the repository
	acknowledged bool
	problems     []Problem
	servers      map[string]bool // origins to which links may lead
	central      pipeline.Place  // whose ledger the fleet shares; zero for none
	seen         map[string]bool // executions, to count each once
	// places are the positions in the lists of bundles, to count each piece of evidence once.
	places map[place]int
	counts map[place]int // of evidence from one source: places without an id
}

// place identifies a piece of evidence.
type place struct {
	key            entryKey
	period         string
	kind           Kind
	source, by, id string
	forced         bool
}

// maxEvidence is how much evidence of one kind from one source a period has at most.
const maxEvidence = 100

// NewFacts returns an empty collection. Links lead to these servers only.
func NewFacts(servers ...string) *Facts {
	f := &Facts{
		bundles: map[entryKey]map[string][]Evidence{}, executions: map[agentKey][]Evidence{},
		ledgers: map[string]*ledger{},
		servers: map[string]bool{}, seen: map[string]bool{}, places: map[place]int{}, counts: map[place]int{},
	}
	for _, s := range servers {
		f.allow(s)
	}
	return f
}

// allow lets links lead to the server of an address.
func (f *Facts) allow(address string) {
	if origin := originOf(address); origin != "" {
		f.servers[origin] = true
	}
}

// read notes that the ledger of a repository was read, or why it was not.
func (f *Facts) read(repository, unread string) {
	f.ledgers[strings.ToLower(repository)] = &ledger{unread}
}

// add adds evidence about a bundle of a repository. The name may be that of a forced run.
// Evidence that was added before is ignored.
func (f *Facts) add(repository, name string, e Evidence) {
	b, ok := bundleid.Parse(name)
	if !ok || !isInstant(e.At) {
		return
	}
	e.Forced = b.Run != ""
	e.URL, e.At = f.link(e.URL), e.At.UTC()
	key := entryKey{strings.ToLower(repository), b.Entry}
	f.acknowledged = f.acknowledged || e.Kind == Acknowledgement
	periods := f.bundles[key]
	if periods == nil {
		periods = map[string][]Evidence{}
		f.bundles[key] = periods
	}
	if e.id == "" {
		e.id = fmt.Sprint(e.At.Unix(), e.URL)
	}
	at := place{key: key, period: b.Period, kind: e.Kind, source: e.source, id: e.id, forced: e.Forced}
	if i, known := f.places[at]; known {
		periods[b.Period][i].complete(e)
		return
	}
	origin := at
	origin.id, origin.by = "", e.By
	if f.counts[origin]++; f.counts[origin] <= maxEvidence {
		f.places[at] = len(periods[b.Period])
		periods[b.Period] = append(periods[b.Period], e)
	}
}

// isInstant reports whether a time can be written: one with an offset may be in the year
// 10000 of UTC.
func isInstant(at time.Time) bool { return at.UTC().Year() >= 0 && at.UTC().Year() <= 9999 }

// complete adds what is new in the same piece of evidence.
func (e *Evidence) complete(same Evidence) {
	if e.Result == "" && same.Result != "" {
		e.Result, e.At = same.Result, same.At
	}
	e.URL, e.Detail = cmp.Or(e.URL, same.URL), cmp.Or(e.Detail, same.Detail)
}

// execute adds an execution that an agent recorded.
func (f *Facts) execute(repository, agent string, e Evidence) {
	if !isInstant(e.At) {
		return
	}
	key := agentKey{strings.ToLower(repository), agent}
	e.Kind, e.URL, e.At = Metrics, f.link(e.URL), e.At.UTC()
	id := fmt.Sprint(key, e.At.UnixNano(), e.Result)
	if f.seen[id] {
		return
	}
	f.seen[id] = true
	f.executions[key] = append(f.executions[key], e)
}

func (f *Facts) problem(repository, message, hint string) {
	f.problems = append(f.problems, Problem{Repository: repository, Message: message, Hint: hint})
}

// Share says that the receipts of the fleet are in the ledger of one repository of a
// server, as in central mode.
func (f *Facts) Share(ledger, server string) {
	f.central = pipeline.Place{Repository: ledger, ServerURL: server}
}

// digits set the bundles of a repository apart in a shared ledger, "" for none.
func (f *Facts) digits(r *fleet.Repository) string {
	if f.central.Repository == "" || r.Name == "" {
		return ""
	}
	return f.central.SourceOf(r.Server, r.Name)
}

// known is the evidence about one entry.
type known struct {
	periods map[string][]Evidence // oldest first
	// first is when the first known receipt was stored; zero without one.
	first        time.Time
	acknowledged bool
}

// about returns the evidence about an entry of a repository, which some sources name by
// its slug.
func (f *Facts) about(r *fleet.Repository, e *schedule.Entry, now time.Time) known {
	k := known{periods: map[string][]Evidence{}, acknowledged: f.acknowledged}
	names := []string{nameOf(r)}
	if slug := strings.ToLower(r.Slug); slug != "" && slug != names[0] {
		names = append(names, slug)
	}
	keys := []entryKey{}
	for _, name := range names {
		keys = append(keys, entryKey{name, bundleid.Entry{Repo: r.Slug, Agent: e.Agent}})
	}
	if digits := f.digits(r); digits != "" {
		keys = append(keys, entryKey{strings.ToLower(f.central.Repository),
			bundleid.Entry{Repo: r.Slug + "-" + digits, Agent: e.Agent}})
	}
	for _, key := range keys {
		for period, list := range f.bundles[key] {
			k.periods[period] = append(k.periods[period], list...)
		}
	}
	for _, list := range k.periods {
		for _, x := range list {
			if x.delivered() && (k.first.IsZero() || x.At.Before(k.first)) {
				k.first = x.At
			}
		}
	}
	for _, name := range names {
		count := map[string]int{}
		for _, x := range slices.Backward(settled(f.executions[agentKey{name, e.Agent}])) {
			period := executionPeriod(e, &k, x, now)
			if count[period]++; period != "" && count[period] <= maxEvidence {
				k.periods[period] = append(k.periods[period], x)
			}
		}
	}
	for _, list := range k.periods {
		slices.SortFunc(list, byTime)
	}
	return k
}

// settled returns executions by time. The result of one that announces totals follows from
// those of the run before it.
func settled(list []Evidence) []Evidence {
	list = slices.SortedFunc(slices.Values(list), byTime)
	var before Evidence
	for i := range list {
		e := &list[i]
		if e.runs > 0 && e.runs == before.runs+1 {
			e.Result = resultOf(math.Round(e.successes) > math.Round(before.successes))
		}
		if e.runs > 0 {
			before = *e
		}
	}
	return list
}

// executionPeriod returns the period to which an execution belongs: the one that was
// current then, if its event had been delivered. Other executions were not scheduled.
func executionPeriod(e *schedule.Entry, k *known, x Evidence, now time.Time) string {
	if x.At.After(now) {
		return ""
	}
	period := e.Current(x.At).Period
	for _, other := range k.periods[period] {
		if other.delivered() && !x.At.Before(other.At) {
			return period
		}
	}
	return ""
}
