package prepare

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// wording warns about a prompt that says nothing, or more than an agent is likely to
// follow.
func (f *finder) checkPrompt(path string, prompt []byte) {
	f.checkEmpty(path, prompt)
	if n := utf8.RuneCount(prompt); n > MaxPrompt {
		f.report(diag.LongPrompt, "prompt", fmt.Sprintf("the prompt %s has %d characters, more than %d", path, n, MaxPrompt),
			"move reference material into files that the prompt points to")
	}
}

// empty warns about a prompt that does not say anything to the agent.
func (f *finder) checkEmpty(name string, prompt []byte) {
	text := bytes.TrimSpace(bytes.TrimPrefix(prompt, []byte("\ufeff")))
	reason := ""
	switch {
	case len(prompt) == 0:
		reason = "is empty"
	case len(text) == 0:
		reason = "has nothing but white space"
	case len(withoutComments(text)) == 0:
		reason = "has nothing but a comment"
	case len(afterFrontMatter(text)) == 0:
		reason = "has nothing but front matter"
	case len(withoutComments(afterFrontMatter(text))) == 0:
		reason = "has nothing but front matter and a comment"
	default:
		return
	}
	f.report(diag.EmptyPrompt, "prompt", fmt.Sprintf("the prompt %s of agent %q %s", name, f.entry.Agent, reason),
		"write below it what the agent does, or name another file with prompt:")
}

// comment is one of HTML, which Markdown does not show.
var comment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)<!--.*?-->`) })

func withoutComments(text []byte) []byte { return bytes.TrimSpace(comment().ReplaceAll(text, nil)) }

// unclosed is front matter to the end of the text: a key, then keys, items and what is
// indented.
var unclosed = sync.OnceValue(func() *regexp.Regexp {
	const key = `[A-Za-z_][\w-]*:(?:[ \t].*)?\r?(?:\n|$)`
	return regexp.MustCompile(`^(?:` + key + `(?:` + key + `|[- \t].*(?:\n|$)|\r?\n)*)?$`)
})

// afterFrontMatter is the trimmed text behind the line that closes the front matter; all
// of it where there is none. Front matter that is never closed ends with the text, unless
// a line is prose.
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
