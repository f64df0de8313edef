package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/option"
)

func names(all []command) []string {
	out := make([]string, len(all))
	for i, c := range all {
		out[i] = c.name
	}
	return out
}

// help avoids fmt and io.WriteString, whose first use takes 1 to 8 % of the start-up
// time.
func help() []byte {
	const width = 22
	text := []byte(`action prepares scheduled agent runs from .kaizen/schedule.yml and emits kaizen.schedule.prepared.

Usage: action COMMAND [FLAG…] [ARGUMENT…]

Commands:
`)
	for _, c := range commands() {
		words := strings.TrimSpace(c.name + " " + c.args)
		padding := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(words)))
		text = append(text, "  "+words+padding+" "+c.short+"\n"...)
	}
	return append(text, `
action COMMAND --help shows the flags of a command. Every flag is also the action's input of the same name,
except --base, those that only init takes, and those of receive --durable.

Exit codes: 0 success, 1 findings, 2 wrong usage or inputs, 3 a service failed or the run was cancelled (run again).
`...)
}

func commandHelp(c command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: action %s\n\n%s.\n\nFlags:\n", strings.TrimSpace(c.name+" [FLAG…] "+c.args),
		strings.ToUpper(c.short[:1])+c.short[1:])
	b.WriteString(option.Usage(c.name))
	return b.String()
}
