package secrets

import (
	"fmt"
	"regexp"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// quoted matches what a message quotes, which may be shortened.
var quoted = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"(?:[^"\\]|\\.)*"`) })

// Mask keeps secrets out of the findings about a manifest that is not valid, and so never
// reaches Prepare. Findings on a line with a secret quote nothing, and each secret is a
// finding of its own, which keeps the lines of the file out of the log.
func Mask(file string, source []byte, findings []diag.Finding) []diag.Finding {
	lines := make(map[int]bool)
	var masked []diag.Finding
	for _, s := range Find(source) {
		line, column := diag.Position(source, s.Start)
		last, _ := diag.Position(source, s.End)
		for ; line <= last; line++ {
			if !lines[line] {
				masked = append(masked, diag.Secret.At(file, line, column,
					fmt.Sprintf("a secret of the kind %s stands in the manifest", s.Kind),
					"remove it and revoke it: it is in the history too"))
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
