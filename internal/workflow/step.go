package workflow

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// hasExpression reports whether only the platform can evaluate the value.
func hasExpression(value string) bool { return strings.Contains(value, "${{") }

// list splits the value of an input that is a list.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

// input returns the value of an input, or "".
func (u Use) input(name string) string { return u.step.Get("with").Get(name).Text() }

// Command returns the command that the step runs: the input, the image's first argument
// or the default.
func (u Use) Command() string {
	first, _, _ := strings.Cut(strings.TrimSpace(u.input("args")), " ")
	return cmp.Or(u.input("command"), first, "prepare")
}

// prepares reports whether the step prepares entries of this manifest.
func (u Use) prepares(m *schedule.Manifest) bool { return u.Command() == "prepare" && u.isAbout(m) }

// idle returns why the step never delivers anything. ok is false if it may deliver.
func (u Use) idle() (why problem, ok bool) {
	for _, n := range []*yamlnode.Node{u.job.Get("if"), u.step.Get("if")} {
		if condition := strings.Trim(n.Text(), "${} "); condition == "false" {
			return problem{n.Pos, "the condition is never true, so the step that prepares never runs",
				"remove this if"}, true
		}
	}
	if n := u.step.Get("with").Get("dry-run"); n.Text() == "true" {
		return problem{n.Pos, "dry-run is true, so the scheduled step delivers nothing",
			"remove dry-run after the trial"}, true
	}
	return problem{}, false
}

// checkIdle warns about scheduled steps that never deliver, unless another step may
// deliver.
func checkIdle(idle, uses []Use) (findings []diag.Finding) {
	if slices.ContainsFunc(uses, func(u Use) bool { return u.File.scheduled || u.File.external }) {
		return nil
	}
	for _, u := range idle {
		if why, _ := u.idle(); u.File.scheduled {
			findings = append(findings, u.File.finding(diag.WorkflowStep, why.pos, why.message, why.hint)...)
		}
	}
	return findings
}

// Inputs lists the inputs in action.yml.
var Inputs = []string{
	"command", "target", "schedule", "agents", "cadence", "format", "now", "out", "emit", "dry-run", "force", "from",
	"secrets", "retention-days", "ledger-branch", "allow-events", "fail-on", "token", "dispatch-to",
	"dispatch-token", "nats-url", "nats-subject", "nats-envelope", "nats-creds", "nats-nkey", "nats-token", "nats-user",
	"nats-password", "nats-ca", "nats-cert", "nats-key", "event", "allow", "allow-agents", "bundle-token",
	"acknowledge-to", "archive-dir", "owner", "root", "state-hub", "host", "match", "topic", "visibility", "domain",
	"include-archived", "include-forks", "cursor", "previous", "due", "page", "suggest", "roster",
	"evidence", "consumers", "ledger", "since", "days", "grace", "receipts", "ping-url", "issue", "issue-token",
	"host-workspace",
}

// checkInputs warns about misspelled inputs of this action.
func (u Use) checkInputs(r *reporter) {
	with := u.step.Get("with").Resolve()
	if with == nil {
		return
	}
	for _, p := range with.Pairs {
		name := p.Key.Text()
		isName := func(s string) bool { return strings.EqualFold(s, name) }
		if slices.ContainsFunc(Inputs, isName) || name == "args" || name == "entrypoint" {
			continue // the platform accepts args and entrypoint for every image
		}
		if near := suggest.Nearest(name, Inputs); near != "" {
			r.at(diag.WorkflowStep, p.Key.Pos, "this action has no input "+diag.Quote(name)+", so its value is ignored",
				fmt.Sprintf("did you mean %q?", near))
		}
	}
}

// checkCheckout warns if no earlier step checks out the repository into the directory
// that this step reads.
func (u Use) checkCheckout(r *reporter) {
	var other *yamlnode.Node // the path of a checkout outside the workspace's root
	for _, step := range u.job.Get("steps").Resolve().Items {
		name, _, _ := strings.Cut(step.Get("uses").Text(), "@")
		place := step.Get("with").Get("path").Resolve()
		switch value := place.Text(); {
		case step == u.step && other != nil:
			r.at(diag.WorkflowStep, other.Pos,
				fmt.Sprintf("the repository is checked out into %s, but this action reads the workspace",
					diag.Quote(other.Text())),
				"add target: "+other.Text()+" to the step that uses this action, or remove path")
			return
		case step == u.step:
			r.at(diag.WorkflowStep, step.Get("uses").Pos,
				"no earlier step checks out the repository, so there is no manifest",
				"add a step before it: - uses: actions/checkout@v7")
			return
		case strings.HasPrefix(name, "actions/setup-"):
		case !strings.HasSuffix(name, "actions/checkout"), value == "", hasExpression(value), path.Clean(value) == ".":
			return // the step checks out the repository, or may do so
		default:
			other = place
		}
	}
}

// lists reports whether the step lists the entries of this manifest.
func (u Use) lists(m *schedule.Manifest) bool { return u.Command() == "list" && u.isAbout(m) }

// isAbout reports whether the step reads this manifest.
func (u Use) isAbout(m *schedule.Manifest) bool {
	here := func(value, place string) bool {
		return value == "" || !hasExpression(value) && path.Clean(value) == path.Clean(place)
	}
	target := strings.ReplaceAll(u.input("target"), "${{ github.workspace }}", ".")
	return here(target, ".") && here(u.input("schedule"), m.File)
}

// serves reports whether the step may prepare the entry.
func (u Use) serves(e *schedule.Entry) bool {
	if cadence := u.input("cadence"); cadence != "" && !hasExpression(cadence) && cadence != string(e.Cadence) {
		return false
	}
	agents := u.input("agents")
	return hasExpression(agents) || u.servesAll() || slices.Contains(list(agents), e.Agent)
}

// servesAll reports whether the step prepares any entry that is due.
func (u Use) servesAll() bool { return slices.Contains([]string{"", "due", "all"}, u.input("agents")) }
