package schedule

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// maxFindings is the largest number of findings that is reported for one file.
const maxFindings = 1000

// manifestLimits are the limits of a manifest.
var manifestLimits = yamlnode.Limits{Size: MaxSize, Depth: 32, Nodes: 10_000, StrictSpaces: true}

// wholeFileHints has the hints for a manifest that is too large or empty.
var wholeFileHints = map[diag.Rule]string{
	diag.TooLarge:    "split the manifest across repositories, or shorten its comments",
	diag.OneDocument: "start with version: \"1\", or remove the file and run `action init`",
}

// Load parses and checks a manifest. It returns all findings that are not silenced,
// sorted and at most 1,000. The manifest is nil if any of them is an error. No data makes
// Load panic, and its cost is linear in len(data).
func Load(file string, data []byte, opts Options) (*Manifest, []diag.Finding) {
	m, findings := load(file, data, opts)
	if errors, _ := diag.Count(findings); errors > 0 {
		return nil, findings
	}
	return m, findings
}

// LoadReadable loads a manifest that may have errors. Invalid values are zero values, and
// entries may be missing.
func LoadReadable(file string, data []byte) *Manifest {
	m, _ := load(file, data, Options{})
	return m
}

func load(file string, data []byte, opts Options) (*Manifest, []diag.Finding) {
	l := &loader{file: file, rarer: map[timing]bool{}}
	root, problems := yamlnode.Parse(data, manifestLimits)
	for _, p := range problems {
		if hint, ok := wholeFileHints[p.Rule]; ok && p.Pos == (yamlnode.Pos{}) {
			p.Hint = hint
		}
		if p.Rule == diag.Syntax {
			p.Hint = cmp.Or(suggest.MacroHint(lineAt(data, p.Pos.Line)), p.Hint)
		}
		l.findings = append(l.findings, p.Finding(file))
	}
	if root == nil {
		diag.Sort(l.findings)
		return &Manifest{File: file, Location: time.UTC}, l.findings
	}
	l.checkReferences(root)
	m := l.manifest(root)
	if _, given := m.positions["repo"]; !given {
		m.Repo = l.defaultRepo(root, opts.Repo)
	}
	var unknown []diag.Finding
	m.ignores, unknown = ReadIgnores(file, yamlnode.Comments(data, root))
	findings := m.Unsilenced(append(l.findings, unknown...))
	diag.Sort(findings)
	return m, limit(file, findings)
}

// limit cuts sorted findings to maxFindings. Then the last one reports that there are
// more.
func limit(file string, findings []diag.Finding) []diag.Finding {
	if len(findings) <= maxFindings {
		return findings
	}
	last := findings[maxFindings-1]
	findings = append(findings[:maxFindings-1], diag.TooLarge.At(file, last.Line, last.Column,
		fmt.Sprintf("there are more than %d findings; only the first ones are listed", maxFindings),
		"fix these, then check again"))
	diag.Sort(findings)
	return findings
}

// lineAt returns a line of data, counted from 1, or "" if there is no such line.
func lineAt(data []byte, number int) string {
	for line := range strings.Lines(string(data)) {
		if number--; number == 0 {
			return line
		}
	}
	return ""
}

// loader walks the tree of a manifest and collects findings. It reports an invalid value
// once and uses the zero value instead.
type loader struct {
	file     string
	findings []diag.Finding
	location *time.Location
	zone     yamlnode.Pair   // the key timezone and its value, if the manifest has it
	rarer    map[timing]bool // results of runsRarer, because entries often share a timing
}

// timing is an entry's cadence and cron.
type timing struct {
	cadence Cadence
	slots   cron.Expression
}

func (l *loader) report(rule diag.Rule, pos yamlnode.Pos, message, hint string) {
	l.findings = append(l.findings, rule.At(l.file, pos.Line, pos.Column, message, hint))
}

// manifest reads the top level. The result is complete only if nothing was reported.
func (l *loader) manifest(n *yamlnode.Node) *Manifest {
	m := &Manifest{File: l.file, Location: time.UTC, positions: map[string]yamlnode.Pos{"": n.Pos}}
	if n.Kind != yamlnode.Mapping {
		if !isReported(n) {
			l.report(diag.WrongType, n.Pos, fmt.Sprintf("the manifest is %s, not a mapping", n.Kind),
				`start with version: "1"`)
		}
		return m
	}
	fields := l.fields(n, shape{"the manifest", spec.ManifestKeys, []string{"version", "agents"},
		func(key string, value *yamlnode.Node) suggest.Key { return suggest.ManifestKey(key, value, n) }})
	keepPositions(m.positions, fields)
	if f, ok := fields["version"]; ok {
		l.version(f)
	}
	if f, ok := fields["repo"]; ok {
		m.Repo = l.repo(f)
	}
	if f, ok := fields["timezone"]; ok {
		l.zone = yamlnode.Pair{Key: f.key, Value: f.value}
		m.Location = l.timezone(f)
	}
	l.location = m.Location
	if f, ok := fields["agents"]; ok {
		m.Entries = l.entries(f)
	}
	return m
}

func keepPositions(positions map[string]yamlnode.Pos, fields map[string]field) {
	for name, f := range fields {
		positions[name] = f.pos()
	}
}

// entries reads the mapping of agents.
func (l *loader) entries(f field) []Entry {
	n := f.value
	switch {
	case isReported(n):
		return nil
	case n.Kind == yamlnode.Mapping && len(n.Pairs) == 0, n.Kind == yamlnode.Scalar && n.Type() == yamlnode.TypeNull:
		l.report(diag.EmptyAgents, f.pos(), "agents has no entries", "add "+suggest.Example("agents", nil))
		return nil
	case n.Kind == yamlnode.Sequence:
		l.report(diag.ListForm, f.pos(), "agents is a list, not a mapping of names to settings", suggest.AgentsHint(n))
		return nil
	case n.Kind != yamlnode.Mapping:
		l.wrongType(f, "a mapping of names to settings", suggest.AgentsHint(n))
		return nil
	}
	entries := make([]Entry, 0, len(n.Pairs))
	for _, e := range l.uniqueBy(n, diag.DuplicateAgent, "the agent") {
		l.agent(e)
		entries = append(entries, l.entry(e))
	}
	return entries
}

// agent checks the key of an entry.
func (l *loader) agent(f field) {
	const form = "use 1 to 64 letters, digits, hyphens and underscores, starting with a letter or digit"
	meaning, reserved := spec.ReservedAgents[f.name]
	switch {
	case f.key.Type() != yamlnode.TypeString && spec.IsAgent(f.name):
		l.report(diag.Agent, f.key.Pos, fmt.Sprintf("agent is %s, not a string", f.key.Describe()),
			"quote it: "+diag.Quote(f.name))
	case !spec.IsAgent(f.name):
		hint := form
		if near := suggest.Agent(f.name); near != "" {
			hint = fmt.Sprintf("write %s and rename its files to match; %s", near, form)
		}
		l.report(diag.Agent, f.key.Pos, fmt.Sprintf("agent %s is not a valid name", diag.Quote(f.name)), hint)
	case reserved:
		l.report(diag.Agent, f.key.Pos,
			fmt.Sprintf("agent %q has a reserved name: in the input agents it means %s", f.name, meaning),
			"rename the agent and its files")
	}
}

// entry reads the settings of one agent.
func (l *loader) entry(f field) Entry {
	e := Entry{Agent: f.name, Location: l.location, Enabled: true,
		positions: map[string]yamlnode.Pos{"": f.key.Pos, "agent": f.key.Pos}}
	n, what := f.value, fmt.Sprintf("the entry of %s", diag.Quote(f.name))
	switch {
	case isReported(n):
		return e
	case n.Kind == yamlnode.Scalar && n.Type() == yamlnode.TypeNull:
		l.report(diag.MissingKey, f.pos(), what+` has no "cadence"`, suggest.EntryHint(f.name, f.value))
		return e
	case n.Kind != yamlnode.Mapping:
		hint := suggest.EntryHint(f.name, f.value)
		if slices.Contains(spec.EntryKeys, f.name) {
			hint = "indent it further: " + f.name + " belongs to the agent above it"
		}
		l.report(diag.WrongType, n.Pos, fmt.Sprintf("%s is %s, not a mapping of settings", what, n.Describe()), hint)
		return e
	}
	fields := l.fields(n, shape{what, spec.EntryKeys, []string{"cadence"},
		func(key string, value *yamlnode.Node) suggest.Key { return suggest.EntryKey(key, value, n, l.zone) }})
	keepPositions(e.positions, fields)
	if f, ok := fields["cadence"]; ok {
		e.Cadence = l.cadence(f, n)
	}
	e.Cron = e.Cadence.DefaultCron()
	e.Slots, _ = cron.Parse(e.Cron, cron.Manifest) // the defaults are valid
	if f, ok := fields["cron"]; ok {
		l.cron(&e, f)
	}
	if f, ok := fields["enabled"]; ok {
		e.Enabled = l.enabled(f)
	}
	l.parts(&e, fields)
	return e
}

// parts reads the keys that name the parts of the bundle.
func (l *loader) parts(e *Entry, fields map[string]field) {
	for name, to := range map[string]*string{"prompt": &e.Prompt, "memory": &e.Memory, "metrics": &e.Metrics} {
		if f, ok := fields[name]; ok {
			*to = l.path(f)
		}
	}
	if f, ok := fields["pointers"]; ok {
		e.Pointers = l.pointers(f, e.positions)
	}
	if f, ok := fields["session_close"]; ok {
		e.SessionClose = l.sessionClose(f, e.positions)
	}
}
