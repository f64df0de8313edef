package option

import (
	"fmt"
	"slices"
	"strings"
)

// Usage returns the lines of --help for the flags of a command, and examples.
func Usage(command string) string {
	var b strings.Builder
	for _, o := range All {
		if o.Taken(command) {
			b.WriteString(o.usage(command))
		}
	}
	if text := examples(command); text != "" {
		b.WriteString("\nExamples:\n" + text)
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

// examples are the lines that --help ends with.
func examples(command string) string {
	switch command {
	case "prepare":
		return `  action prepare coach                     print the bundle of coach
  action prepare coach --emit stdout       print its event
  action prepare --dispatch-to acme/core   prepare what is due and dispatch it
`
	case "receive":
		return `  action receive --event event.json --allow 'acme/*'    check an event, and fetch its bundle
  action receive --nats-url tls://nats.acme.example:4222 --durable agents --allow 'acme/*' -- ./agent.sh
                                                        run a program for each event of a stream
`
	case "discover":
		return `  action discover --root ~/src --format text       show what checkouts of this machine have scheduled
  action discover --owner acme --out roster.json   store the roster of an organisation
`
	case "report":
		return `  action report --roster roster.json                             print the state of each entry
  action report --roster roster.json --out fleet.html            write the page
  action report --roster roster.json --fail-on missed,invalid    exit with 1 while something is wrong
`
	}
	return ""
}
