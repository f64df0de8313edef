package secrets

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// detector searches for one row of the table.
type detector struct {
	*kind
	// compiled is the pattern and the number of the group that holds the secret. It is
	// compiled when a text first has one of the keywords.
	compiled func() (pattern *regexp.Regexp, group int)
}

func newDetector(k *kind) *detector { return &detector{k, sync.OnceValues(k.compile)} }

// needsContext reports whether words around a secret reveal it.
func (k *kind) needsContext() bool { return k.context || k.value != "" }

// isContextKind reports whether words around the secrets of a kind reveal them, not the
// secrets themselves.
func isContextKind(name string) bool { return contextKinds()[name] }

var contextKinds = sync.OnceValue(func() map[string]bool {
	contexts := make(map[string]bool)
	for i := range kinds {
		k := &kinds[i]
		known, ok := contexts[k.name]
		contexts[k.name] = k.needsContext() && (known || !ok)
	}
	return contexts
})

func (k *kind) compile() (pattern *regexp.Regexp, group int) {
	text := k.pattern
	if k.value != "" {
		words := strings.ReplaceAll(regexp.QuoteMeta(k.keywords), " ", "|")
		text = `(?i:` + words + `)` + valueBefore + `(` + k.value + `)` + valueAfter
	}
	if k.behind > 0 {
		text = `(?s:.{0,` + strconv.Itoa(k.behind) + `}?)(?:` + text + `)`
	}
	pattern = regexp.MustCompile(`\A(?:` + text + `)`)
	if group = pattern.SubexpIndex("secret"); group < 0 {
		group = min(pattern.NumSubexp(), 1)
	}
	return pattern, group
}

// find returns the secret whose keyword is at text[at:end]. The match begins at or after
// from, and ends at next. Next is 0 without a match.
func (d *detector) find(text []byte, from, at, end int) (s Span, next int, ok bool) {
	if !d.glued && isAlnum(text[at]) && at > 0 && isAlnum(text[at-1]) || d.assigned && !assigns(text[end:]) {
		return s, 0, false
	}
	pattern, _ := d.compiled()
	start := max(at-d.behind, from)
	m := pattern.FindSubmatchIndex(text[start:min(len(text), at+cmp.Or(d.ahead, atKeyword))])
	if m == nil {
		return s, 0, false
	}
	s, ok = d.secret(text, shifted(m, start))
	return s, start + m[1], ok
}

// assigns reports whether an operator is near the start of text, after the rest of a name
// and its closing quote or bracket.
func assigns(text []byte) bool {
	for i, c := range text[:min(len(text), 40)] {
		switch {
		case c == '=' || c == ':' || c == ',' || c == '?':
			return true
		case !isAlnum(c) && strings.IndexByte("_-. \t\n\"'`])*", c) < 0 || i > 24 && c == ' ':
			return false
		}
	}
	return false
}

// shifted moves the offsets of a match by n; -1, for a group without a match, stays.
func shifted(m []int, n int) []int {
	moved := make([]int, len(m))
	for i := range m {
		moved[i] = m[i]
		if m[i] >= 0 {
			moved[i] += n
		}
	}
	return moved
}

// secret returns the secret in a match, which is given by the offsets of its groups. It
// returns false if the match is not a secret.
func (d *detector) secret(text []byte, m []int) (Span, bool) {
	groups := make([][]byte, 0, len(m)/2)
	for i := 0; i < len(m); i += 2 {
		if m[i] < 0 {
			groups = append(groups, nil)
			continue
		}
		groups = append(groups, text[m[i]:m[i+1]])
	}
	_, group := d.compiled()
	secret := groups[group]
	least := d.entropy
	if least == 0 {
		least = leastEntropy
	}
	switch {
	case isPlaceholder(secret), isEncodedExample(secret), relativeEntropy(secret) < least,
		d.needsContext() && isSequence(longestRun(secret)),
		d.except != nil && d.except(groups), d.value != "" && plainValue(groups):
		return Span{}, false
	}
	return Span{m[2*group], m[2*group+1], d.name}, true
}
