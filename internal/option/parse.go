package option

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// Values holds the raw text of the options by name.
type Values map[string]string

// ErrHelp means that the user asks for the flags of a command.
var ErrHelp = errors.New("help")

// set sets an option to a text that the user gave.
func (v Values) set(o Option, text string) error {
	if o.Placeholder == "" && text != "true" && text != "false" {
		return fmt.Errorf("is %q, must be true or false", text)
	}
	if earlier, ok := v[o.Name]; ok && o.List {
		text = earlier + "\n" + text
	}
	v[o.Name] = text
	return nil
}

// Parse reads the options of a command: flags, which may follow positional arguments, then
// inputs, then defaults. It also returns the positional arguments. The error is ErrHelp, or
// says what is wrong with which option and never repeats a value that may be a secret.
func Parse(command string, args []string, getenv func(string) string) (Values, []string, error) {
	opts := Values{}
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
		if errors.Is(err, ErrHelp) {
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
func (v Values) parseFlag(command, arg string, rest []string) ([]string, error) {
	name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
	if name == "help" || name == "h" {
		return nil, ErrHelp
	}
	i := slices.IndexFunc(All, func(o Option) bool { return o.Name == name })
	if i < 0 {
		return nil, unknownFlag(command, arg, name)
	}
	o := All[i]
	o.List = o.List || slices.Contains(o.ListFor, command)
	switch {
	case !o.Taken(command):
		return nil, fmt.Errorf("action %s does not take --%s", command, name)
	case hasValue:
	case o.Placeholder == "":
		value = "true"
	case len(rest) == 0:
		return nil, fmt.Errorf("--%s needs a value, as in --%[1]s %s", name, o.Placeholder)
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
	for _, o := range All {
		if o.Taken(command) {
			known = append(known, o.Name)
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
func (v Values) checkArguments(command string) error {
	flag, what := Agents, "agents"
	switch command {
	case "validate":
		flag, what = Schedule, "files"
	case "verify":
		flag, what = From, "directories"
	}
	if _, given := v[flag]; given && named(flag).Taken(command) && command != "init" {
		return fmt.Errorf("action %s gets %s as arguments and with --%s: leave one of them out", command, what, flag)
	}
	return nil
}

func named(name string) Option {
	return All[slices.IndexFunc(All, func(o Option) bool { return o.Name == name })]
}

// fillDefaults sets the options that no flag sets, from inputs and defaults. Only
// action.yml always gives host-workspace a value. The runner applies its defaults to
// inputs that a workflow leaves out, and not to those that are given and empty:
// https://github.com/actions/runner/blob/main/src/Runner.Worker/ActionRunner.cs
func fillDefaults(opts Values, getenv func(string) string) error {
	isAction := getenv(named(HostWorkspace).Input()) != ""
	for _, o := range All {
		if _, ok := opts[o.Name]; ok {
			continue
		}
		input := ""
		if !o.FlagOnly {
			input = strings.TrimSpace(getenv(o.Input()))
		}
		if input == "" {
			opts[o.Name] = o.Initial
			if o.NotEmpty && isAction {
				opts[o.Name] = ""
			}
			continue
		}
		if o.Placeholder == "" {
			input = strings.ToLower(input) // YAML's True and TRUE are the same switch
		}
		if err := opts.set(o, input); err != nil {
			return fmt.Errorf("input %s %w", o.Name, err)
		}
	}
	if opts[Token] == "" {
		opts[Token] = getenv("GITHUB_TOKEN")
	}
	for _, name := range []string{DispatchToken, BundleToken} {
		if opts[name] == theToken {
			opts[name] = opts[Token]
		}
	}
	return nil
}

// Given reports whether an option has another value than its default.
func (v Values) Given(name string) bool { return v[name] != named(name).Initial }
