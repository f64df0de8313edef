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
	// ignorePattern matches a comment that silences rules. The group is the list of
	// rules.
	ignorePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^#\s*kaizen-ignore:(.*)$`) })
	// malformedPattern matches a comment that was meant to silence rules, but has the
	// wrong case or place, or no colon. It does not match prose that starts with the
	// word.
	malformedPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)#\s*kaizen[-_]ignore(\s*:.*|\s*|\s*[a-z0-9]*[-_].*|\s+[a-z0-9]+\s*(?:,.*)?)$`)
	})
)

// maxIgnores is the largest number of names in one comment. Further names count as part
// of the last one.
const maxIgnores = 50

// maxShownNames is the length of the longest list of names that a hint repeats, in
// characters.
const maxShownNames = 64

// Ignores holds the rules that the comments of one file silence on their lines.
type Ignores struct {
	file  string
	rules map[int][]string // by line
}

// ReadIgnores returns the rules that comments silence, and findings about malformed
// comments and invalid names. It stops after 1,000 findings, because suggestions are
// expensive.
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
			before := utf8.RuneCountInString(part[:strings.Index(part, name)])
			at := yamlnode.Pos{Line: pos.Line, Column: pos.Column + before}
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

// malformedIgnore returns the finding about a malformed kaizen-ignore comment. ok is
// false for any other comment.
func malformedIgnore(file string, c yamlnode.Comment) (f diag.Finding, ok bool) {
	if !strings.Contains(strings.ToLower(c.Text), "ignore") {
		return f, false // skips the pattern, which is slow
	}
	match := malformedPattern().FindStringSubmatchIndex(c.Text)
	if match == nil {
		return f, false
	}
	names := strings.Trim(c.Text[match[2]:], " \t:")
	if names == "" || utf8.RuneCountInString(names) > maxShownNames {
		names = "<rule>"
	}
	column := c.Pos.Column + utf8.RuneCountInString(c.Text[:match[0]])
	return diag.UnknownIgnore.At(file, c.Pos.Line, column,
		"this comment is malformed and silences nothing",
		fmt.Sprintf("write `# kaizen-ignore: %s` at the start of the comment", names)), true
}

// checkIgnore reports whether a comment may silence the rule name. If not, the finding
// says why.
func checkIgnore(file string, pos yamlnode.Pos, name string) (diag.Finding, bool) {
	var warnings []string
	for _, r := range diag.Rules {
		if r.Severity == diag.Warning {
			warnings = append(warnings, r.ID)
		} else if r.ID == name {
			return diag.UnknownIgnore.At(file, pos.Line, pos.Column,
				fmt.Sprintf("%s is an error and cannot be silenced", name),
				"fix what it reports, then remove this comment"), false
		}
	}
	if slices.Contains(warnings, name) {
		return diag.Finding{}, true
	}
	message := fmt.Sprintf("unknown rule %s", diag.Quote(name))
	if name == "" {
		message = "kaizen-ignore names no rule"
	}
	return diag.UnknownIgnore.At(file, pos.Line, pos.Column, message,
		suggest.DidYouMean(name, warnings, "write `# kaizen-ignore: <rule>`, with commas between several rules")), false
}

// Unsilenced returns the findings without the warnings that a comment on the same line
// silences.
func (i Ignores) Unsilenced(findings []diag.Finding) []diag.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f diag.Finding) bool {
		return f.Severity == diag.Warning && f.File == i.file && slices.Contains(i.rules[f.Line], f.Rule)
	})
}
