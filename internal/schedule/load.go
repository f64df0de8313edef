package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// The keys of a manifest and of an entry, in the order in which messages list them.
var (
	manifestKeys = []string{"version", "repo", "timezone", "schedules"}
	entryKeys    = []string{"agent", "cadence", "day", "time", "enabled", "prompt", "memory", "metrics", "pointers", "session_close"}
)

// maxFindings is how many findings of one file are told. More than that are no person's work, and nobody's reading.
const maxFindings = 1000

// Load parses and checks data, reporting all findings at once (up to 1,000), sorted and with the silenced ones removed.
// The manifest is nil when any finding is an error. It never panics, whatever data holds, and its cost is linear in len(data).
func Load(file string, data []byte, opts Options) (*Manifest, []diag.Finding) {
	m, findings := load(file, data, opts)
	if errors, _ := diag.Count(findings); errors > 0 {
		return nil, findings
	}
	return m, findings
}

// LoadReadable returns what could be read of a manifest that has errors: values that are right in themselves, zero ones in the place of others,
// and possibly no entries at all.
func LoadReadable(file string, data []byte) *Manifest {
	m, _ := load(file, data, Options{})
	return m
}

func load(file string, data []byte, opts Options) (*Manifest, []diag.Finding) {
	l := &loader{file: file, agents: map[string]Pos{}}
	root, problems := parseYAML(data, manifestLimits)
	for _, p := range problems {
		l.findings = append(l.findings, p.finding(file))
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
	m.ignores, unknown = readIgnores(file, comments(data, root))
	findings := m.Unsilenced(append(l.findings, unknown...))
	diag.Sort(findings)
	return m, bound(file, findings)
}

// bound cuts sorted findings to maxFindings, one of which then says so.
func bound(file string, findings []diag.Finding) []diag.Finding {
	if len(findings) <= maxFindings {
		return findings
	}
	last := findings[maxFindings-1]
	findings = append(findings[:maxFindings-1], diag.TooLarge.At(file, last.Line, last.Column,
		fmt.Sprintf("there are more than %d findings; these are the first", maxFindings), "mend these, then check again"))
	diag.Sort(findings)
	return findings
}

// loader walks the tree of a manifest and collects what is wrong. A value that is wrong is reported once and left out.
type loader struct {
	file     string
	findings []diag.Finding
	location *time.Location
	agents   map[string]Pos // where each agent stood first
}

func (l *loader) report(rule diag.Rule, pos Pos, message, hint string) {
	l.findings = append(l.findings, rule.At(l.file, pos.Line, pos.Column, message, hint))
}

// refuseReferences reports what makes a value stand for something other than what is written in its place.
func (l *loader) refuseReferences(n *node) {
	const hint = "write the value out"
	switch {
	case n.kind == aliasNode:
		l.report(diag.NoAlias, n.pos, fmt.Sprintf("an alias, %s", quote("*"+n.value)), hint)
	case n.anchored:
		l.report(diag.NoAlias, n.pos, "an anchor", "remove the & and its name")
	case n.tagged:
		l.report(diag.NoAlias, n.pos, "an explicit tag", "remove the ! and its name; quote the value if it has to be a string")
	}
	for _, item := range n.items {
		l.refuseReferences(item)
	}
	for _, p := range n.pairs {
		if isMerge(p.key) {
			l.report(diag.NoAlias, p.key.pos, "a merge key, <<", hint)
			continue
		}
		l.refuseReferences(p.key)
		l.refuseReferences(p.value)
	}
}

func isMerge(key *node) bool {
	return key.kind == scalarNode && key.style == plainStyle && key.value == "<<"
}

// isRefused reports whether n was refused already, so that its value means nothing.
func isRefused(n *node) bool { return n.kind == aliasNode || n.tagged || n.omitted }

// field is a key of a mapping and its value.
type field struct {
	name       string
	key, value *node
}

// pos is where a finding about the value stands: at the key if nothing is written there.
func (f field) pos() Pos {
	if f.value.absent {
		return f.key.pos
	}
	return f.value.pos
}

// shape is what a mapping's keys may be.
type shape struct {
	what     string // "the manifest"
	keys     []string
	required []string
}

// fields checks the keys of a mapping and returns the known ones by name.
func (l *loader) fields(n *node, s shape) map[string]field {
	found := map[string]field{}
	excused := map[string]bool{} // keys that are there, only misspelt
	for _, f := range l.unique(n) {
		switch {
		case slices.Contains(s.keys, f.name):
			found[f.name] = f
		default:
			meant := Suggest(f.name, s.keys)
			excused[meant] = true
			l.report(diag.UnknownKey, f.key.pos, fmt.Sprintf("unknown key %s in %s", quote(f.name), s.what), keyHint(meant, s.keys))
		}
	}
	if slices.ContainsFunc(n.pairs, func(p pair) bool { return isMerge(p.key) || isRefused(p.key) }) {
		return found // what the reference stands for may hold the required keys
	}
	for _, name := range s.required {
		if _, ok := found[name]; !ok && !excused[name] {
			l.report(diag.MissingKey, n.pos, fmt.Sprintf("%s has no %q", s.what, name), "add "+example(name))
		}
	}
	return found
}

func keyHint(meant string, keys []string) string {
	if meant != "" {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "allowed here: " + strings.Join(keys, ", ")
}

// unique returns the fields of a mapping, reporting keys that are no plain words or stand twice.
func (l *loader) unique(n *node) []field {
	var fields []field
	first := map[string]Pos{}
	for _, p := range n.pairs {
		switch {
		case isMerge(p.key) || isRefused(p.key):
		case p.key.kind != scalarNode:
			l.report(diag.UnknownKey, p.key.pos, fmt.Sprintf("a key is %s", p.key.kind), "a key is one word")
		default:
			name := p.key.value
			if at, ok := first[name]; ok {
				l.report(diag.DuplicateKey, p.key.pos, fmt.Sprintf("the key %s stands twice; first on line %d", quote(name), at.Line), "remove one of the two")
				continue
			}
			first[name] = p.key.pos
			fields = append(fields, field{name, p.key, p.value})
		}
	}
	return fields
}

// manifest reads the top level. What it returns is complete only if nothing was reported.
func (l *loader) manifest(n *node) *Manifest {
	m := &Manifest{File: l.file, Location: time.UTC, positions: map[string]Pos{"": n.pos}}
	if n.kind != mappingNode {
		if !isRefused(n) {
			l.report(diag.WrongType, n.pos, fmt.Sprintf("the manifest is %s, not a mapping", n.kind), `start with version: "1"`)
		}
		return m
	}
	fields := l.fields(n, shape{"the manifest", manifestKeys, []string{"version", "schedules"}})
	keepPositions(m.positions, fields)
	if f, ok := fields["version"]; ok {
		l.version(f)
	}
	if f, ok := fields["repo"]; ok {
		m.Repo = l.repo(f)
	}
	if f, ok := fields["timezone"]; ok {
		m.Location = l.timezone(f)
	}
	l.location = m.Location
	if f, ok := fields["schedules"]; ok {
		m.Entries = l.schedules(f)
	}
	return m
}

func keepPositions(positions map[string]Pos, fields map[string]field) {
	for name, f := range fields {
		positions[name] = f.pos()
	}
}

// schedules reads the list of entries.
func (l *loader) schedules(f field) []Entry {
	n := f.value
	switch {
	case isRefused(n):
		return nil
	case n.kind == sequenceNode && len(n.items) == 0, n.kind == scalarNode && n.typ() == typeNull:
		l.report(diag.EmptySchedules, f.pos(), "schedules has no entry", "add "+example("schedules"))
		return nil
	case n.kind != sequenceNode:
		l.wrongType(f, "a list of entries", "start each entry with a hyphen: - agent: coach")
		return nil
	}
	entries := make([]Entry, 0, len(n.items))
	for _, item := range n.items {
		switch {
		case isRefused(item):
		case item.kind == mappingNode:
			entries = append(entries, l.entry(item))
		case item.kind == scalarNode && item.typ() == typeString && IsAgent(item.value):
			l.report(diag.WrongType, item.pos, fmt.Sprintf("an entry is a mapping, not %s", describe(item)), fmt.Sprintf("write - agent: %s and the cadence below it", item.value))
		default:
			l.report(diag.WrongType, item.pos, fmt.Sprintf("an entry is a mapping, not %s", describe(item)), "write - agent: coach and below it cadence: weekly")
		}
	}
	return entries
}

// entry reads one entry.
func (l *loader) entry(n *node) Entry {
	what := "the entry"
	if a := n.get("agent"); a != nil && a.kind == scalarNode && IsAgent(a.value) {
		what = fmt.Sprintf("the entry of %q", a.value)
	}
	e := Entry{Location: l.location, Enabled: true, positions: map[string]Pos{"": n.pos}}
	fields := l.fields(n, shape{what, entryKeys, []string{"agent", "cadence"}})
	keepPositions(e.positions, fields)
	if f, ok := fields["agent"]; ok {
		e.Agent = l.agent(f)
	}
	cadence, given := fields["cadence"]
	if given {
		e.Cadence = l.cadence(cadence)
	}
	if f, ok := fields["day"]; ok {
		l.day(&e, f)
	} else {
		e.Weekday, e.MonthDay = defaultDay(e.Cadence)
	}
	if f, ok := fields["time"]; ok {
		e.Hour, e.Minute = l.time(f)
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
