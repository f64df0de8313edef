package secrets

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
)

// The least number of base64 characters of a key. It is higher if dots mark omitted
// lines: documentation shows the first lines of a key, which hold its header and the
// public modulus.
const leastKey, leastElided = 32, 200

var (
	// keyMarks matches the begin mark of a private key as the first group, or an end mark:
	// of PEM, SSH2 and PuTTY's private part.
	keyMarks = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(-{4,5} ?BEGIN[ A-Z0-9]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}|` +
			`Private-Lines: ?[0-9]+)|` +
			`-{4,5} ?END[ A-Z0-9]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-(?:MAC|Hash): ?[0-9a-f]*`)
	})
	// keyLineEnd matches the end of a key's line: a line feed, or what a program or a page
	// writes for one.
	keyLineEnd = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\n|\\+[nr]|(?i:<br ?/?>)`) })
	keyTag     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[^<>]*>`) })
	keyRun     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`) })
	keyHeader  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][\w-]{0,60}: `) })
	keyTail    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/=]+$`) })
)

// privateKeys returns the private keys in text, whatever a diff, a comment, a program or
// a page writes around their lines. A key extends from mark to mark. If its end mark is
// missing, or the text between the marks is mostly something else, it extends to its last
// line.
func privateKeys(ctx context.Context, text []byte) []Span {
	const name = "private-key"
	if !bytes.Contains(text, []byte("PRIVATE KEY")) && !bytes.Contains(text, []byte("Private-Lines:")) {
		return nil
	}
	var spans []Span
	marks := keyMarks().FindAllSubmatchIndex(text, -1)
	for i, m := range marks {
		if ctx.Err() != nil {
			return nil
		}
		if m[2] < 0 {
			continue
		}
		next := []int{len(text), len(text), len(text)} // no mark follows
		if i+1 < len(marks) {
			next = marks[i+1]
		}
		body := text[m[1]:next[0]]
		if next[2] < 0 && readKey(body, true).isKey() {
			spans = append(spans, Span{m[0], next[1], name})
		} else if k := readKey(body, false); k.isKey() {
			spans = append(spans, Span{m[0], m[1] + k.end, name})
		}
	}
	return spans
}

// keyText is the text after the begin mark of a key.
type keyText struct {
	material []byte // long runs of base64, from lines that hold little else
	others   int    // the length of all lines that cannot belong to a key
	elided   bool   // dots mark an omitted part
	end      int    // the end of the last material
}

// readKey reads all lines of body. Without all it stops at the first line that is shorter
// than a key's, or that cannot belong to a key.
func readKey(body []byte, all bool) keyText {
	var k keyText
	for at, next := 0, 0; at < len(body); at = next {
		line := body[at:]
		next = len(body)
		if m := keyLineEnd().FindIndex(line); m != nil {
			line, next = line[:m[0]], at+m[1]
		}
		text := bytes.Trim(keyTag().ReplaceAll(line, []byte(" ")), " \t\r\\\"'`,;+>|#*/()-")
		runs := keyRun().FindAll(text, -1)
		base64 := bytes.Join(runs, nil)
		elided := bytes.Contains(text, []byte("...")) || bytes.Contains(text, []byte("…"))
		switch {
		case len(text) == 0:
		case 2*len(base64) > len(text):
			k.material, k.elided = append(k.material, base64...), k.elided || elided
			last := runs[len(runs)-1]
			k.end = at + bytes.LastIndex(line, last) + len(last)
		case len(k.material) == 0 && keyHeader().Match(text):
		case len(k.material) > 0 && keyTail().Match(text):
			k.end = at + bytes.LastIndex(line, text) + len(text)
			if !all {
				return k
			}
		case !all:
			k.elided = k.elided || elided
			return k
		default:
			k.others, k.elided = k.others+len(text), k.elided || elided
		}
	}
	return k
}

// isKey reports whether the text is a key, not words, paths, digests or a placeholder.
func (k keyText) isKey() bool {
	least := leastKey
	if k.elided {
		least = leastElided
	}
	if len(k.material) < max(least, 4*k.others) || entropy(k.material) < 3.5 {
		return false
	}
	for _, kind := range []string{"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"} {
		if !bytes.ContainsAny(k.material, kind) {
			return false
		}
	}
	lower := strings.ToLower(string(k.material))
	return !strings.Contains(lower, "example") &&
		!strings.Contains(lower, "placeholder") &&
		!strings.Contains(lower, "redacted")
}
