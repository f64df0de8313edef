package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// State is what is known of a period, of an entry or of a repository. docs/report.md
// explains each.
type State string

// The states, from what needs no attention to what needs it first.
const (
	Disabled State = "disabled" // the manifest pauses the entry
	Executed State = "executed" // the run ended, and not with a failure
	Received State = "received" // a consumer acknowledged the event, or a run was started
	Prepared State = "prepared" // the event reached every target
	Due      State = "due"      // the slot passed less than the grace ago
	Unknown  State = "unknown"  // the ledger could not be read in full
	Overdue  State = "overdue"  // the slot passed longer than the grace ago
	Failed   State = "failed"   // the run ended without success
	Missed   State = "missed"   // the next period has begun
	Invalid  State = "invalid"  // the manifest has errors
)

// States has all states in that order.
var States = []State{Disabled, Executed, Received, Prepared, Due, Unknown, Overdue, Failed, Missed, Invalid}

func severity(s State) int { return slices.Index(States, s) }

// Flag marks a period beside its state.
type Flag string

// The flags.
const (
	Duplicate  Flag = "duplicate"  // more than one receipt, acknowledgement or run for one event
	Unreceived Flag = "unreceived" // prepared longer than the grace ago, and not acknowledged
	Partial    Flag = "partial"    // some targets have the event and others do not
	Forced     Flag = "forced"     // prepared again on request
)

// maxPeriods bounds the periods of one entry in the window. A month of hours has 744.
const maxPeriods = 1000

// nextSlots is how many coming slots list shows.
const nextSlots = 5

// clock places periods in time. Entries with the same cron share one timetable.
type clock struct {
	now, since time.Time
	grace      time.Duration
	slots      map[pattern]*timetable
}

// pattern is what slots and periods follow from.
type pattern struct {
	slots    cron.Expression
	location string
	cadence  schedule.Cadence
}

// timetable has the slots of a pattern in the window, newest first, and the next ones.
type timetable struct{ past, next []schedule.Slot }

func (c *clock) timetable(e *schedule.Entry) *timetable {
	key := pattern{e.Slots, e.Location.String(), e.Cadence}
	if t := c.slots[key]; t != nil {
		return t
	}
	t := &timetable{next: e.Next(c.now, nextSlots)}
	if current := e.Current(c.now); !current.At.Before(c.since) {
		t.past = append(t.past, current)
		for s := range e.Previous(c.now) {
			if s.At.Before(c.since) || len(t.past) == maxPeriods {
				break
			}
			t.past = append(t.past, s)
		}
	}
	c.slots[key] = t
	return t
}

// entry states what happened in each period of an entry. Periods before the first receipt
// are left out, because the entry may not have existed.
func (c *clock) entry(e *schedule.Entry, facts known, isRead bool) Entry {
	table := c.timetable(e)
	out := Entry{
		Agent: e.Agent, Cadence: e.Cadence, Cron: e.Cron, Timezone: e.Location.String(), Enabled: e.Enabled,
		Next: []Slot{}, Periods: []Period{}, State: Unknown,
	}
	for _, s := range table.next {
		out.Next = append(out.Next, Slot{s.Period, s.At})
	}
	following := table.next[0].At
	for _, s := range table.past {
		if s.At.Before(facts.first) && len(facts.periods[s.Period]) == 0 {
			break
		}
		p := Period{Period: s.Period, Slot: s.At, Flags: []Flag{}, Evidence: facts.periods[s.Period]}
		if p.Evidence == nil {
			p.Evidence = []Evidence{}
		}
		p.State = c.state(e.Enabled, &p, following, isRead)
		p.Flags = c.flags(&p, facts.acknowledged)
		out.Periods = append(out.Periods, p)
		following = s.At
	}
	out.State = latest(&out)
	return out
}

// latest returns the state of the latest period that is not merely due.
func latest(e *Entry) State {
	if !e.Enabled {
		return Disabled
	}
	for _, p := range e.Periods {
		if p.State != Due {
			return p.State
		}
	}
	return Due
}

// state returns the state of a period. The next period begins at following.
func (c *clock) state(enabled bool, p *Period, following time.Time, isRead bool) State {
	receipt, received, ran, result := false, false, false, Result("")
	var ended time.Time
	for _, e := range p.Evidence {
		receipt = receipt || e.delivered()
		ran = ran || e.Kind == Metrics
		received = received || e.Kind == Acknowledgement || e.Kind == Run
		if e.Result != "" && !e.At.Before(ended) {
			result, ended = e.Result, e.At
		}
	}
	switch {
	case result == Failure:
		return Failed
	case result == Success, ran:
		return Executed
	case received:
		return Received
	case receipt:
		return Prepared
	case !enabled:
		return Disabled
	case !isRead:
		return Unknown
	case !c.now.Before(following):
		return Missed
	case !c.now.Before(p.Slot.Add(c.grace)):
		return Overdue
	}
	return Due
}

// flags returns the flags of a period whose state is known.
func (c *clock) flags(p *Period, acknowledged bool) []Flag {
	flags := []Flag{}
	count := map[Kind]int{}
	type origin struct {
		kind       Kind
		source, by string
	}
	same := map[origin]int{}
	var receipt time.Time
	forced, duplicate := false, false
	for _, e := range p.Evidence {
		if e.Forced {
			forced = true
			continue
		}
		from := origin{e.Kind, e.source, e.By}
		same[from]++
		duplicate = duplicate || same[from] > 1 && e.Kind != Bundle && e.Kind != Unfinished && e.Kind != Metrics
		if count[e.Kind]++; e.delivered() && (receipt.IsZero() || e.At.Before(receipt)) {
			receipt = e.At
		}
	}
	if duplicate {
		flags = append(flags, Duplicate)
	}
	if acknowledged && p.State == Prepared && !receipt.IsZero() && !c.now.Before(receipt.Add(c.grace)) {
		flags = append(flags, Unreceived)
	}
	if count[Unfinished] > 0 && count[Receipt] == 0 {
		flags = append(flags, Partial)
	}
	if forced {
		flags = append(flags, Forced)
	}
	return flags
}

// byTime orders evidence, oldest first.
func byTime(a, b Evidence) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.URL, b.URL))
}
