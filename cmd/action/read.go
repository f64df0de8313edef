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

// reader converts the options of a command and keeps the first error.
type reader struct {
	values
	args []string // positional arguments
	err  error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = usageError{err}
	}
}

// oneOf reads an option with a fixed set of values.
func (r *reader) oneOf(name string, allowed ...string) string {
	v := r.values[name]
	if !slices.Contains(allowed, v) {
		shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		r.fail(fmt.Errorf("%s is %q, must be %s", name, v, strings.Join(shown, ", ")))
	}
	return v
}

func (r *reader) isOn(name string) bool { return r.values[name] == "true" }

// list reads a list separated by commas or newlines.
func (r *reader) list(name string) []string { return splitList(r.values[name]) }

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

// secrets reads the policy for secrets.
func (r *reader) secrets() prepare.Policy {
	return prepare.Policy(r.oneOf(optSecrets, "fail", "redact", "off"))
}

// selection reads the agents from the arguments, else from the option, and the cadence.
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

// ledgerOptions holds where bundles and receipts are kept.
type ledgerOptions struct {
	out    string // directory, "" for the default
	token  string // of GitHub
	branch string // whose receipts count, "" for the default branch
	// days is how long artifacts are kept; 0 is as long as the cadence needs. daysErr is
	// why the option is invalid: commands that store something return it, and doctor
	// reports it.
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

// maxRetentionDays is the limit of GitHub for artifacts of a public repository.
const maxRetentionDays = 90

// channels is where an event goes.
type channels struct{ summary, artifact, dispatch, nats, stdout bool }

// targetOptions holds where events go.
type targetOptions struct {
	channels channels
	given    bool     // emit lists the channels
	targets  []string // repositories that get a dispatch
	// targetsErr is why dispatch-to is invalid: prepare returns it, and doctor reports
	// it.
	targetsErr    error
	dispatchToken string
	nats          emit.NATSOptions
}

// to reads the targets and the channels. The default channels depend on the targets and
// on whether the program runs in Actions.
func (r *reader) to(inActions bool) targetOptions {
	o := targetOptions{dispatchToken: r.values[optDispatchToken], nats: emit.NATSOptions{
		URLs: r.list(optNATSURL), Subject: r.values[optNATSSubject], Creds: r.values[optNATSCreds],
		NKey:  r.values[optNATSNKey],
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
	fields := map[string]*bool{"summary": &c.summary, "artifact": &c.artifact, "dispatch": &c.dispatch, "nats": &c.nats,
		"stdout": &c.stdout}
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

// match reports a target that no listed channel serves, and a channel without a target.
func (r *reader) match(channel, target string, on, have bool) {
	switch {
	case on && !have:
		r.fail(fmt.Errorf("emit lists %s but %s names none: name a target or drop %[1]s", channel, target))
	case have && !on:
		r.fail(fmt.Errorf("%s is set but emit does not list %s: add it to emit or drop %[1]s", target, channel))
	}
}

// refuseEvent returns an error on events that could let a stranger's change publish or
// use the token. doctor reports the same error.
func refuseEvent(event string, allowed []string, refused ...string) error {
	if !slices.Contains(refused, event) || slices.Contains(allowed, event) {
		return nil
	}
	return usageError{advice.New("use schedule or workflow_dispatch, or opt in with allow-events: "+event,
		"refused on the event %s, where a stranger's change decides what runs", event)}
}

// unpublished lists the events on which prepare must not publish.
var unpublished = []string{"pull_request", "pull_request_target", "workflow_run"}

var errNoDispatchToken = errors.New("dispatch-to needs a token: set dispatch-token to one with contents: write on " +
	"every target")
