// Package safetext makes untrusted text harmless for logs, annotations and summaries. It
// also finds what a reader of a text does not see, and files that are not text.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// replacement is written in place of bytes that are not valid UTF-8.
const replacement = string(utf8.RuneError)

// Sanitize makes text safe for a log. The runner finds no command in it, and every
// character is visible. The result is valid UTF-8. Every line end becomes LF, because the
// runner starts a new line after a bare CR, too.
func Sanitize(s string) string {
	lines := strings.Split(Visible(s), "\n")
	for i, line := range lines {
		lines[i] = disarm(line)
	}
	return strings.Join(lines, "\n")
}

// disarm breaks the two forms of a command: `::` at the start of a line, after white
// space, and `##[` anywhere. Source:
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
func disarm(line string) string {
	line = strings.ReplaceAll(line, "##[", "## [")
	if text := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(text, "::") {
		line = strings.Replace(line, "::", ": :", 1)
	}
	return line
}

// LineEnds replaces every kind of line end with LF.
var LineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n")

// Visible removes control, bidirectional and other invisible characters, except LF and
// tab.
func Visible(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && IsInvisible(r) {
			return -1
		}
		return r
	}, LineEnds.Replace(strings.ToValidUTF8(s, replacement)))
}

// IsInvisible reports whether r is a control or format character (bidirectional controls,
// joiners, tags), or one that Unicode allows a renderer to ignore.
func IsInvisible(r rune) bool {
	if r < 0x7f {
		return r < ' ' // the fast path for ASCII
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// OneLine returns s as one line of visible text. Each run of white space becomes one
// space.
func OneLine(s string) string { return strings.Join(strings.Fields(Visible(s)), " ") }

// Shorten cuts s to at most limit characters, of which the last is an ellipsis if s was
// cut.
func Shorten(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)
	return string(runes[:limit-1]) + "…"
}
