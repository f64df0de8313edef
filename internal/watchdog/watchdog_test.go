package watchdog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/issues"
	"github.com/kaizen-agentic/schedule-action/internal/report"
)

func TestMain(m *testing.M) {
	fixture.WaitInParallel(8)
	os.Exit(m.Run())
}

// missing is an alarm about the coach of acme/web, which missed n weeks.
func missing(n int) []report.Raised {
	e := &report.Entry{Agent: "coach", Enabled: true}
	for i := range n {
		slot := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC).AddDate(0, 0, -7*i)
		e.Periods = append(e.Periods, report.Period{Period: fmt.Sprintf("2026-W%d", 48-i), Slot: slot,
			State: report.Missed})
	}
	made := &report.Report{Repositories: []report.Repository{{Name: "acme/web", Entries: []report.Entry{*e}}}}
	return made.Alarms(report.AlarmMissed)
}

// complete is a report of which nothing is unknown.
var complete = &report.Report{Grace: 6 * 60 * 60}

var token = fixture.Canary("ghs_", "watchdog")

// platform is a stand-in of GitHub or Gitea with issues, and a client of it.
type platform struct {
	api    *ghtest.Server
	client *gh.Client
	issues *issues.Issues
	clock  *fixture.Clock
	log    fixture.Log
}

func newPlatform(t *testing.T, gitea bool) *platform {
	t.Helper()
	p := &platform{issues: &issues.Issues{Gitea: gitea}, clock: fixture.NewClock(time.Date(2026, 11, 24, 9, 0, 0, 0,
		time.UTC))}
	o := ghtest.Options{Errorf: t.Errorf, Gitea: gitea, Now: p.clock.Now, Routes: p.issues.Routes()}
	if gitea {
		o.BasePath = "/api/v1"
	}
	var err error
	p.api, err = ghtest.New(o)
	fixture.Must(t, err)
	t.Cleanup(p.api.Close)
	p.api.AddToken(token, ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{"*": {Issues: "write"}}})
	p.api.AddRepository(ghtest.Repository{FullName: "acme/core", Private: true})
	p.client, err = gh.New(gh.Options{BaseURL: p.api.URL(), Token: token, Now: p.clock.Now, Sleep: p.clock.Sleep})
	fixture.Must(t, err)
	return p
}

// The issue is opened once, updated with one comment for each change, and closed after
// recovery.
func TestRollingIssue(t *testing.T) {
	t.Parallel()
	for _, gitea := range []bool{false, true} {
		t.Run(fmt.Sprintf("Gitea %t", gitea), func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t, gitea)
			// Others write the marker, too: in an issue, and in a pull request.
			p.issues.Add(issues.Issue{Title: "mine", Body: markerStart + "x" + markerEnd, State: "open",
				Author:   "mallory",
				IsPerson: true})
			p.issues.Add(issues.Issue{Title: "pull", Body: markerStart + "x" + markerEnd, State: "open",
				Author: "github-actions[bot]", IsPull: true})
			for range 120 {
				p.issues.Add(issues.Issue{Title: "other", State: "open", Author: "octocat", IsPerson: true})
			}
			issue := &RollingIssue{API: p.client, Repository: "acme/core", Log: p.log.Printf}
			missed, longer := missing(1), missing(2)
			other := append(longer[:1:1], report.Raised{Alarm: report.AlarmInvalid,
				Repository: &report.Repository{Name: "acme/<b>@x",
					Findings: []diag.Finding{diag.Cron.At("a", 1, 1, "![x](https://evil.example)", "")}}})
			steps := []struct {
				name     string
				raised   []report.Raised
				open     bool
				comments int
				changes  int // requests that change something
				body     string
			}{
				{"nothing", nil, false, 0, 0, ""},
				{"missed", missed, true, 0, 1, "1 entry not prepared in time"},
				{"the same", missed, true, 0, 0, "1 entry not prepared in time"},
				{"for longer", longer, true, 0, 1, "| 2 |"},
				{"one more", other, true, 1, 2, "1 manifest invalid"},
				{"one more, again", other, true, 1, 0, "1 manifest invalid"},
				{"recovered", nil, false, 2, 2, "everything on time"},
				{"still", nil, false, 2, 0, "everything on time"},
			}
			for _, s := range steps {
				before := p.changes()
				fixture.Must(t, issue.Keep(t.Context(), complete, s.raised))
				all := p.issues.All()[122:]
				if n := p.changes() - before; n != s.changes {
					t.Errorf("%s: %d changes, want %d", s.name, n, s.changes)
				}
				if s.name == "nothing" {
					if len(all) != 0 {
						t.Fatal("an issue without an alarm")
					}
					continue
				}
				if len(all) != 1 || (all[0].State == "open") != s.open || len(all[0].Comments) != s.comments ||
					!strings.Contains(all[0].Body, s.body) {
					t.Fatalf("%s: %+v", s.name, all)
				}
				for _, bad := range []string{"<b>", "![x]", "@x"} {
					if strings.Contains(all[0].Body, bad) {
						t.Errorf("%s: the body has %q", s.name, bad)
					}
				}
			}
			fixture.Must(t, issue.Keep(t.Context(), complete, missed))
			if all := p.issues.All()[122:]; len(all) != 2 || all[1].State != "open" {
				t.Errorf("a new failure: %+v", all)
			}
			if first := p.issues.All()[0]; first.Body != markerStart+"x"+markerEnd || first.State != "open" {
				t.Errorf("another's issue was changed: %+v", first)
			}
		})
	}
}

// changes counts the requests that change something.
func (p *platform) changes() (n int) {
	for _, r := range p.api.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// With a personal token the issue is that of its user.
func TestIssueOfAUser(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	pat := fixture.Canary("ghp_", "user")
	p.api.AddToken(pat, ghtest.Token{Kind: ghtest.Personal,
		Access: map[string]ghtest.Permissions{"*": {Issues: "write"}}})
	client, err := gh.New(gh.Options{BaseURL: p.api.URL(), Token: pat, Now: p.clock.Now, Sleep: p.clock.Sleep})
	fixture.Must(t, err)
	p.issues.Add(issues.Issue{Body: markerStart + "x" + markerEnd, State: "open", Author: "some-app[bot]"})
	issue := &RollingIssue{API: client, Repository: "acme/core", Log: p.log.Printf}
	for range 2 {
		fixture.Must(t, issue.Keep(t.Context(), complete, missing(1)))
	}
	if all := p.issues.All(); len(all) != 2 || all[1].Author != "octocat" {
		t.Errorf("%+v", all)
	}
}

// A repository that cannot be read has no known state: it opens no issue, and an issue about
// it is not closed as if it had recovered.
func TestIssueWhileUnread(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	issue := &RollingIssue{API: p.client, Repository: "acme/core", Log: p.log.Printf}
	unread := &report.Report{Repositories: []report.Repository{{Name: "acme/web", Error: "502"}},
		Totals: report.Totals{Unreadable: 1}}
	unnamed := &report.Report{Totals: report.Totals{Unreadable: 1}} // only Incomplete knows
	steps := []struct {
		name        string
		made        *report.Report
		raised      []report.Raised
		issues      int
		state, body string
	}{
		{"unread", unread, nil, 0, "", ""},
		{"missed", complete, missing(1), 1, "open", "1 entry not prepared in time"},
		{"incomplete while missed", unnamed, nil, 1, "open", "1 entry not prepared in time"},
		{"unread while missed", unread, nil, 1, "open", "1 repository unreadable"},
		{"recovered", complete, nil, 1, "closed", "everything on time"},
	}
	for _, s := range steps {
		fixture.Must(t, issue.Keep(t.Context(), s.made, s.raised))
		all := p.issues.All()
		if len(all) != s.issues {
			t.Fatalf("%s: %d issues, want %d", s.name, len(all), s.issues)
		}
		if len(all) > 0 && (all[0].State != s.state || !strings.Contains(all[0].Body, s.body)) {
			t.Errorf("%s: the issue is %s: %s", s.name, all[0].State, all[0].Body)
		}
	}
}

// A request whose answer is lost opens no second issue: the next run finds the first one.
func TestIssueWithALostAnswer(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	p.api.Fail("POST /repos/*/*/issues", 1, ghtest.Lose())
	issue := &RollingIssue{API: p.client, Repository: "acme/core", Log: p.log.Printf}
	if err := issue.Keep(t.Context(), complete, missing(1)); err == nil {
		t.Error("no error")
	}
	fixture.Must(t, issue.Keep(t.Context(), complete, missing(1)))
	if all := p.issues.All(); len(all) != 1 {
		t.Errorf("%d issues", len(all))
	}
}

// A token without the permission is an error that names it.
func TestIssueWithoutPermission(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, false)
	p.api.AddToken(token, ghtest.Token{Kind: ghtest.Job})
	err := (&RollingIssue{API: p.client, Repository: "acme/core", Log: p.log.Printf}).Keep(t.Context(), complete, nil)
	if err == nil || !strings.Contains(err.Error(), "issues: write") {
		t.Errorf("got %v", err)
	}
}

// transport answers the pings of a test.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Pings have the suffixes of healthchecks.io, are retried, and never show their address.
func TestPing(t *testing.T) {
	t.Parallel()
	secret := fixture.Canary("", "ping")
	for _, tt := range []struct {
		name    string
		success bool
		answers []int // 0 is a lost connection
		want    string
		warn    bool
	}{
		{"success", true, []int{200}, "/start ", false},
		{"failure", false, []int{200}, "/start /fail", false},
		{"again", true, []int{500, 0, 200}, "/start/start/start ", false},
		{"refused", false, []int{404}, "/start /fail", true},
		{"away", true, []int{0}, "/start/start/start/start/start     ", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log fixture.Log
			clock := fixture.NewClock(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
			var paths []string
			ping, err := NewPing(PingOptions{Address: "https://hc.example/" + secret + "?x=" + secret, Now: clock.Now,
				Sleep: func(ctx context.Context, d time.Duration) error { return clock.Sleep(ctx, d/1000) },
				Log:   log.Printf,
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					n := min(len(paths), len(tt.answers)-1)
					paths = append(paths, strings.TrimPrefix(r.URL.Path, "/"+secret))
					if r.URL.RawQuery != "x="+secret || r.Header.Get("Authorization") != "" {
						t.Errorf("request %v", r.URL)
					}
					if tt.answers[n] == 0 {
						return nil, errors.New("dial hc.example: lost " + r.URL.String())
					}
					return &http.Response{StatusCode: tt.answers[n], Body: io.NopCloser(strings.NewReader("")),
						Header: http.Header{}}, nil
				})})
			fixture.Must(t, err)
			ping.Start(t.Context())
			paths = append(paths, " ")
			ping.End(t.Context(), tt.success)
			if got := strings.Join(paths, ""); strings.TrimRight(got, " ") != strings.TrimRight(tt.want, " ") {
				t.Errorf("pings %q, want %q", got, tt.want)
			}
			text := log.Text()
			if strings.Contains(text, secret) || strings.Contains(text, "hc.example") ||
				strings.Contains(text, "warning") != tt.warn {
				t.Errorf("the log has\n%s", text)
			}
		})
	}
}

func TestInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ grace, want string }{
		{"6h", "6h"}, {"90m", "1h30m"}, {"10m", "10m"}, {"45s", "45s"}, {"6h10s", "6h0m10s"}, {"8784h", "8784h"},
		{"0", "0s"},
	} {
		d, err := time.ParseDuration(tt.grace)
		fixture.Must(t, err)
		if got := inWords(d); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.grace, got, tt.want)
		}
	}
}

func TestPingAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://hc.example/s3cret", "ftp://hc.example/s3cret",
		"https://u:s3cret@hc.example/",
		"s3cret", "https:s3cret", "https://hc.example/#s3cret", ":s3cret"} {
		if _, err := NewPing(PingOptions{Address: address}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", address, err)
		}
	}
	if ping, err := NewPing(PingOptions{}); ping != nil || err != nil {
		t.Errorf("no address: %v, %v", ping, err)
	}
	var none *Ping
	none.Start(t.Context()) // does nothing
}
