// Package secrets finds secrets in text and redacts them: tokens, passwords and private
// keys. It knows only the text, not where it comes from.
package secrets

import (
	"bytes"
	"cmp"
	"context"
	"slices"
)

// Span is the place of a secret in a text.
type Span struct {
	Start, End int    // byte offsets; End is exclusive
	Kind       string // such as github-token; never a part of the secret
}

func (s Span) overlaps(o Span) bool { return s.Start < o.End && o.Start < s.End }

// Find returns the secrets in data, in the order of data and without overlaps. Data is
// also searched without what hides a secret: zero bytes, invisible characters, the escapes
// of JSON and Markdown, line breaks and quotes inside a token, URL encoding, and one layer
// of base64.
func Find(data []byte) []Span { return FindContext(context.Background(), data) }

// FindContext is Find, but it stops soon after ctx ends and then may miss secrets. Callers
// check ctx before they rely on the result.
func FindContext(ctx context.Context, data []byte) []Span {
	spans := search(ctx, data, true)
	plain := view{text: data}
	for _, v := range views(data) {
		if ctx.Err() != nil {
			return nil
		}
		found := v.original(search(ctx, v.text, v.contexts))
		if v.contexts {
			plain = v
		} else {
			// A list of secrets is not one secret. A secret that only its name revealed may be the
			// first line of one that is wrapped.
			found = slices.DeleteFunc(found, func(s Span) bool {
				return slices.ContainsFunc(spans, func(o Span) bool { return s.overlaps(o) && !isContextKind(o.Kind) })
			})
		}
		spans = append(spans, found...)
	}
	spans = append(spans, encodedSecrets(ctx, data)...)
	if plain.offsets != nil {
		spans = append(spans, plain.original(encodedSecrets(ctx, plain.text))...)
	}
	return continued(data, merge(data, spans))
}

// continued extends each span over the lines that continue it: what is wrapped is often
// long enough in its first line to be found there.
func continued(data []byte, spans []Span) []Span {
	for i := range spans {
		limit := len(data)
		if i+1 < len(spans) {
			limit = spans[i+1].Start
		}
		for {
			end := spans[i].End + continuation(data[spans[i].End:limit])
			if end == spans[i].End {
				break
			}
			spans[i].End = end
		}
	}
	return spans
}

// continuation returns the length of the line break at the start of rest and of the random
// text that is alone on the next line, or 0.
func continuation(rest []byte) int {
	const least = 8 // characters that words on a line of their own rarely have at random
	if len(rest) == 0 || rest[0] != '\n' && rest[0] != '\r' {
		return 0
	}
	start := len(rest) - len(bytes.TrimLeft(rest, "\r\n \t>"))
	end := endOfValue(rest, start)
	run := bytes.TrimRight(rest[start:end], "=")
	if len(run) < least || bytes.IndexByte(run, '=') >= 0 || noDigit([][]byte{run}) || looksPlain([][]byte{run}) ||
		end < len(rest) && bytes.IndexByte([]byte("\r\n\"'`"), rest[end]) < 0 {
		return 0
	}
	return end
}

// findPlain searches decoded base64, in which nothing else may be encoded again.
func findPlain(ctx context.Context, text []byte) []Span {
	if spans := search(ctx, text, true); len(spans) > 0 {
		return spans
	}
	unwrapped, _ := unwrap(text)
	return search(ctx, unwrapped, true)
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

// search returns the secrets in text as it is. Without contexts it finds only secrets that
// reveal themselves.
func search(ctx context.Context, text []byte, contexts bool) []Span {
	hits := tableIndex().find(ctx, text, contexts)
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.detector, b.detector))
	})
	var spans []Span
	if contexts {
		spans = privateKeys(ctx, text)
	}
	for _, h := range hits {
		spans = append(spans, h.Span)
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
	for at < len(text) && (isToken(text[at]) || text[at] == '.' && at+1 < len(text) && isToken(text[at+1])) {
		at++
	}
	return at
}

// isToken reports whether a token may have the character.
func isToken(c byte) bool {
	switch c {
	case '_', '-', '+', '/', '=', '~':
		return true
	}
	return isAlnum(c)
}
