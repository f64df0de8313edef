package option

import (
	"fmt"
	"strings"
)

// Usage returns the lines of --help for the flags of a command.
func Usage(command string) string {
	var b strings.Builder
	for _, o := range All {
		if o.Taken(command) {
			b.WriteString(o.usage())
		}
	}
	return b.String()
}

// usage returns the option's line of --help.
func (o Option) usage() string {
	left := "--" + o.Name
	if o.Placeholder != "" {
		left += " " + o.Placeholder
	}
	help := o.Help
	if o.Initial != "" {
		help += fmt.Sprintf(" (default %s)", o.Initial)
	}
	return fmt.Sprintf("  %-26s %s\n", left, help)
}
