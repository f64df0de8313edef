package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

var (
	// ignorePattern is a comment that silences rules; its group is their list.
	ignorePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#\s*kaizen-ignore:(.*)$`) })
	// looseIgnore is a comment that was meant to silence rules, but has another case or
	// place, or no colon. Prose that starts with the word does not match.
	looseIgnore = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)#\s*kaizen[-_]ignore(\s*:.*|\s*|\s*[a-z0-9]*[-_].*|\s+[a-z0-9]+\s*(?:,.*)?)$`)
	})
)

// maxIgnores is the number of names in one comment. Text after the last one counts as
// part of it.
const maxIgnores = 50

// maxShownNames is how much of a malformed comment a hint repeats, in characters.
const maxShownNames = 64

// Ignores are the rules that the comments of one file silence, each on its own line.
type Ignores struct {
	file  string
	rules map[int][]string // by line
}

// ReadIgnores collects the rules that comments silence, and reports invalid names. It
// stops after maxFindings of these, because suggestions are expensive.
func ReadIgnores(file string, comments []yamlnode.Comment) (Ignores, []diag.Finding) {
	ignores := Ignores{file, map[int][]string{}}
	var findings []diag.Finding
	for _, c := range comments {
		if len(findings) > maxFindings {
			break
		}
		match := ignorePattern().FindStringSubmatchIndex(c.Text)
		if match == nil {
			if f, ok := malformedIgnore(file, c); ok {
				findings = append(findings, f)
			}
			continue
		}
		pos := yamlnode.Pos{Line: c.Pos.Line, Column: c.Pos.Column + utf8.RuneCountInString(c.Text[:match[2]])}
		for _, part := range strings.SplitN(c.Text[match[2]:], ",", maxIgnores) {
			name := strings.TrimSpace(part)
			at := yamlnode.Pos{Line: pos.Line, Column: pos.Column + utf8.RuneCountInString(part[:strings.Index(part, name)])}
			pos.Column += utf8.RuneCountInString(part) + len(",")
			if f, ok := checkIgnore(file, at, name); !ok {
				findings = append(findings, f)
				continue
			}
			ignores.rules[pos.Line] = append(ignores.rules[pos.Line], name)
		}
	}
	return ignores, findings
}

// malformedIgnore is the finding about a comment that looks like one that silences rules;
// ok is false for any other comment.
func malformedIgnore(file string, c yamlnode.Comment) (f diag.Finding, ok bool) {
	if !strings.Contains(strings.ToLower(c.Text), "ignore") {
		return f, false // most comments need no pattern
	}
	match := looseIgnore().FindStringSubmatchIndex(c.Text)
	if match == nil {
		return f, false
	}
	names := strings.Trim(c.Text[match[2]:], " \t:")
	if names == "" || utf8.RuneCountInString(names) > maxShownNames {
		names = "<rule>"
	}
	column := c.Pos.Column + utf8.RuneCountInString(c.Text[:match[0]])
	return diag.UnknownIgnore.At(file, c.Pos.Line, column,
		"this comment silences nothing: its form is wrong",
		fmt.Sprintf("write `# kaizen-ignore: %s`, and nothing before it in the comment", names)), true
}

// checkIgnore reports whether name is a rule that a comment may silence; if not, the
// finding says why.
func checkIgnore(file string, pos yamlnode.Pos, name string) (diag.Finding, bool) {
	var warnings []string
	for _, r := range diag.Rules {
		if r.Severity == diag.Warning {
			warnings = append(warnings, r.ID)
		} else if r.ID == name {
			return diag.UnknownIgnore.At(file, pos.Line, pos.Column, fmt.Sprintf("%s is an error and cannot be silenced", name),
				"fix what it reports, then remove this comment"), false
		}
	}
	if slices.Contains(warnings, name) {
		return diag.Finding{}, true
	}
	message := fmt.Sprintf("there is no rule %s to silence", diag.Quote(name))
	if name == "" {
		message = "kaizen-ignore names no rule"
	}
	return diag.UnknownIgnore.At(file, pos.Line, pos.Column, message,
		suggest.DidYouMean(name, warnings, "write `# kaizen-ignore: <rule>`, several with commas between")), false
}

// Unsilenced drops the warnings in the file that a comment on their line silences.
func (i Ignores) Unsilenced(findings []diag.Finding) []diag.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f diag.Finding) bool {
		return f.Severity == diag.Warning && f.File == i.file && slices.Contains(i.rules[f.Line], f.Rule)
	})
}
