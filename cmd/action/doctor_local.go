package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

func (d *doctor) checkManifest() {
	errs, warnings := diag.Count(d.findings)
	switch {
	case d.manifest == nil:
		first := d.findings[slices.IndexFunc(d.findings, isError)] // which is why there is no manifest
		d.add(failed("manifest", cmp.Or(first.Hint, "run `action validate`"), "%s, the first at %s: %s", count(errs, "error"), place(first), first.Message))
	case warnings > 0:
		d.add(warned("manifest", "run `action validate`", "%s is valid, with %s", d.file, count(warnings, "warning")))
	case len(d.entries) == 0:
		d.add(warned("manifest", "enable an entry, or name one", "%s is valid, but no entry is both chosen and enabled", d.file))
	default:
		d.add(passed("manifest", "%s is valid, with %s to prepare", d.file, count(len(d.entries), "agent")))
	}
}

// checkEvents builds the chosen entries' bundles and events, as prepare would, and weighs the largest.
func (d *doctor) checkEvents() error {
	policy, err := d.oneOf("secrets", "fail", "redact", "off")
	if err != nil {
		return err
	}
	j := &job{app: d.app, project: d.project, format: prepare.Markdown, secrets: prepare.Policy(policy), commit: d.commitOf(d.tree)}
	results := make([]*result, len(d.entries))
	each(len(d.entries), func(i int) {
		r := &result{entry: d.entries[i], name: j.name(d.entries[i])}
		results[i] = r
		var bundle *prepare.Bundle
		if bundle, r.err = j.bundle(r); bundle != nil {
			var artifact *event.Artifact
			if d.channels.artifact && event.IsRepository(d.env.repository) {
				artifact = d.likelyArtifact(r.name)
			}
			j.makeEvent(r, bundle, artifact)
		}
	})
	var largest *result
	for _, r := range results {
		switch {
		case r.err != nil:
			d.add(failed("bundle "+r.entry.Agent, "", "%v", r.err))
		case invalid(r.findings):
			d.add(stopped(r))
		case largest == nil || len(r.payload) > len(largest.payload):
			largest = r
		}
	}
	if largest != nil {
		d.add(weigh(largest))
	}
	return nil
}

// stopped tells the first error that keeps an entry's event back.
func stopped(r *result) check {
	f := r.findings[slices.IndexFunc(r.findings, isError)]
	message, hint := f.Message, f.Hint
	if hint == "" {
		message, hint, _ = strings.Cut(message, ": ")
	}
	return failed("bundle "+r.entry.Agent, hint, "%s: %s", place(f), message)
}

func isError(f diag.Finding) bool { return f.Severity == diag.Error }

// weigh warns before the limit is met: the checkout's path and the artifact's ids differ from run to run.
func weigh(r *result) check {
	const name, near = "event", event.MaxSize / 10 * 9
	size := len(r.payload)
	if size > near {
		return warned(name, "shorten its session_close, or drop pointers", "the largest event, that of %s, has %d bytes of the %d that the platform takes", r.entry.Agent, size, event.MaxSize)
	}
	return passed(name, "the largest, that of %s, has %d bytes of the %d that the platform takes", r.entry.Agent, size, event.MaxSize)
}

// checkWorkflows tells what is wrong with the workflows of this checkout that run the action.
func (d *doctor) checkWorkflows() {
	findings := d.manifest.Unsilenced(schedule.CheckWorkflows(d.manifest, nil, d.tree))
	if len(findings) == 0 {
		d.add(passed("workflows", "nothing is wrong with those that run this action"))
		return
	}
	for _, f := range findings {
		d.add(warned("workflows", f.Hint, "%s: %s", place(f), f.Message))
	}
}

func (d *doctor) checkRetention() {
	const name = "retention"
	days, err := d.days()
	if err != nil {
		d.add(failed(name, "write a number from 1 to 90, or leave it out", "retention-days is %q", d.opts["retention-days"]))
		return
	}
	short, err := d.retentionFindings(d.project)
	if err != nil {
		d.add(failed(name, "", "%v", err))
		return
	}
	if len(short) > 0 {
		d.add(warned(name, short[0].Hint, "%s (%s in all)", short[0].Message, count(len(short), "agent")))
		return
	}
	limit := "the repository's limit is not known here"
	if d.env.retention > 0 {
		limit = "the repository's limit is " + count(d.env.retention, "day")
	}
	longest := 0
	for i := range d.manifest.Entries {
		kept, _ := store.Retention(d.manifest.Entries[i].Cadence, days, d.env.retention)
		longest = max(longest, kept)
	}
	d.add(passed(name, "receipts are kept for at most %s, which outlives every period; %s", count(longest, "day"), limit))
}

// checkStore tells where bundles and receipts will be. Only a step that `uses:` the action has the artifact service's address and token.
func (d *doctor) checkStore() {
	const name = "store"
	_, badDays := d.days() // told as retention
	if d.manifest == nil || badDays != nil {
		return
	}
	if d.env.actions && !d.haveService() {
		d.add(warned(name, "run it as an action (`uses:`), or keep the directory of `out` between runs", "%v", store.ErrNoArtifactService))
		return
	}
	s, err := d.openStores(d.project)
	switch {
	case err != nil:
		d.add(failed(name, "", "%v", err))
	case s.artifacts == nil:
		d.add(passed(name, "bundles and receipts are files in %s", s.directory.Path("")))
	default:
		d.add(passed(name, "bundles and receipts are job artifacts, and the artifact service is there"))
	}
}

func (d *doctor) haveService() bool { return d.env.resultsURL != "" && d.env.runtimeToken != "" }
