package report

// Alarm is a kind of problem that needs attention now.
type Alarm string

// The alarms of --fail-on, and the one of what could not be read.
const (
	AlarmMissed     Alarm = "missed"     // the latest period is overdue or missed
	AlarmFailed     Alarm = "failed"     // the latest run failed
	AlarmUnreceived Alarm = "unreceived" // the latest event was not acknowledged
	AlarmInvalid    Alarm = "invalid"    // the manifest has errors
	AlarmUnread     Alarm = "unread"     // the manifest or the ledger could not be read
)

// FailOn has the alarms that --fail-on takes.
var FailOn = []Alarm{AlarmMissed, AlarmFailed, AlarmUnreceived, AlarmInvalid}

// allAlarms are those of which the verdict speaks.
var allAlarms = []Alarm{AlarmMissed, AlarmFailed, AlarmUnreceived, AlarmInvalid, AlarmUnread}

// Raised is an alarm about an entry, or about a repository.
type Raised struct {
	Alarm      Alarm
	Repository *Repository
	Entry      *Entry  // nil for a repository
	Period     *Period // the latest that shows it, nil for a repository
	Count      int     // of such periods in a row
}

// Alarms returns what is wrong now. An entry that works again raises no alarm, although
// the window still has its missed and failed periods.
func (r *Report) Alarms(kinds ...Alarm) []Raised {
	var list []Raised
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		for _, kind := range kinds {
			switch {
			case kind == AlarmInvalid && repo.State == Invalid,
				kind == AlarmUnread && repo.State != Invalid && repo.Error != "":
				list = append(list, Raised{Alarm: kind, Repository: repo})
			}
			for j := range repo.Entries {
				e := &repo.Entries[j]
				if p, n := e.raised(kind); p != nil {
					list = append(list, Raised{kind, repo, e, p, n})
				}
			}
		}
	}
	return list
}

// raised returns the latest period that raises an alarm, and how many in a row do.
func (e *Entry) raised(kind Alarm) (p *Period, count int) {
	if !e.Enabled {
		return nil, 0
	}
	for i := range e.Periods {
		switch raises, decides := e.Periods[i].raises(kind); {
		case raises:
			if count++; p == nil {
				p = &e.Periods[i]
			}
		case decides:
			return p, count
		}
	}
	return p, count
}

// raises reports whether a period raises an alarm, and whether it decides about it. A
// period within its grace, or whose run has not ended, decides nothing.
func (p *Period) raises(kind Alarm) (raises, decides bool) {
	switch kind {
	case AlarmMissed:
		return p.State == Missed || p.State == Overdue, p.delivered()
	case AlarmFailed:
		return p.State == Failed, p.State == Executed
	case AlarmUnreceived:
		return p.has(Unreceived), p.State == Received || p.State == Executed || p.State == Failed
	}
	return false, true
}
