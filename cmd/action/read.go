package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// reader reads the options of a command into its struct. The first wrong value is its error.
type reader struct {
	values
	args []string // what is neither a flag nor its value
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = usageError{err}
	}
}

// oneOf reads an option that has one of some values.
func (r *reader) oneOf(name string, allowed ...string) string {
	v := r.values[name]
	if !slices.Contains(allowed, v) {
		shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		r.fail(fmt.Errorf("%s is %q, must be %s", name, v, strings.Join(shown, ", ")))
	}
	return v
}

func (r *reader) isOn(name string) bool { return r.values[name] == "true" }

// list reads a comma or newline separated list.
func (r *reader) list(name string) []string { return splitList(r.values[name]) }

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

// secrets reads the policy for secrets.
func (r *reader) secrets() prepare.Policy {
	return prepare.Policy(r.oneOf(optSecrets, "fail", "redact", "off"))
}

// selection reads the agents that are arguments, else the option, and the cadence.
func (r *reader) selection() pipeline.Selection {
	cadence := r.oneOf(optCadence, "", "daily", "weekly", "monthly")
	names := r.args
	if len(names) == 0 {
		names = r.list(optAgents)
	}
	s, err := pipeline.NewSelection(names, schedule.Cadence(cadence))
	if err != nil {
		r.fail(err)
	}
	return s
}

// ledgerOptions say where bundles and receipts are kept.
type ledgerOptions struct {
	out    string // directory, "" for the default
	token  string // of GitHub
	branch string // whose receipts count, "" for the default branch
	// days is how long artifacts are kept, 0 for as long as the cadence needs. daysErr says why the option is no number of days;
	// the commands that store something refuse it, and doctor reports it.
	days    int
	daysErr error
}

func (r *reader) ledger() ledgerOptions {
	o := ledgerOptions{out: r.values[optOut], token: r.values[optToken], branch: r.values[optLedgerBranch]}
	text := r.values[optRetentionDays]
	if text == "" || text == "0" {
		return o
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxRetentionDays {
		o.daysErr = advice.New("write a number from 1 to 90, or leave it out", "%s is %q", optRetentionDays, text)
		return o
	}
	o.days = n
	return o
}

// maxRetentionDays is the longest that GitHub keeps an artifact of a public repository.
const maxRetentionDays = 90

// channels is where an event goes.
type channels struct{ summary, artifact, dispatch, nats, stdout bool }

// targetOptions say where events go.
type targetOptions struct {
	channels channels
	given    bool     // emit lists the channels
	targets  []string // repositories that get a dispatch
	// targetsErr says why dispatch-to is no list of repositories; prepare refuses it, and doctor reports it.
	targetsErr    error
	dispatchToken string
	nats          emit.NATSOptions
}

// to reads the targets and the channels, whose default depends on where the program runs and which targets it has.
func (r *reader) to(inActions bool) targetOptions {
	o := targetOptions{dispatchToken: r.values[optDispatchToken], nats: emit.NATSOptions{
		URLs: r.list(optNATSURL), Subject: r.values[optNATSSubject], Creds: r.values[optNATSCreds], NKey: r.values[optNATSNKey],
		Token: r.values[optNATSToken], User: r.values[optNATSUser], Password: r.values[optNATSPassword],
		CA: r.values[optNATSCA], Cert: r.values[optNATSCert], Key: r.values[optNATSKey], Name: "schedule-action",
	}}
	o.targets, o.targetsErr = emit.ParseTargets(r.values[optDispatchTo])
	haveDispatch, haveNATS := len(o.targets) > 0 || o.targetsErr != nil, len(o.nats.URLs) > 0
	list := r.list(optEmit)
	if o.given = len(list) > 0; !o.given {
		o.channels = channels{summary: inActions, artifact: inActions, dispatch: haveDispatch, nats: haveNATS}
		return o
	}
	c := &o.channels
	fields := map[string]*bool{"summary": &c.summary, "artifact": &c.artifact, "dispatch": &c.dispatch, "nats": &c.nats, "stdout": &c.stdout}
	for _, name := range list {
		if field, ok := fields[name]; ok {
			*field = true
		} else {
			r.fail(fmt.Errorf("emit has %q, must be a list of summary, artifact, dispatch, nats, stdout", name))
		}
	}
	r.match("dispatch", optDispatchTo, c.dispatch, haveDispatch)
	r.match("nats", optNATSURL, c.nats, haveNATS)
	return o
}

// match refuses a target that would silently get nothing, and a channel without a target.
func (r *reader) match(channel, target string, on, have bool) {
	switch {
	case on && !have:
		r.fail(fmt.Errorf("emit lists %s but %s names none: name a target or drop %[1]s", channel, target))
	case have && !on:
		r.fail(fmt.Errorf("%s is set but emit does not list %s: add it to emit or drop %[1]s", target, channel))
	}
}

// refuseEvent refuses events on which a stranger's change could make this run publish or use its token. It returns an error
// that doctor reports.
func refuseEvent(event string, allowed []string, refused ...string) error {
	if !slices.Contains(refused, event) || slices.Contains(allowed, event) {
		return nil
	}
	return usageError{advice.New("use schedule or workflow_dispatch, or opt in with allow-events: "+event,
		"refused on the event %s, where a stranger's change decides what runs", event)}
}

// unpublished are the events on which prepare must not publish.
var unpublished = []string{"pull_request", "pull_request_target", "workflow_run"}

var errNoDispatchToken = errors.New("dispatch-to needs a token: set dispatch-token to one with contents: write on every target")
