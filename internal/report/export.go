package report

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/report/ical"
)

// Formats are the suffixes of files that Encode can write.
var Formats = []string{".html", ".json", ".csv", ".ics"}

// FormatOf returns the format that a file's suffix names, "" for none.
func FormatOf(file string) string {
	if ext := strings.ToLower(path.Ext(file)); slices.Contains(Formats, ext) {
		return ext
	}
	return ""
}

// Encode returns the report in one of Formats. Links of the page lead to these servers
// only.
func (r *Report) Encode(format string, servers []string) ([]byte, error) {
	switch format {
	case ".html":
		return r.HTML(servers)
	case ".csv":
		return r.CSV(), nil
	case ".ics":
		return r.Calendar(), nil
	}
	return r.JSON(), nil
}

// JSON returns the report as JSON, see schema/report.schema.json. It escapes <, > and &.
func (r *Report) JSON() []byte {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // plain structs can be encoded
	}
	return append(data, '\n')
}

// columns are those of the CSV form.
var columns = []string{"repository", "slug", "agent", "cadence", "cron", "timezone", "enabled", "period", "slot",
	"state", "flags", "receipt_at", "receipt_url", "received_at", "received_url", "run_url", "result", "quality",
	"seconds", "error"}

// CSV returns one line for each period, and one for each entry or repository without any.
func (r *Report) CSV() []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true // RFC 4180
	w.Write(columns)
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		if len(repo.Entries) == 0 {
			w.Write(line(repo, &Entry{}, &Period{State: repo.State}))
		}
		for j := range repo.Entries {
			e := &repo.Entries[j]
			if len(e.Periods) == 0 {
				w.Write(line(repo, e, &Period{State: e.State}))
			}
			for k := range e.Periods {
				w.Write(line(repo, e, &e.Periods[k]))
			}
		}
	}
	w.Flush() // a buffer never fails
	return out.Bytes()
}

// line is one line of the CSV form.
func line(repo *Repository, e *Entry, p *Period) []string {
	var receipt, received, run, metrics, ended Evidence
	for _, x := range p.Evidence {
		switch {
		case x.delivered():
			receipt = x
		case x.Kind == Acknowledgement:
			received = x
		case x.Kind == Run:
			run = x
		case x.Kind == Metrics:
			metrics = x
		}
		if x.Result != "" {
			ended = x
		}
	}
	flags := make([]string, len(p.Flags))
	for i, f := range p.Flags {
		flags[i] = string(f)
	}
	enabled := ""
	if e.Agent != "" {
		enabled = strconv.FormatBool(e.Enabled)
	}
	cells := []string{
		repo.name(), repo.Slug, e.Agent, string(e.Cadence), e.Cron, e.Timezone, enabled, p.Period,
		stamp(p.Slot), string(p.State), strings.Join(flags, " "), stamp(receipt.At), receipt.URL, stamp(received.At),
		received.URL, run.URL, string(ended.Result), decimal(metrics.Quality), decimal(metrics.Seconds), repo.Error,
	}
	for i, text := range cells {
		cells[i] = defuse(show(text))
	}
	return cells
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func decimal(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// formulaStarts are the characters that make a spreadsheet read a cell as a formula:
// https://owasp.org/www-community/attacks/CSV_Injection. Some also take the full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// defuse keeps a spreadsheet from executing a cell.
func defuse(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell != "" && strings.ContainsRune(formulaStarts, first) {
		return "'" + cell
	}
	return cell
}

// Calendar returns the next runs of enabled entries as iCalendar, RFC 5545.
func (r *Report) Calendar() []byte {
	c := &ical.Writer{}
	c.Line("BEGIN", "VCALENDAR")
	c.Line("VERSION", "2.0")
	c.Line("PRODID", "-//kaizen-agentic//schedule-action//EN")
	c.Line("CALSCALE", "GREGORIAN")
	c.Line("METHOD", "PUBLISH")
	c.Text("X-WR-CALNAME", "Scheduled agents")
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		for j := range repo.Entries {
			if e := &repo.Entries[j]; e.Enabled {
				for _, s := range e.Next {
					r.event(c, repo, e, s)
				}
			}
		}
	}
	c.Line("END", "VCALENDAR")
	return c.Bytes()
}

// event writes one coming run. Its UID stays the same while its period does.
func (r *Report) event(c *ical.Writer, repo *Repository, e *Entry, s Slot) {
	name := repo.name()
	c.Line("BEGIN", "VEVENT")
	c.Line("UID", ical.UID(cmp.Or(repo.URL, name), e.Agent, s.Period))
	c.Line("DTSTAMP", ical.Instant(r.Generated))
	c.Line("DTSTART", ical.Instant(s.At))
	c.Text("SUMMARY", show(e.Agent+" in "+name))
	c.Text("DESCRIPTION", fmt.Sprintf("period %s\n%s, cron %s in %s", s.Period, e.Cadence, show(e.Cron), e.Timezone))
	if repo.URL != "" {
		c.Line("URL", repo.URL)
	}
	c.Line("TRANSP", "TRANSPARENT")
	c.Line("END", "VEVENT")
}
