package schedule

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

var (
	// ignorePattern is a comment that silences rules; its group is their list.
	ignorePattern = pattern(`^#\s*kaizen-ignore:(.*)$`)
	// looseIgnore is one that was meant to: in another case or place, without the colon. Prose that starts with the word is neither.
	looseIgnore = pattern(`(?i)#\s*kaizen[-_]ignore(\s*:.*|\s*|\s*[a-z0-9]*[-_].*|\s+[a-z0-9]+\s*(?:,.*)?)$`)
)

// maxIgnores is the number of names in one comment; what stands behind them counts as part of the last one.
const maxIgnores = 50

// readIgnores collects the rules that comments silence, by line, and reports the names that silence nothing. It stops at one more than
// maxFindings of these, for suggesting a name is work.
func readIgnores(file string, comments []comment) (map[int][]string, []diag.Finding) {
	ignores := map[int][]string{}
	var findings []diag.Finding
	for _, c := range comments {
		if len(findings) > maxFindings {
			break
		}
		match := ignorePattern().FindStringSubmatchIndex(c.text)
		if match == nil {
			if f, ok := misshapenIgnore(file, c); ok {
				findings = append(findings, f)
			}
			continue
		}
		pos := Pos{c.pos.Line, c.pos.Column + utf8.RuneCountInString(c.text[:match[2]])}
		for _, part := range strings.SplitN(c.text[match[2]:], ",", maxIgnores) {
			name := strings.TrimSpace(part)
			at := Pos{pos.Line, pos.Column + utf8.RuneCountInString(part[:strings.Index(part, name)])}
			pos.Column += utf8.RuneCountInString(part) + len(",")
			if f, ok := judgeIgnore(file, at, name); !ok {
				findings = append(findings, f)
				continue
			}
			ignores[pos.Line] = append(ignores[pos.Line], name)
		}
	}
	return ignores, findings
}

// misshapenIgnore is the finding about a comment that looks as if it silenced something; ok is false for any other comment.
func misshapenIgnore(file string, c comment) (f diag.Finding, ok bool) {
	if !strings.Contains(strings.ToLower(c.text), "ignore") {
		return f, false // most comments need no pattern
	}
	match := looseIgnore().FindStringSubmatchIndex(c.text)
	if match == nil {
		return f, false
	}
	names := strings.Trim(c.text[match[2]:], " \t:")
	if names == "" || utf8.RuneCountInString(names) > maxSuggest {
		names = "<rule>"
	}
	column := c.pos.Column + utf8.RuneCountInString(c.text[:match[0]])
	return diag.UnknownIgnore.At(file, c.pos.Line, column, "this comment silences nothing, for it is not of the form that does",
		fmt.Sprintf("write `# kaizen-ignore: %s`, and nothing before it in the comment", names)), true
}

// judgeIgnore reports whether name is a rule that may be silenced, or else the finding that says why not.
func judgeIgnore(file string, pos Pos, name string) (diag.Finding, bool) {
	var warnings []string
	for _, r := range diag.Rules {
		if r.Severity == diag.Warning {
			warnings = append(warnings, r.ID)
		} else if r.ID == name {
			return diag.UnknownIgnore.At(file, pos.Line, pos.Column, fmt.Sprintf("%s is an error and cannot be silenced", name), "fix what it reports, then remove this comment"), false
		}
	}
	if slices.Contains(warnings, name) {
		return diag.Finding{}, true
	}
	message := fmt.Sprintf("there is no rule %s to silence", quote(name))
	if name == "" {
		message = "kaizen-ignore names no rule"
	}
	return diag.UnknownIgnore.At(file, pos.Line, pos.Column, message, didYouMean(name, warnings, "write `# kaizen-ignore: <rule>`, several with commas between")), false
}

// unsilenced drops the warnings in file that ignores name on their line.
func unsilenced(file string, ignores map[int][]string, findings []diag.Finding) []diag.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f diag.Finding) bool {
		return f.Severity == diag.Warning && f.File == file && slices.Contains(ignores[f.Line], f.Rule)
	})
}
