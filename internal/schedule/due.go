package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State says whether an entry is to be prepared now, and why.
type State string

// The states of an entry. DeliveredPartly is due again: its bundle is stored, but without
// the receipt of a complete delivery.
const (
	Due             State = "due"
	NotDue          State = "not due"
	Disabled        State = "disabled"
	DeliveredPartly State = "delivered partly"
)

// Known is what the ledger says about one entry.
type Known struct {
	// Delivered says that the current period has a receipt, Prepared that its bundle is
	// stored.
	Delivered, Prepared bool
	// Earlier are the keys of other periods with a receipt, in any order. Other keys are
	// ignored.
	Earlier []string
}

// Decision is whether an entry is due at a moment.
type Decision struct {
	Entry *Entry
	Slot  Slot   // the current one
	Next  []Slot // the five after it
	State State
	// Reason is one part of a sentence without a full stop, for tables and logs.
	Reason string
	// First says that the ledger has no record of the entry, so that its current period is
	// run at the next tick.
	First bool
	// Missed are the periods without a receipt between the latest earlier one that has one
	// and the current one, oldest first. They are reported, never run afterwards.
	Missed []string
}

// Due reports whether the entry is to be prepared now.
func (d Decision) Due() bool { return d.State == Due || d.State == DeliveredPartly }

// maxMissed is how many slots Decide looks back for a receipt. Older artifacts have
// expired.
const maxMissed = 400

// nextSlots is how many coming dates are shown.
const nextSlots = 5

// Decide says whether e is due at now, given what the ledger knows.
func Decide(e *Entry, now time.Time, k Known) Decision {
	d := Decision{Entry: e, Slot: e.Current(now), Next: e.Next(now, nextSlots)}
	if !e.Enabled {
		d.State, d.Reason = Disabled, "disabled in the manifest"
		return d
	}
	d.Missed = e.missed(now, k.Earlier)
	period, since, next := d.Slot.Period, d.Slot, e.nextRun(now, k)
	switch {
	case k.Delivered:
		d.State, d.Reason = NotDue, fmt.Sprintf("delivered for %s; next on %s", period, next)
	case k.Prepared:
		d.State = DeliveredPartly
		d.Reason = fmt.Sprintf("an earlier delivery of %s did not finish: its bundle is stored, a receipt is not, due "+
			"since %s", period, since)
	case len(k.Earlier) == 0:
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

// nextRun is the next slot whose period has no receipt: after a change of the cron, a coming slot may be of a period that is
// delivered.
func (e *Entry) nextRun(now time.Time, k Known) Slot {
	first := e.slot(e.Slots.After(now, e.Location))
	s := first
	for range 100 { // far beyond any period that can have a receipt
		if !slices.Contains(k.Earlier, s.Period) {
			return s
		}
		s = e.slot(e.Slots.After(s.At, e.Location))
	}
	return first
}

// Outlook is Reason for a reader between two ticks.
func (d Decision) Outlook() string {
	if d.First {
		return strings.Replace(d.Reason, "first run", "first run at the next tick", 1)
	}
	return d.Reason
}

// missed walks back from the current slot to the latest period with a receipt. Without
// any receipt, it reports nothing as missed.
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
