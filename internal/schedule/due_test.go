package schedule

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	const now = "2026-11-24T09:00:00Z"
	off := weekly(time.Monday, 5, 0)
	off.Enabled = false
	var old []string // receipts that are too old to matter
	for week := 1; week <= 9; week++ {
		old = append(old, fmt.Sprintf("2010-W%02d", week))
	}
	tests := []struct {
		name   string
		entry  Entry
		known  Known
		state  State
		reason string
		missed []string
	}{
		{"never delivered", weekly(time.Monday, 5, 0), Known{},
			Due, "first run, for 2026-W48; then Mon 2026-11-30 05:00 CET", nil},
		{"maybe delivered before", weekly(time.Monday, 5, 0), Known{Unlisted: true},
			Due, "no receipt for 2026-W48 yet, due since Mon 2026-11-23 05:00 CET", nil},
		{"delivered", weekly(time.Monday, 5, 0), Known{Delivered: true, Prepared: true, Earlier: []string{"2026-W47"}},
			NotDue, "2026-W48 has a receipt; next on Mon 2026-11-30 05:00 CET", nil},
		{"stored, not delivered", weekly(time.Monday, 5, 0), Known{Prepared: true},
			DeliveredPartly,
			"an earlier delivery of 2026-W48 did not finish: its bundle is stored without a receipt; due " +
				"since Mon 2026-11-23 05:00 CET", nil},
		{"disabled", off, Known{Earlier: []string{"2026-W40"}}, Disabled, "disabled in the manifest", nil},
		{"disabled, though delivered", off, Known{Delivered: true}, Disabled, "disabled in the manifest", nil},
		{"undecided", weekly(time.Monday, 5, 0), Known{Undecided: "the API does not say on which branch run 7 ran"},
			Undecided, "undecided: the API does not say on which branch run 7 ran", nil},
		{"disabled, though undecided", off, Known{Undecided: "x"}, Disabled, "disabled in the manifest", nil},
		{"one missed", weekly(time.Monday, 5, 0), Known{Earlier: []string{"2026-W44", "2026-W46"}},
			Due, "no receipt for 2026-W48 yet, due since Mon 2026-11-23 05:00 CET; missed since 2026-W47, 1 period",
			[]string{"2026-W47"}},
		{"some missed", daily(5, 0), Known{Delivered: true, Earlier: []string{"2026-11-20"}},
			NotDue, "2026-11-24 has a receipt; next on Wed 2026-11-25 05:00 CET; missed since 2026-11-21, 3 periods",
			[]string{"2026-11-21", "2026-11-22", "2026-11-23"}},
		{"missed over the year", monthly(28, 0, 0), Known{Earlier: []string{"2025-11"}},
			Due, "no receipt for 2026-10 yet, due since Wed 2026-10-28 00:00 CET; missed since 2025-12, 10 periods",
			[]string{"2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06", "2026-07", "2026-08",
				"2026-09"}},
		{"keys that are no period", weekly(time.Monday, 5, 0),
			Known{Earlier: []string{"2026-W99", "2026-11-16", "2026-11", "", "../2026-W40", "2027-W01", "2026-W48",
				"2026-W40.run-7"}},
			Due, "no receipt for 2026-W48 yet, due since Mon 2026-11-23 05:00 CET", nil},
		{"too long ago to say", weekly(time.Monday, 5, 0), Known{Earlier: old},
			Due, "no receipt for 2026-W48 yet, due since Mon 2026-11-23 05:00 CET", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := tt.entry
			e.Location = zone(t, "Europe/Berlin")
			d := Decide(&e, instant(t, now), tt.known)
			if d.State != tt.state || d.Reason != tt.reason || !slices.Equal(d.Missed, tt.missed) {
				t.Errorf("got %q %q %v,\nwant %q %q %v", d.State, d.Reason, d.Missed, tt.state, tt.reason, tt.missed)
			}
			if want := tt.state == Due || tt.state == DeliveredPartly; d.Due() != want {
				t.Errorf("Due() = %v, want %v", d.Due(), want)
			}
			if d.Entry != &e || d.Slot != e.Current(instant(t, now)) || len(d.Next) != 5 ||
				!d.Next[0].At.After(instant(t, now)) {
				t.Errorf("wrong entry, slot or next dates: %+v", d)
			}
		})
	}
}
