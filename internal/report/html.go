package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/report/page"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// pageData is what page.js reads first. Lists in lists keep it short: a fleet may have
// 10,000 entries.
type pageData struct {
	Since        int64          `json:"since"` // Unix time, like all instants of the page
	Generated    int64          `json:"generated"`
	Acknowledged bool           `json:"acknowledged"`
	Incomplete   bool           `json:"incomplete"`
	Servers      []string       `json:"servers"` // origins to which links may lead
	States       []State        `json:"states"`
	Letters      string         `json:"letters"` // of the states, for the latest periods of a row
	FlagNames    []Flag         `json:"flagNames"`
	Kinds        []Kind         `json:"kinds"`
	Totals       Totals         `json:"totals"`
	Flags        map[Flag]int   `json:"flags"`
	Alarms       map[string]int `json:"alarms"`
	// Days has the begin of each day of the window, and its periods by state.
	Days         [][]int64     `json:"days"`
	Load         load          `json:"load"`
	Bins         []int64       `json:"bins"` // begins of the spans of Agents
	Agents       []agentSeries `json:"agents"`
	Repositories [][]string    `json:"repositories"` // name, slug, page, error
	Rows         [][]any       `json:"rows"`
	Problems     [][]string    `json:"problems"`
}

// agentSeries are the executions of one agent in all repositories, by span: succeeded,
// failed, sum and count of qualities, sum and count of seconds.
type agentSeries struct {
	Name string       `json:"name"`
	Bins [][6]float64 `json:"bins"`
	runs float64
}

// rowDetail is what page.js reads when a row is opened.
type rowDetail struct {
	Next     [][]any `json:"next"`
	Periods  [][]any `json:"periods"`
	Findings [][]any `json:"findings"`
}

// letters are the states in the order of States.
const letters = "-erpdu!fmi"

// flagOrder is the order of the bits of a row's flags.
var flagOrder = []Flag{Duplicate, Unreceived, Partial, Forced}

// kinds are the kinds of evidence in the order of their numbers on the page.
var kinds = []Kind{Bundle, Event, Unfinished, Receipt, Acknowledgement, Run, Metrics}

// maxRecent is how many periods a row shows.
const maxRecent = 12

// HTML returns the page. Links lead to these servers only.
func (r *Report) HTML(servers []string) ([]byte, error) {
	data := &pageData{
		Since: r.Since.Unix(), Generated: r.Generated.Unix(), Acknowledged: r.Acknowledged, Incomplete: r.Incomplete(),
		Servers: servers,
		States:  States, Letters: letters, FlagNames: flagOrder, Kinds: kinds, Totals: r.Totals, Flags: r.Totals.Flags,
		Alarms: map[string]int{}, Days: r.days(), Load: r.load(), Rows: [][]any{}, Repositories: [][]string{},
		Problems: [][]string{},
	}
	for _, kind := range allAlarms {
		data.Alarms[string(kind)] = len(r.Alarms(kind))
	}
	data.Bins, data.Agents = r.agents()
	for _, p := range r.Problems {
		data.Problems = append(data.Problems, []string{show(p.Repository), show(p.Message), show(p.Hint)})
	}
	var details []any
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		data.Repositories = append(data.Repositories,
			[]string{show(repo.name()), show(repo.Slug), repo.URL, show(repo.Error)})
		if len(repo.Entries) == 0 {
			data.Rows = append(data.Rows, row(i, &Entry{State: repo.State}))
			details = append(details, repo.detail(&Entry{}))
		}
		for j := range repo.Entries {
			data.Rows = append(data.Rows, row(i, &repo.Entries[j]))
			details = append(details, repo.detail(&repo.Entries[j]))
		}
	}
	return page.Render(data, details)
}

// show makes untrusted text visible: without control, bidirectional and other invisible
// characters, on one line.
func show(text string) string { return safetext.Shorten(safetext.OneLine(text), maxShown) }

// maxShown is the longest text of the page, in characters.
const maxShown = 1000

// row is an entry of a repository as one element of Rows.
func row(repository int, e *Entry) []any {
	next, flags := int64(0), 0
	if len(e.Next) > 0 && e.Enabled {
		next = e.Next[0].At.Unix()
	}
	recent := []byte{}
	delivered, decided := 0, 0
	for i, p := range e.Periods {
		if i < maxRecent {
			recent = append(recent, letters[severity(p.State)])
		}
		if p.delivered() {
			delivered++
		}
		if p.delivered() || p.State == Missed || p.State == Overdue {
			decided++
		}
		flags |= p.flagBits()
	}
	slices.Reverse(recent)
	return []any{repository, show(e.Agent), e.Cadence, show(e.Cron), e.Timezone, severity(e.State), next, delivered,
		decided, flags, string(recent)}
}

// delivered reports whether the event of the period left the repository.
func (p *Period) delivered() bool {
	return slices.Contains([]State{Prepared, Received, Executed, Failed}, p.State)
}

// flagBits has a bit for each flag, in the order of flagOrder.
func (p *Period) flagBits() (bits int) {
	for bit, f := range flagOrder {
		if p.has(f) {
			bits |= 1 << bit
		}
	}
	return bits
}

// short is the evidence for the page, without empty values at its end. Its time counts
// from the slot, and its address continues that of the repository where it can.
func (e *Evidence) short(slot time.Time, page string) []any {
	address := e.URL
	if rest, ok := strings.CutPrefix(address, page+"/"); ok && page != "" {
		address = "/" + rest
	}
	values := []any{slices.Index(kinds, e.Kind), e.At.Unix() - slot.Unix(), address, e.Result, show(e.By),
		show(e.Detail), rounded(e.Quality), rounded(e.Seconds)}
	for len(values) > 0 {
		switch values[len(values)-1] {
		case "", Result(""), nil:
			values = values[:len(values)-1]
			continue
		}
		break
	}
	return values
}

// rounded returns a number with three decimals, nil for none.
func rounded(n *float64) any {
	if n == nil {
		return nil
	}
	return math.Round(*n*1000) / 1000
}

// detail is what the page shows of an entry beside its row.
func (r *Repository) detail(e *Entry) rowDetail {
	d := rowDetail{Next: [][]any{}, Periods: [][]any{}, Findings: [][]any{}}
	for _, s := range e.Next {
		if e.Enabled {
			d.Next = append(d.Next, []any{s.Period, s.At.Unix()})
		}
	}
	for _, p := range e.Periods {
		proofs := [][]any{}
		for i := range p.Evidence {
			proofs = append(proofs, p.Evidence[i].short(p.Slot, r.URL))
		}
		d.Periods = append(d.Periods, []any{p.Period, p.Slot.Unix(), severity(p.State), p.flagBits(), proofs})
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings,
			[]any{show(f.File), f.Line, f.Column, f.Severity, f.Rule, show(f.Message), show(f.Hint)})
	}
	return d
}

// maxDays bounds the days of the window.
const maxDays = 400

// days counts the periods of each day by the date of their slot in UTC.
func (r *Report) days() [][]int64 {
	days := [][]int64{}
	at := map[int64]int{}
	day := r.Since.Truncate(24 * time.Hour)
	for ; !day.After(r.Generated) && len(days) < maxDays; day = day.AddDate(0, 0, 1) {
		at[day.Unix()] = len(days)
		days = append(days, append([]int64{day.Unix()}, make([]int64, len(States))...))
	}
	for _, repo := range r.Repositories {
		for _, e := range repo.Entries {
			for _, p := range e.Periods {
				if i, ok := at[p.Slot.UTC().Truncate(24*time.Hour).Unix()]; ok {
					days[i][1+severity(p.State)]++
				}
			}
		}
	}
	return days
}

// maxBins is how many spans the window has in the charts of agents.
const maxBins = 12

// agents sums up the executions of each agent in spans of whole days.
func (r *Report) agents() (bins []int64, list []agentSeries) {
	start := r.Since.Truncate(24 * time.Hour)
	days := int(r.Generated.Sub(start)/(24*time.Hour)) + 1
	span := time.Duration((days+maxBins-1)/maxBins) * 24 * time.Hour
	for at := start; !at.After(r.Generated); at = at.Add(span) {
		bins = append(bins, at.Unix())
	}
	byName := map[string]*agentSeries{}
	for _, repo := range r.Repositories {
		for _, e := range repo.Entries {
			for _, p := range e.Periods {
				i := int(p.Slot.Sub(start) / span)
				if p.State != Executed && p.State != Failed || i < 0 || i >= len(bins) {
					continue
				}
				series := byName[e.Agent]
				if series == nil {
					series = &agentSeries{Name: show(e.Agent), Bins: make([][6]float64, len(bins))}
					byName[e.Agent] = series
				}
				series.add(i, &p)
			}
		}
	}
	list = []agentSeries{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, *byName[name])
	}
	slices.SortStableFunc(list, func(a, b agentSeries) int { return cmp.Compare(b.runs, a.runs) })
	return bins, list
}

// add adds a period that ended.
func (a *agentSeries) add(bin int, p *Period) {
	b := &a.Bins[bin]
	a.runs++
	if p.State == Executed {
		b[0]++
	} else {
		b[1]++
	}
	for _, x := range p.Evidence {
		if x.Quality != nil {
			b[2], b[3] = b[2]+*x.Quality, b[3]+1
		}
		if x.Seconds != nil {
			b[4], b[5] = b[4]+*x.Seconds, b[5]+1
		}
	}
}
