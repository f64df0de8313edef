package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// reader converts the options of a command and keeps the first error.
type reader struct {
	option.Values
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
	v := r.Values[name]
	if !slices.Contains(allowed, v) {
		shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		r.fail(fmt.Errorf("%s is %q, must be %s", name, v, strings.Join(shown, ", ")))
	}
	return v
}

func (r *reader) isOn(name string) bool { return r.Values[name] == "true" }

// list reads a list separated by commas or newlines.
func (r *reader) list(name string) []string { return splitList(r.Values[name]) }

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

// secrets reads the policy for secrets.
func (r *reader) secrets() prepare.Policy {
	return prepare.Policy(r.oneOf(option.Secrets, "fail", "redact", "off"))
}

// selection reads the agents from the arguments, else from the option, and the cadence.
func (r *reader) selection() pipeline.Selection {
	cadence := r.oneOf(option.Cadence, "", "daily", "weekly", "monthly")
	names := r.args
	if len(names) == 0 {
		names = r.list(option.Agents)
	}
	s, err := pipeline.NewSelection(names, schedule.Cadence(cadence))
	if err != nil {
		r.fail(err)
	}
	return s
}

// stores reads where bundles and receipts are kept. Commands that store something return
// an invalid retention-days as an error, and doctor reports it.
func (r *reader) stores() pipeline.StoreOptions {
	o := pipeline.StoreOptions{
		Out: r.Values[option.Out], Token: r.Values[option.Token], Branch: r.Values[option.LedgerBranch],
	}
	text := r.Values[option.RetentionDays]
	if text == "" || text == "0" {
		return o
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxRetentionDays {
		o.DaysErr = advice.New("write a number from 1 to 90, or leave it out", "%s is %q", option.RetentionDays, text)
		return o
	}
	o.Days = n
	return o
}

// maxRetentionDays is the limit of GitHub for artifacts of a public repository.
const maxRetentionDays = 90

// connections reads the token of dispatches, and the servers of NATS.
func (r *reader) connections() pipeline.Targets {
	t := pipeline.Targets{DispatchToken: r.Values[option.DispatchToken], NATS: emit.NATSOptions{
		URLs: r.list(option.NATSURL), Subject: r.Values[option.NATSSubject], Creds: r.Values[option.NATSCreds],
		Envelope: emit.Envelope(r.oneOf(option.NATSEnvelope, "none", "activity-core")),
		NKey:     r.Values[option.NATSNKey], Token: r.Values[option.NATSToken], User: r.Values[option.NATSUser],
		Password: r.Values[option.NATSPassword], CA: r.Values[option.NATSCA], Cert: r.Values[option.NATSCert],
		Key: r.Values[option.NATSKey],
	}}
	if t.DispatchToken == "" && r.Values[option.Token] != "" { // left out, it would be the same
		t.DispatchTokenErr = advice.New("create the secret, or leave dispatch-token out to use token",
			"dispatch-token is given and is empty, as is a secret that does not exist")
	}
	return t
}

// targets reads where events go. The default channels depend on the targets and on
// whether the program runs in Actions. prepare returns an invalid dispatch-to as an
// error, and doctor reports it.
func (r *reader) targets(inActions bool) pipeline.Targets {
	t := r.connections()
	t.Dispatch, t.DispatchErr = target.ParseList(r.Values[option.DispatchTo])
	haveDispatch, haveNATS := len(t.Dispatch) > 0 || t.DispatchErr != nil, len(t.NATS.URLs) > 0
	c := &t.Channels
	list := r.list(option.Emit)
	if len(list) == 0 {
		*c = pipeline.Channels{Summary: inActions, Artifact: inActions, Bundle: !inActions, Dispatch: haveDispatch,
			NATS: haveNATS}
		return t
	}
	fields := map[string]*bool{"summary": &c.Summary, "artifact": &c.Artifact, "dispatch": &c.Dispatch, "nats": &c.NATS,
		"stdout": &c.Stdout}
	for _, name := range list {
		if field, ok := fields[name]; ok {
			*field = true
		} else {
			r.fail(fmt.Errorf("emit has %q, must be a list of summary, artifact, dispatch, nats, stdout", name))
		}
	}
	r.match("dispatch", option.DispatchTo, c.Dispatch, haveDispatch)
	r.match("nats", option.NATSURL, c.NATS, haveNATS)
	return t
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
