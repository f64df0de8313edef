package secrets

import (
	"fmt"
	"regexp"
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
	for _, s := range Find(source) {
		line, column := diag.Position(source, s.Start)
		last, _ := diag.Position(source, s.End)
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
			f.Message, f.Hint = quoted().ReplaceAllString(f.Message, `"***"`), quoted().ReplaceAllString(f.Hint, `"***"`)
		}
		masked = append(masked, f)
	}
	diag.Sort(masked)
	return masked
}
