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

// drivePattern matches the start of an absolute Windows path.
var drivePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]:`) })

// These limits keep an event far below the platform's limit of 64 KB.
const (
	maxPath    = 4096 // bytes, the PATH_MAX of Linux
	maxCommand = 1000 // characters
)

// CheckPath reports why s is not a valid path inside a repository. The reason continues a
// sentence that starts with the path; it is "" for a valid path.
func CheckPath(s string) (reason, hint string) {
	const relative = "write it relative to the repository's root, such as docs/SCOPE.md"
	clean := path.Clean(s)
	switch {
	case s == "":
		return "is empty", "write a path, or remove the key"
	case len(s) > maxPath:
		return fmt.Sprintf("is longer than %d bytes", maxPath), "shorten it"
	case strings.ContainsFunc(s, isControl):
		return "contains a control character", "write the path on one line"
	case drivePattern().MatchString(s):
		return "starts with a drive letter", relative
	case strings.Contains(s, `\`):
		return "contains a backslash", fmt.Sprintf("use slashes: %s", diag.Quote(strings.ReplaceAll(s, `\`, "/")))
	case path.IsAbs(s):
		return "is absolute", relative
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "leaves the repository", relative
	case clean == ".":
		return "is the repository itself", "name a file in it"
	case slices.ContainsFunc(strings.Split(s, "/"), isGitDir):
		return "points into .git", "name a file that is checked in"
	}
	return "", ""
}

func isGitDir(segment string) bool { return strings.EqualFold(segment, ".git") }

// isControl reports whether r is a control character or a line or paragraph separator.
func isControl(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }

// CheckCommand reports why s is not a valid session_close command. The reason continues a
// sentence that starts with the command; it is "" for a valid command.
func CheckCommand(s string) (reason, hint string) {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty", "write a command, or remove the line"
	case strings.ContainsAny(s, "\n\r"):
		return "has more than one line", "write each command as a list item on one line, without | or >"
	case strings.ContainsFunc(s, isControl):
		return "contains a control character", "remove it"
	case utf8.RuneCountInString(s) > maxCommand:
		return fmt.Sprintf("is longer than %d characters", maxCommand), "move it into a script"
	}
	return "", ""
}
