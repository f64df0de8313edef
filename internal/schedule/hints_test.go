package schedule

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// written matches the text in a hint that a reader pastes: all entries or one entry on
// one line, or keys of an entry.
var written = regexp.MustCompile(`write ([A-Za-z0-9_"-]+: (?:\{.*\}|\[.*\]|"(?:[^"\\]|\\.)*"|[^ ,]+))` +
	`(?: and (cron: "[^"]*"))?`)

// pasted returns a manifest with the text that a hint says to write, or "" if the hint
// has none.
func pasted(hint string) string {
	match := written.FindStringSubmatch(hint)
	if match == nil || match[1] == "key: value" {
		return ""
	}
	const version = "version: \"1\"\n"
	key, _, _ := strings.Cut(match[1], ": ")
	ignore := ""
	if strings.Contains(hint, "kaizen-ignore") {
		ignore = " # kaizen-ignore: cron-cadence"
	}
	entry := match[1]
	switch key {
	case "agents":
		return version + match[1] + ignore
	case "version":
		return match[1] + "\nagents: {coach: {cadence: weekly}}"
	case "timezone", "repo":
		return version + match[1] + "\nagents: {coach: {cadence: weekly}}"
	case "cadence":
		if match[2] != "" {
			entry += ", " + match[2]
		}
	case "cron", "enabled", "prompt", "memory", "metrics", "pointers", "session_close":
		entry = "cadence: monthly, " + entry
	default:
		return version + "agents: {" + entry + "}" + ignore
	}
	return version + "agents: {coach: {" + entry + "}}" + ignore
}

// TestHintsAreValid loads the text that the hints of the corpus say to write.
func TestHintsAreValid(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, dir := range []string{"err", "warn"} {
		for _, file := range corpusFiles(t, dir) {
			_, findings := Load("f", readFile(t, file), Options{})
			for _, f := range findings {
				text := pasted(f.Hint)
				if text == "" {
					continue
				}
				checked++
				if _, findings := Load("f", []byte(text), Options{}); len(findings) > 0 {
					t.Errorf("%s: %s\nas %s\n%v", filepath.Base(file), f.Hint, text, findings)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d hints of the corpus have text to write", checked)
	}
}
