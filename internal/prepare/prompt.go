package prepare

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// checkPrompt warns about a prompt that is empty, or longer than an agent is likely to
// follow.
func (f *finder) checkPrompt(path string, prompt []byte) {
	f.checkEmpty(path, prompt)
	if n := utf8.RuneCount(prompt); n > MaxPrompt {
		f.report(diag.LongPrompt, "prompt",
			fmt.Sprintf("the prompt %s has %d characters, more than %d", path, n, MaxPrompt),
			"move reference material into files that the prompt points to")
	}
}

// checkEmpty warns about a prompt without any text for the agent.
func (f *finder) checkEmpty(name string, prompt []byte) {
	text := bytes.TrimSpace(bytes.TrimPrefix(prompt, []byte("\ufeff")))
	reason := ""
	switch {
	case len(prompt) == 0:
		reason = "is empty"
	case len(text) == 0:
		reason = "has only white space"
	case len(withoutComments(text)) == 0:
		reason = "has only a comment"
	case len(afterFrontMatter(text)) == 0:
		reason = "has only front matter"
	case len(withoutComments(afterFrontMatter(text))) == 0:
		reason = "has only front matter and a comment"
	default:
		return
	}
	f.report(diag.EmptyPrompt, "prompt", fmt.Sprintf("the prompt %s of agent %q %s", name, f.entry.Agent, reason),
		"describe there what the agent does, or name another file with prompt:")
}

// comment matches an HTML comment, which Markdown does not show.
var comment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)<!--.*?-->`) })

func withoutComments(text []byte) []byte { return bytes.TrimSpace(comment().ReplaceAll(text, nil)) }

// unclosed matches a text that is front matter to its end: keys, list items and indented
// lines.
var unclosed = sync.OnceValue(func() *regexp.Regexp {
	const key = `[A-Za-z_][\w-]*:(?:[ \t].*)?\r?(?:\n|$)`
	return regexp.MustCompile(`^(?:` + key + `(?:` + key + `|[- \t].*(?:\n|$)|\r?\n)*)?$`)
})

// afterFrontMatter returns the trimmed text after the front matter. Front matter without
// a closing line extends to the end of the text, but only if no line is prose.
func afterFrontMatter(text []byte) []byte {
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if string(bytes.TrimSpace(first)) != "---" {
		return text
	}
	for left := rest; len(left) > 0; {
		var line []byte
		line, left, _ = bytes.Cut(left, []byte("\n"))
		if end := string(bytes.TrimSpace(line)); end == "---" || end == "..." {
			return bytes.TrimSpace(left)
		}
	}
	if unclosed().Match(rest) {
		return nil
	}
	return text
}
