package schedule

import (
	"fmt"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// checkReferences reports aliases, anchors, tags and merge keys, because they give a
// value another meaning than its text.
func (l *loader) checkReferences(n *yamlnode.Node) {
	const hint = "write the value itself"
	switch {
	case n.Kind == yamlnode.Alias:
		l.report(diag.NoAlias, n.Pos, fmt.Sprintf("the alias %s is not allowed", diag.Quote("*"+n.Value)), hint)
	case n.Anchored:
		l.report(diag.NoAlias, n.Pos, "an anchor is not allowed", "remove the & and its name")
	case n.Tagged:
		l.report(diag.NoAlias, n.Pos, "an explicit tag is not allowed",
			"remove the ! and its name; quote the value if it has to be a string")
	}
	for _, item := range n.Items {
		l.checkReferences(item)
	}
	for _, p := range n.Pairs {
		if isMerge(p.Key) {
			l.report(diag.NoAlias, p.Key.Pos, "the merge key << is not allowed", hint)
			continue
		}
		l.checkReferences(p.Key)
		l.checkReferences(p.Value)
	}
}

func isMerge(key *yamlnode.Node) bool {
	return key.Kind == yamlnode.Scalar && key.Style == yamlnode.Plain && key.Value == "<<"
}

// isReported reports whether a finding about n exists already. Then its value is not
// read.
func isReported(n *yamlnode.Node) bool { return n.Kind == yamlnode.Alias || n.Tagged || n.Omitted }

// field is a key of a mapping and its value.
type field struct {
	name       string
	key, value *yamlnode.Node
}

// pos returns the position for findings about the value: that of the key if the value is
// missing.
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
	// explain returns what a key that is not among keys probably means.
	explain func(key string, value *yamlnode.Node) suggest.Key
}

// fields checks the keys of a mapping and returns the known fields by name.
func (l *loader) fields(n *yamlnode.Node, s shape) map[string]field {
	found := map[string]field{}
	replaced := map[string]bool{} // required keys that are present in another form
	for _, f := range l.unique(n) {
		if slices.Contains(s.keys, f.name) {
			found[f.name] = f
			continue
		}
		e := s.explain(f.name, f.value)
		replaced[e.Means] = true
		if e.ListForm {
			l.report(diag.ListForm, f.key.Pos,
				fmt.Sprintf("%q is no longer read: agents are a mapping of names to settings", f.name), e.Hint)
			continue
		}
		l.report(diag.UnknownKey, f.key.Pos, fmt.Sprintf("unknown key %s in %s", diag.Quote(f.name), s.what), e.Hint)
	}
	if slices.ContainsFunc(n.Pairs, func(p yamlnode.Pair) bool { return isMerge(p.Key) || isReported(p.Key) }) {
		return found // the reference may define the required keys
	}
	for _, name := range s.required {
		if _, ok := found[name]; !ok && !replaced[name] {
			l.report(diag.MissingKey, n.Pos, fmt.Sprintf("%s has no %q", s.what, name),
				"add "+suggest.Example(name, n))
		}
	}
	return found
}

// unique returns the fields of a mapping. It reports duplicate keys, and keys that are
// lists or mappings.
func (l *loader) unique(n *yamlnode.Node) []field { return l.uniqueBy(n, diag.DuplicateKey, "the key") }

// uniqueBy is unique with the rule and the noun for duplicates.
func (l *loader) uniqueBy(n *yamlnode.Node, rule diag.Rule, what string) []field {
	var fields []field
	first := map[string]yamlnode.Pos{}
	for _, p := range n.Pairs {
		switch {
		case isMerge(p.Key) || isReported(p.Key):
		case p.Key.Kind != yamlnode.Scalar:
			l.report(diag.UnknownKey, p.Key.Pos, fmt.Sprintf("%s cannot be a key", p.Key.Kind),
				"write the key as one word")
		default:
			name := p.Key.Value
			if at, ok := first[name]; ok {
				l.report(rule, p.Key.Pos,
					fmt.Sprintf("%s %s appears twice; the first is on line %d", what, diag.Quote(name), at.Line),
					"remove one of them")
				continue
			}
			first[name] = p.Key.Pos
			fields = append(fields, field{name, p.Key, p.Value})
		}
	}
	return fields
}
