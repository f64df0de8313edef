package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is whether an entry is due, and why.
type State string

// The states of an entry. An entry that is DeliveredPartly is due again, because its
// bundle is stored without a receipt. Undecided is neither due nor not due.
const (
	Due             State = "due"
	NotDue          State = "not due"
	Disabled        State = "disabled"
	DeliveredPartly State = "delivered partly"
	Undecided       State = "undecided"
)

// Known is what the ledger contains about one entry.
type Known struct {
	// Delivered is true if the current period has a receipt, Prepared if its bundle is
	// stored, and Partial if some targets have its event and others do not.
	Delivered, Prepared, Partial bool
	// Unlisted is true if the ledger may have older records of the entry.
	Unlisted bool
	// Earlier has the other periods with a receipt, in any order. Periods that do not
	// belong to the entry are ignored.
	Earlier []string
	// Undecided is why the ledger gives no answer, as a part of a sentence; "" if it gives
	// one.
	Undecided string
}

// Decision is whether an entry is due at an instant, and why.
type Decision struct {
	Entry *Entry
	Slot  Slot   // the current slot
	Next  []Slot // the next five slots
	State State
	// Reason explains the state in tables and logs. It has no full stop.
	Reason string
	// First is true if the ledger has no record of the entry. Then its current period
	// runs at the next tick.
	First bool
	// Missed has the periods without a receipt between the latest earlier receipt and the
	// current period, oldest first. They are reported and never prepared.
	Missed []string
}

// Due reports whether the entry is due.
func (d Decision) Due() bool { return d.State == Due || d.State == DeliveredPartly }

// maxMissed is the number of slots that Decide looks back for a receipt. Older artifacts
// have expired.
const maxMissed = 400

// nextSlots is the number of coming slots that are shown.
const nextSlots = 5

// Decide returns whether e is due at now, given the contents of the ledger.
func Decide(e *Entry, now time.Time, k Known) Decision {
	d := Decision{Entry: e, Slot: e.Current(now), Next: e.Next(now, nextSlots)}
	if !e.Enabled {
		d.State, d.Reason = Disabled, "disabled in the manifest"
		return d
	}
	if k.Undecided != "" {
		d.State, d.Reason = Undecided, "undecided: "+k.Undecided
		return d
	}
	d.Missed = e.missed(now, k.Earlier)
	period, since, next := d.Slot.Period, d.Slot, e.nextRun(now, k)
	switch {
	case k.Delivered:
		d.State, d.Reason = NotDue, fmt.Sprintf("%s has a receipt; next on %s", period, next)
	case k.Partial:
		d.State = DeliveredPartly
		d.Reason = fmt.Sprintf("delivered partly for %s: the targets that failed get the same event", period)
	case k.Prepared:
		d.State = DeliveredPartly
		d.Reason = fmt.Sprintf("an earlier delivery of %s did not finish: its bundle is stored without a receipt; "+
			"due since %s", period, since)
	case len(k.Earlier) == 0 && !k.Unlisted:
		d.State, d.First = Due, true
		d.Reason = fmt.Sprintf("first run, for %s; then %s", period, next)
	default:
		d.State, d.Reason = Due, fmt.Sprintf("no receipt for %s yet, due since %s", period, since)
	}
	switch n := len(d.Missed); {
	case n == 1:
		d.Reason += fmt.Sprintf("; missed since %s, 1 period", d.Missed[0])
	case n > 1:
		d.Reason += fmt.Sprintf("; missed since %s, %d periods", d.Missed[0], n)
	}
	return d
}

// nextRun returns the next slot whose period has no receipt. After a change of the cron,
// a coming slot may belong to a delivered period.
func (e *Entry) nextRun(now time.Time, k Known) Slot {
	first := e.slot(e.Slots.After(now, e.Location))
	s := first
	for range 100 { // later periods cannot have a receipt
		if !slices.Contains(k.Earlier, s.Period) {
			return s
		}
		s = e.slot(e.Slots.After(s.At, e.Location))
	}
	return first
}

// Outlook returns Reason for a reader between two ticks.
func (d Decision) Outlook() string {
	if d.First {
		return strings.Replace(d.Reason, "first run", "first run at the next tick", 1)
	}
	return d.Reason
}

// missed returns the periods between the latest period with a receipt and the current
// one. Without any receipt, no period counts as missed.
func (e *Entry) missed(now time.Time, receipts []string) []string {
	if len(receipts) == 0 {
		return nil
	}
	var missed []string
	for s := range e.Previous(now) {
		if slices.Contains(receipts, s.Period) {
			slices.Reverse(missed)
			return missed
		}
		if missed = append(missed, s.Period); len(missed) == maxMissed {
			break
		}
	}
	return nil
}
