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

// maxFindings is how many findings of one file are reported.
const maxFindings = 1000

// manifestLimits bound a manifest.
var manifestLimits = yamlnode.Limits{Size: MaxSize, Depth: 32, Nodes: 10_000, StrictSpaces: true}

// wholeFileHints say what to do about a manifest that is too large or empty.
var wholeFileHints = map[diag.Rule]string{
	diag.TooLarge:    "split the schedules over several repositories or shorten the comments",
	diag.OneDocument: "start with version: \"1\", or remove the file and run `action init`",
}

// Load parses and checks data, reporting all findings at once (up to 1,000), sorted and
// with the silenced ones removed. The manifest is nil when any finding is an error. It
// never panics, whatever data holds, and its cost is linear in len(data).
func Load(file string, data []byte, opts Options) (*Manifest, []diag.Finding) {
	m, findings := load(file, data, opts)
	if errors, _ := diag.Count(findings); errors > 0 {
		return nil, findings
	}
	return m, findings
}

// LoadReadable returns what is readable of a manifest with errors: the valid values, zero
// values in place of the others, and possibly no entries.
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
	l.refuseReferences(root)
	m := l.manifest(root)
	if _, given := m.positions["repo"]; !given {
		m.Repo = l.defaultRepo(root, opts.Repo)
	}
	var unknown []diag.Finding
	m.ignores, unknown = ReadIgnores(file, yamlnode.Comments(data, root))
	findings := m.Unsilenced(append(l.findings, unknown...))
	diag.Sort(findings)
	return m, bound(file, findings)
}

// bound cuts sorted findings to maxFindings. The last one then reports that there are
// more.
func bound(file string, findings []diag.Finding) []diag.Finding {
	if len(findings) <= maxFindings {
		return findings
	}
	last := findings[maxFindings-1]
	findings = append(findings[:maxFindings-1], diag.TooLarge.At(file, last.Line, last.Column,
		fmt.Sprintf("there are more than %d findings; these are the first", maxFindings), "fix these, then check again"))
	diag.Sort(findings)
	return findings
}

// lineAt is a line of data, 1-based; "" where there is none.
func lineAt(data []byte, number int) string {
	for line := range strings.Lines(string(data)) {
		if number--; number == 0 {
			return line
		}
	}
	return ""
}

// loader walks the tree of a manifest and collects findings. An invalid value is reported
// once and left out.
type loader struct {
	file     string
	findings []diag.Finding
	location *time.Location
	zone     yamlnode.Pair   // the key timezone and its value, if it is there
	rarer    map[timing]bool // what runsRarer said, for entries often share their timing
}

// timing is an entry's cadence and cron.
type timing struct {
	cadence Cadence
	slots   cron.Expression
}

func (l *loader) report(rule diag.Rule, pos yamlnode.Pos, message, hint string) {
	l.findings = append(l.findings, rule.At(l.file, pos.Line, pos.Column, message, hint))
}

// refuseReferences reports aliases, anchors, tags and merge keys, which give a value
// another meaning than its text.
func (l *loader) refuseReferences(n *yamlnode.Node) {
	const hint = "write the value out"
	switch {
	case n.Kind == yamlnode.Alias:
		l.report(diag.NoAlias, n.Pos, fmt.Sprintf("an alias, %s", diag.Quote("*"+n.Value)), hint)
	case n.Anchored:
		l.report(diag.NoAlias, n.Pos, "an anchor", "remove the & and its name")
	case n.Tagged:
		l.report(diag.NoAlias, n.Pos, "an explicit tag",
			"remove the ! and its name; quote the value if it has to be a string")
	}
	for _, item := range n.Items {
		l.refuseReferences(item)
	}
	for _, p := range n.Pairs {
		if isMerge(p.Key) {
			l.report(diag.NoAlias, p.Key.Pos, "a merge key, <<", hint)
			continue
		}
		l.refuseReferences(p.Key)
		l.refuseReferences(p.Value)
	}
}

func isMerge(key *yamlnode.Node) bool {
	return key.Kind == yamlnode.Scalar && key.Style == yamlnode.Plain && key.Value == "<<"
}

// isRefused reports whether n was refused already, so that its value is not read.
func isRefused(n *yamlnode.Node) bool { return n.Kind == yamlnode.Alias || n.Tagged || n.Omitted }

// field is a key of a mapping and its value.
type field struct {
	name       string
	key, value *yamlnode.Node
}

// pos is the place of a finding about the value: the key, if the value is missing.
func (f field) pos() yamlnode.Pos {
	if f.value.Absent {
		return f.key.Pos
	}
	return f.value.Pos
}

// shape describes the allowed keys of a mapping.
type shape struct {
	what     string // "the manifest"
	keys     []string
	required []string
	// explain says what a key that is not among keys probably means.
	explain func(key string, value *yamlnode.Node) suggest.Key
}

// fields checks the keys of a mapping and returns the known ones by name.
func (l *loader) fields(n *yamlnode.Node, s shape) map[string]field {
	found := map[string]field{}
	excused := map[string]bool{} // required keys that are there in another form
	for _, f := range l.unique(n) {
		if slices.Contains(s.keys, f.name) {
			found[f.name] = f
			continue
		}
		e := s.explain(f.name, f.value)
		excused[e.Means] = true
		if e.ListForm {
			l.report(diag.ListForm, f.key.Pos,
				fmt.Sprintf("%q is not read: agents are a mapping of names to settings", f.name), e.Hint)
			continue
		}
		l.report(diag.UnknownKey, f.key.Pos, fmt.Sprintf("unknown key %s in %s", diag.Quote(f.name), s.what), e.Hint)
	}
	if slices.ContainsFunc(n.Pairs, func(p yamlnode.Pair) bool { return isMerge(p.Key) || isRefused(p.Key) }) {
		return found // what the reference means may hold the required keys
	}
	for _, name := range s.required {
		if _, ok := found[name]; !ok && !excused[name] {
			l.report(diag.MissingKey, n.Pos, fmt.Sprintf("%s has no %q", s.what, name), "add "+suggest.Example(name, n))
		}
	}
	return found
}

// unique returns the fields of a mapping and reports keys that are lists or mappings, or
// duplicates.
func (l *loader) unique(n *yamlnode.Node) []field { return l.uniqueBy(n, diag.DuplicateKey, "the key") }

// uniqueBy is unique with the rule and the words for a duplicate name.
func (l *loader) uniqueBy(n *yamlnode.Node, rule diag.Rule, what string) []field {
	var fields []field
	first := map[string]yamlnode.Pos{}
	for _, p := range n.Pairs {
		switch {
		case isMerge(p.Key) || isRefused(p.Key):
		case p.Key.Kind != yamlnode.Scalar:
			l.report(diag.UnknownKey, p.Key.Pos, fmt.Sprintf("a key is %s", p.Key.Kind), "a key is one word")
		default:
			name := p.Key.Value
			if at, ok := first[name]; ok {
				l.report(rule, p.Key.Pos,
					fmt.Sprintf("%s %s is there twice; the first is on line %d", what, diag.Quote(name), at.Line),
					"remove one of the two")
				continue
			}
			first[name] = p.Key.Pos
			fields = append(fields, field{name, p.Key, p.Value})
		}
	}
	return fields
}

// manifest reads the top level. What it returns is complete only if nothing was reported.
func (l *loader) manifest(n *yamlnode.Node) *Manifest {
	m := &Manifest{File: l.file, Location: time.UTC, positions: map[string]yamlnode.Pos{"": n.Pos}}
	if n.Kind != yamlnode.Mapping {
		if !isRefused(n) {
			l.report(diag.WrongType, n.Pos, fmt.Sprintf("the manifest is %s, not a mapping", n.Kind), `start with version: "1"`)
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
	case isRefused(n):
		return nil
	case n.Kind == yamlnode.Mapping && len(n.Pairs) == 0, n.Kind == yamlnode.Scalar && n.Type() == yamlnode.TypeNull:
		l.report(diag.EmptyAgents, f.pos(), "agents has no entry", "add "+suggest.Example("agents", nil))
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
	const form = "use 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit"
	meaning, reserved := spec.ReservedAgents[f.name]
	switch {
	case f.key.Type() != yamlnode.TypeString && spec.IsAgent(f.name):
		l.report(diag.Agent, f.key.Pos, fmt.Sprintf("agent is %s, not a string", f.key.Describe()),
			"quote it: "+diag.Quote(f.name))
	case !spec.IsAgent(f.name):
		hint := form
		if near := suggest.Agent(f.name); near != "" {
			hint = fmt.Sprintf("write %s, and name its files alike; %s", near, form)
		}
		l.report(diag.Agent, f.key.Pos, fmt.Sprintf("agent %s is not a name", diag.Quote(f.name)), hint)
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
	case isRefused(n):
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
	e.Slots, _ = cron.Parse(e.Cron, cron.Manifest) // the defaults are right
	if f, ok := fields["cron"]; ok {
		l.cron(&e, f)
	}
	if f, ok := fields["enabled"]; ok {
		e.Enabled = l.enabled(f)
	}
	l.parts(&e, fields)
	return e
}

// parts reads what an entry's bundle is made of.
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
