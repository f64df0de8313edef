package secrets

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
)

// A key has at least so many base64 characters. Where dots mark lines that are left out
// it has more: the first lines of a key that documentation shows are its header and the
// public modulus.
const leastKey, leastElided = 32, 200

var (
	// keyMarks finds what a private key begins with, as the first group, and what it ends
	// with: PEM, SSH2 and the private part of PuTTY's.
	keyMarks = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(-{4,5} ?BEGIN[ A-Z0-9]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-Lines: ?[0-9]+)|` +
			`-{4,5} ?END[ A-Z0-9]{0,60}PRIVATE KEY(?: BLOCK)? ?-{4,5}|Private-(?:MAC|Hash): ?[0-9a-f]*`)
	})
	// A line of a key ends where the text's line ends, or that of the text in which a
	// program or a page writes it.
	keyLineEnd = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\n|\\+[nr]|(?i:<br ?/?>)`) })
	keyTag     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[^<>]*>`) })
	keyRun     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`) })
	keyHeader  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][\w-]{0,60}: `) })
	keyTail    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9+/=]+$`) })
)

// privateKeys finds private keys, whatever a diff, a comment, a program or a page writes
// around their lines. A key goes from mark to mark. Where its end is missing, or the text
// between the marks is mostly something else, it goes as far as its lines do.
func privateKeys(text []byte) []Span {
	var spans []Span
	marks := keyMarks().FindAllSubmatchIndex(text, -1)
	for i, m := range marks {
		if m[2] < 0 {
			continue
		}
		next := []int{len(text), len(text), len(text)} // no mark, so no end
		if i+1 < len(marks) {
			next = marks[i+1]
		}
		body := text[m[1]:next[0]]
		if next[2] < 0 && readKey(body, true).isKey() {
			spans = append(spans, Span{m[0], next[1], "private-key"})
		} else if k := readKey(body, false); k.isKey() {
			spans = append(spans, Span{m[0], m[1] + k.end, "private-key"})
		}
	}
	return spans
}

// keyText is what was read between the marks of a key.
type keyText struct {
	material []byte // long runs of base64, from lines that hold little else
	others   int    // the length of the lines that no key has
	elided   bool   // dots mark a part that is left out
	end      int    // where the last of the material ends
}

// readKey reads all lines, or those up to the first that is shorter than a key's or that
// no key has.
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

// isKey reports whether the text is a key rather than words, paths, digests or a
// placeholder.
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
