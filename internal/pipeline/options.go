package pipeline

import (
	"fmt"
	"strconv"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/target"
)

// ReadSecrets reads the policy for secrets.
func ReadSecrets(r *option.Reader) prepare.Policy {
	return prepare.Policy(r.OneOf(option.Secrets, "fail", "redact", "off"))
}

// ReadSelection reads the agents from the arguments, else from the option, and the cadence.
func ReadSelection(r *option.Reader) Selection {
	cadence := r.OneOf(option.Cadence, "", "daily", "weekly", "monthly")
	names := r.Args
	if len(names) == 0 {
		names = r.List(option.Agents)
	}
	s, err := NewSelection(names, schedule.Cadence(cadence))
	if err != nil {
		r.Fail(err)
	}
	return s
}

// ReadStores reads where bundles and receipts are kept. Commands that store something return
// an invalid retention-days as an error, and doctor reports it.
func ReadStores(r *option.Reader) StoreOptions {
	o := StoreOptions{
		Out: r.Values[option.Out], Token: r.Values[option.Token], Branch: r.Values[option.LedgerBranch],
	}
	text := r.Values[option.RetentionDays]
	if text == "" || text == "0" { // 0 is the default of actions/upload-artifact, too
		return o
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > spec.MaxRetention {
		o.DaysErr = advice.New("write a number from 1 to 90, or leave it out", "%s is %q", option.RetentionDays, text)
		return o
	}
	o.Days = n
	return o
}

// ReadConnections reads the token of dispatches, and the servers of NATS.
func ReadConnections(r *option.Reader) Targets {
	t := Targets{DispatchToken: r.Values[option.DispatchToken], NATS: emit.NATSOptions{
		URLs: r.List(option.NATSURL), Subject: r.Values[option.NATSSubject], Creds: r.Values[option.NATSCreds],
		Envelope: emit.Envelope(r.OneOf(option.NATSEnvelope, "none", "activity-core")),
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

// ReadTargets reads where events go. The default channels depend on the targets and on
// whether the program runs in Actions. prepare returns an invalid dispatch-to as an
// error, and doctor reports it.
func ReadTargets(r *option.Reader, inActions bool) Targets {
	t := ReadConnections(r)
	t.Dispatch, t.DispatchErr = target.ParseList(r.Values[option.DispatchTo])
	haveDispatch, haveNATS := len(t.Dispatch) > 0 || t.DispatchErr != nil, len(t.NATS.URLs) > 0
	c := &t.Channels
	list := r.List(option.Emit)
	if len(list) == 0 {
		*c = Channels{Summary: inActions, Artifact: inActions, Bundle: !inActions, Dispatch: haveDispatch,
			NATS: haveNATS}
		return t
	}
	fields := map[string]*bool{"summary": &c.Summary, "artifact": &c.Artifact, "dispatch": &c.Dispatch, "nats": &c.NATS,
		"stdout": &c.Stdout}
	for _, name := range list {
		if field, ok := fields[name]; ok {
			*field = true
		} else {
			r.Fail(fmt.Errorf("emit has %q, must be a list of summary, artifact, dispatch, nats, stdout", name))
		}
	}
	match(r, "dispatch", option.DispatchTo, c.Dispatch, haveDispatch)
	match(r, "nats", option.NATSURL, c.NATS, haveNATS)
	return t
}

// match reports a target that no listed channel serves, and a channel without a target.
func match(r *option.Reader, channel, target string, on, have bool) {
	switch {
	case on && !have:
		r.Fail(fmt.Errorf("emit lists %s but %s names none: name a target or drop %[1]s", channel, target))
	case have && !on:
		r.Fail(fmt.Errorf("%s is set but emit does not list %s: add it to emit or drop %[1]s", target, channel))
	}
}
