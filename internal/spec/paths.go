package spec

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// drive is the start of a Windows path. schema/schedule.schema.json states the same.
var drive = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]:`) })

// Limits on strings, so that an event stays far below the platform's 64 KB.
const (
	maxPath    = 4096 // bytes, as PATH_MAX
	maxCommand = 1000 // characters
)

// CheckPath says why s is not a path inside a repository; reason is "" for one that is.
func CheckPath(s string) (reason, hint string) {
	const relative = "write it relative to the repository's root, such as docs/SCOPE.md"
	clean := path.Clean(s)
	switch {
	case s == "":
		return "is empty", "write a path, or remove the key"
	case len(s) > maxPath:
		return fmt.Sprintf("is longer than %d bytes", maxPath), "shorten it"
	case strings.ContainsFunc(s, isControl):
		return "holds a control character", "write the path on one line"
	case drive().MatchString(s):
		return "starts with a drive letter", relative
	case strings.Contains(s, `\`):
		return "holds a backslash", fmt.Sprintf("use slashes: %s", diag.Quote(strings.ReplaceAll(s, `\`, "/")))
	case path.IsAbs(s):
		return "is absolute", relative
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "leaves the repository", relative
	case clean == ".":
		return "is the repository itself", "name a file in it"
	case slices.ContainsFunc(strings.Split(s, "/"), isGitDir):
		return "leads into .git", "name a file that is checked in"
	}
	return "", ""
}

func isGitDir(segment string) bool { return strings.EqualFold(segment, ".git") }

// isControl reports whether r is not allowed in a single line of text.
func isControl(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }

// CheckCommand says why s is not a session_close command; reason is "" for one that is.
func CheckCommand(s string) (reason, hint string) {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty", "write a command, or remove the line"
	case strings.ContainsAny(s, "\n\r"):
		return "has more than one line", "write each command as its own list item on one line (not with |)"
	case strings.ContainsFunc(s, isControl):
		return "holds a control character", "remove it"
	case utf8.RuneCountInString(s) > maxCommand:
		return fmt.Sprintf("is longer than %d characters", maxCommand), "put it in a script"
	}
	return "", ""
}
