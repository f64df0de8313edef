package option

import (
	"fmt"
	"slices"
	"strings"
)

// Usage returns the lines of --help for the flags of a command.
func Usage(command string) string {
	var b strings.Builder
	for _, o := range All {
		if o.Taken(command) {
			b.WriteString(o.usage(command))
		}
	}
	return b.String()
}

// usage returns the option's line of --help, with what it means to the command.
func (o Option) usage(command string) string {
	left := "--" + o.Name
	if o.Placeholder != "" {
		left += " " + o.Placeholder
	}
	parts := o.common()
	for _, u := range o.Uses {
		if slices.Contains(u.Commands, command) {
			parts = append(parts, u.Help)
		}
	}
	help := strings.Join(parts, "; ")
	if o.Initial != "" && !o.OwnDefault {
		help += fmt.Sprintf(" (default %s)", o.Initial)
	}
	return fmt.Sprintf("  %-28s %s\n", left, help)
}

// Meaning says what the option means to all commands, for the tables of the docs.
func (o Option) Meaning() string {
	parts := o.common()
	for _, u := range o.Uses {
		parts = append(parts, strings.Join(u.Commands, ", ")+": "+u.Help)
	}
	meaning := strings.Join(parts, "; ")
	if o.Initial != "" && !o.OwnDefault {
		meaning += fmt.Sprintf(" (default `%s`)", o.Initial)
	}
	return meaning
}

func (o Option) common() []string {
	if o.Help == "" {
		return nil
	}
	return []string{o.Help}
}
