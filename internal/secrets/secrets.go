// Package secrets finds secrets in text and redacts them: tokens, passwords and private
// keys. It knows only the text, not where it comes from.
package secrets

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Span is the place of a secret in a text.
type Span struct {
	Start, End int    // byte offsets; End is exclusive
	Kind       string // such as github-token; never a part of the secret
}

// Find returns the secrets in data, in the order of data and without overlaps. Data with
// zero bytes or backslashes is searched twice: as it is, and decoded from what UTF-16,
// JSON and Markdown put around and into a secret.
func Find(data []byte) []Span {
	spans := search(data)
	if bytes.ContainsAny(data, "\x00\\") {
		text, offsets := unwrap(data)
		for _, s := range search(text) {
			spans = append(spans, Span{offsets[s.Start], offsets[s.End], s.Kind})
		}
		spans = merge(data, spans)
	}
	return spans
}

// Redact returns data with [redacted:<kind>] in place of each span. The spans are those
// that Find returns for data.
func Redact(data []byte, spans []Span) []byte {
	var out []byte
	done := 0
	for _, s := range spans {
		out = append(out, data[done:s.Start]...)
		out = append(out, "[redacted:"+s.Kind+"]"...)
		done = s.End
	}
	return append(out, data[done:]...)
}

func search(text []byte) []Span {
	spans := privateKeys(text)
	lower := lowerASCII(text)
	for _, d := range detectors() {
		spans = d.appendTo(spans, text, lower)
	}
	return merge(text, spans)
}

// merge sorts the spans of text and joins those that overlap, under the name of the
// first. It extends each to the end of its value, which may be longer than the pattern
// requires.
func merge(text []byte, spans []Span) []Span {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	var merged []Span
	for _, s := range spans {
		n := len(merged)
		if n == 0 || s.Start >= merged[n-1].End {
			s.End = endOfValue(text, s.End)
			merged = append(merged, s)
		} else if s.End > merged[n-1].End {
			merged[n-1].End = endOfValue(text, s.End)
		}
	}
	return merged
}

// endOfValue returns the end of the run of token characters that continues at at. A dot
// belongs to a token if a token character follows; otherwise it ends a sentence.
func endOfValue(text []byte, at int) int {
	token := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-+/=~", c) >= 0
	}
	for at < len(text) && (token(text[at]) || text[at] == '.' && at+1 < len(text) && token(text[at+1])) {
		at++
	}
	return at
}
