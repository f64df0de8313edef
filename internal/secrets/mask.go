package secrets

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// Finding returns the finding about a secret of the kind at a position in file. What
// names the text that has the secret, such as "the manifest". The finding has no part of
// the secret.
func Finding(file string, line, column int, kind, what string) diag.Finding {
	return diag.Secret.At(file, line, column, fmt.Sprintf("secret of kind %s in %s", kind, what),
		"revoke it, then remove it: the Git history keeps it")
}

// quoted matches a quotation in a message, which may be shortened.
var quoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) })

// Mask removes secrets from the findings about an invalid manifest, which no later step
// searches. It adds a finding for each secret in source, the content of file. Findings on
// lines with a secret lose their quotations. The result is sorted.
func Mask(file string, source []byte, findings []diag.Finding) []diag.Finding {
	lines := make(map[int]bool)
	var masked []diag.Finding
	position := diag.Positions(source)
	for _, s := range Find(source) {
		line, column := position(s.Start)
		last, _ := position(s.End)
		for ; line <= last; line++ {
			// The log shows no line of the file that has a finding of this rule.
			if !lines[line] {
				masked = append(masked, Finding(file, line, column, s.Kind, "the manifest"))
			}
			lines[line], column = true, 1
		}
	}
	for _, f := range findings {
		if lines[f.Line] {
			f.Message, f.Hint = withoutQuotations(f.Message), withoutQuotations(f.Hint)
		}
		masked = append(masked, f)
	}
	diag.Sort(masked)
	return masked
}

// Masked returns text for a log or a page, with asterisks in place of the characters of
// each secret. Lines and columns stay.
func Masked(text string) string {
	spans := Find([]byte(text))
	if len(spans) == 0 {
		return text
	}
	var b strings.Builder
	done := 0
	for _, s := range spans {
		b.WriteString(text[done:s.Start])
		for _, r := range text[s.Start:s.End] {
			if r == '\n' || r == '\r' {
				b.WriteRune(r)
			} else {
				b.WriteByte('*')
			}
		}
		done = s.End
	}
	b.WriteString(text[done:])
	return b.String()
}

// MaskSource returns a function that masks the secrets in the texts of source.
func MaskSource(source func(file string) []byte) func(file string) []byte {
	return func(file string) []byte { return []byte(Masked(string(source(file)))) }
}

// MaskFindings returns the findings without the secrets in their messages, hints and files.
// Source returns the text of a file, or nil. A finding on a line with a secret loses its
// quotations, which may have a part of the secret that reveals nothing by itself.
func MaskFindings(findings []diag.Finding, source func(file string) []byte) []diag.Finding {
	lines := make(map[string]map[int]bool)
	findings = slices.Clone(findings)
	for i := range findings {
		f := &findings[i]
		if _, ok := lines[f.File]; !ok {
			lines[f.File] = secretLines(source(f.File))
		}
		if f.Rule != diag.Secret.ID && lines[f.File][f.Line] {
			f.Message, f.Hint = withoutQuotations(f.Message), withoutQuotations(f.Hint)
		}
		f.Message, f.Hint, f.File = Masked(f.Message), Masked(f.Hint), Masked(f.File)
	}
	return findings
}

// secretLines returns the numbers of the lines of source that have a part of a secret.
func secretLines(source []byte) map[int]bool {
	lines := make(map[int]bool)
	position := diag.Positions(source)
	for _, s := range Find(source) {
		line, _ := position(s.Start)
		last, _ := position(s.End)
		for ; line <= last; line++ {
			lines[line] = true
		}
	}
	return lines
}

func withoutQuotations(text string) string { return quoted().ReplaceAllString(text, `"***"`) }
