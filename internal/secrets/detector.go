package secrets

import (
	"bytes"
	"math"
	"regexp"
	"strings"
	"sync"
)

// maxAtKeyword bounds the text from a keyword on which a pattern is tried, in bytes. A
// pattern must also match a value that this limit cuts; merge extends it to its end.
const maxAtKeyword = 1 << 10

// detectors are the rows of the table, ready to search.
var detectors = sync.OnceValue(func() []*detector {
	all := make([]*detector, 0, len(kinds))
	for i := range kinds {
		all = append(all, newDetector(&kinds[i]))
	}
	return all
})

// detector searches for one row of the table.
type detector struct {
	*kind
	keywords []keyword
	// compiled is the pattern and the number of the group that holds the secret. It is
	// compiled when a text first holds one of the keywords.
	compiled func() (pattern *regexp.Regexp, group int)
}

// keyword is searched in the text as it is, or in its lower-case copy.
type keyword struct {
	text    []byte
	anyCase bool
}

func newDetector(k *kind) *detector {
	d := &detector{kind: k, compiled: sync.OnceValues(k.compile)}
	for _, word := range strings.Fields(k.keywords) {
		d.keywords = append(d.keywords, keyword{[]byte(word), strings.ToLower(word) == word})
	}
	return d
}

func (k *kind) compile() (pattern *regexp.Regexp, group int) {
	if k.atKeyword {
		pattern = regexp.MustCompile(`\A(?:` + k.pattern + `)`)
	} else {
		pattern = regexp.MustCompile(k.pattern)
	}
	if group = pattern.SubexpIndex("secret"); group < 0 {
		group = min(pattern.NumSubexp(), 1)
	}
	return pattern, group
}

// appendTo appends the secrets of the kind in text to spans; lower is text in lower case.
func (d *detector) appendTo(spans []Span, text, lower []byte) []Span {
	for _, m := range d.matches(text, lower) {
		if s, ok := d.secret(text, m); ok {
			spans = append(spans, s)
		}
	}
	return spans
}

// matches returns the offsets of the pattern's groups in text for each match.
func (d *detector) matches(text, lower []byte) [][]int {
	var all [][]int
	for _, k := range d.keywords {
		in := text
		if k.anyCase {
			in = lower
		}
		for at := bytes.Index(in, k.text); at >= 0; {
			pattern, _ := d.compiled()
			if !d.atKeyword {
				return pattern.FindAllSubmatchIndex(text, -1)
			}
			if m := pattern.FindSubmatchIndex(text[at:min(len(text), at+maxAtKeyword)]); m != nil {
				all = append(all, shifted(m, at))
			}
			next := bytes.Index(in[at+1:], k.text)
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return all
}

// shifted moves the offsets of a match by n; -1, for a group without a match, stays.
func shifted(m []int, n int) []int {
	for i := range m {
		if m[i] >= 0 {
			m[i] += n
		}
	}
	return m
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
	if isPlaceholder(secret) || entropy(secret) < d.entropy || d.except != nil && d.except(groups) {
		return Span{}, false
	}
	return Span{m[2*group], m[2*group+1], d.name}, true
}

// lowerASCII returns text in lower case. Every byte keeps its place, unlike with
// bytes.ToLower.
func lowerASCII(text []byte) []byte {
	lower := bytes.Clone(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	return lower
}

// entropy is Shannon's, in bits per byte.
func entropy(text []byte) float64 {
	var counts [256]int
	for _, b := range text {
		counts[b]++
	}
	var bits float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
