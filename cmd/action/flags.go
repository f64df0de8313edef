package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// values holds the raw text of the options by name.
type values map[string]string

// errHelp means that the user asks for the flags of a command.
var errHelp = errors.New("help")

// set sets an option to a text that the user gave.
func (v values) set(o option, text string) error {
	if o.placeholder == "" && text != "true" && text != "false" {
		return fmt.Errorf("is %q, must be true or false", text)
	}
	if earlier, ok := v[o.name]; ok && o.list {
		text = earlier + "\n" + text
	}
	v[o.name] = text
	return nil
}

// parseOptions reads flags, which may follow positional arguments, then inputs, then
// defaults.
func parseOptions(command string, args []string, getenv func(string) string) (values, []string, error) {
	opts := values{}
	var positional []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			positional = append(positional, args...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			positional = append(positional, arg)
			continue
		}
		rest, err := opts.parseFlag(command, arg, args)
		if errors.Is(err, errHelp) {
			return nil, nil, err
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w: see action %s --help", err, command)
		}
		args = rest
	}
	if len(positional) > 0 {
		if err := opts.checkArguments(command); err != nil {
			return nil, nil, err
		}
	}
	return opts, positional, fillDefaults(opts, getenv)
}

// parseFlag reads the flag arg, whose value may be the first one of rest, and returns what
// is left of rest.
func (v values) parseFlag(command, arg string, rest []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	if name == "help" || name == "h" {
		return nil, errHelp
	}
	i := slices.IndexFunc(options, func(o option) bool { return o.name == name })
	if i < 0 {
		return nil, unknownFlag(command, arg, name)
	}
	o := options[i]
	switch {
	case !o.taken(command):
		return nil, fmt.Errorf("action %s does not take --%s", command, name)
	case hasValue:
	case o.placeholder == "":
		value = "true"
	case len(rest) == 0:
		return nil, fmt.Errorf("--%s needs a value, as in --%[1]s %s", name, o.placeholder)
	default:
		value, rest = rest[0], rest[1:]
	}
	if err := v.set(o, value); err != nil {
		return nil, fmt.Errorf("--%s %w", name, err)
	}
	return rest, nil
}

// unknownFlag returns the error for a flag that no command has.
func unknownFlag(command, arg, name string) error {
	var known []string
	for _, o := range options {
		if o.taken(command) {
			known = append(known, o.name)
		}
	}
	flag, _, _ := strings.Cut(arg, "=") // the value may be a secret
	if near := suggest.Nearest(name, known); near != "" {
		return fmt.Errorf("there is no flag %s: did you mean --%s? If not", flag, near)
	}
	return fmt.Errorf("there is no flag %s", flag)
}

// checkArguments returns an error for a flag that says the same as arguments do. An input
// may, because arguments replace inputs.
func (v values) checkArguments(command string) error {
	flag, what := optAgents, "agents"
	if command == "validate" {
		flag, what = optSchedule, "files"
	}
	if _, given := v[flag]; given && optionNamed(flag).taken(command) && command != "init" {
		return fmt.Errorf("action %s gets %s as arguments and with --%s: leave one of them out", command, what, flag)
	}
	return nil
}

func optionNamed(name string) option {
	return options[slices.IndexFunc(options, func(o option) bool { return o.name == name })]
}

// fillDefaults sets the options that no flag sets, from inputs and defaults. Only
// action.yml always gives host-workspace a value. The runner applies its defaults to
// inputs that a workflow leaves out, and not to those that are given and empty:
// https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionRunner.cs
func fillDefaults(opts values, getenv func(string) string) error {
	isAction := getenv(optionNamed(optHostWorkspace).input()) != ""
	for _, o := range options {
		if _, ok := opts[o.name]; ok {
			continue
		}
		input := ""
		if !o.flagOnly {
			input = strings.TrimSpace(getenv(o.input()))
		}
		if input == "" {
			opts[o.name] = o.initial
			if o.notEmpty && isAction {
				opts[o.name] = ""
			}
			continue
		}
		if o.placeholder == "" {
			input = strings.ToLower(input) // YAML's True and TRUE are the same switch
		}
		if err := opts.set(o, input); err != nil {
			return fmt.Errorf("input %s %w", o.name, err)
		}
	}
	if opts[optToken] == "" {
		opts[optToken] = getenv("GITHUB_TOKEN")
	}
	if opts[optDispatchToken] == theToken {
		opts[optDispatchToken] = opts[optToken]
	}
	return nil
}
