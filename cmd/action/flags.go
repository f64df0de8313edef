package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// values holds the raw text of the options by name.
type values map[string]string

// optionValue binds an option to the flag package.
type optionValue struct {
	option
	into values
}

// String implements flag.Value. The flag package also calls it on a zero value.
func (v optionValue) String() string { return v.into[v.name] }

// Set implements flag.Value.
func (v optionValue) Set(s string) error {
	if v.placeholder == "" && s != "true" && s != "false" {
		return fmt.Errorf("is %q, must be true or false", s)
	}
	if earlier, ok := v.into[v.name]; ok && v.list {
		s = earlier + "\n" + s
	}
	v.into[v.name] = s
	return nil
}

// IsBoolFlag allows a boolean flag without a value.
func (v optionValue) IsBoolFlag() bool { return v.placeholder == "" }

// parseOptions reads flags, which may follow positional arguments, then inputs, then
// defaults.
func parseOptions(command string, args []string, getenv func(string) string) (values, []string, error) {
	opts := values{}
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {}
	for _, o := range options {
		set.Var(optionValue{o, opts}, o.name, o.help)
	}
	var positional []string
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, nil, err
			}
			return nil, nil, fmt.Errorf("%w: see action %s --help", err, command)
		}
		rest := set.Args()
		if len(rest) < len(args) && args[len(args)-len(rest)-1] == "--" {
			positional = append(positional, rest...)
			break
		}
		if len(rest) == 0 {
			break
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
	for name := range opts {
		if o := optionNamed(name); !o.taken(command) {
			return nil, nil, fmt.Errorf("action %s does not take --%s: see action %s --help", command, name, command)
		}
	}
	return opts, positional, fillDefaults(opts, getenv)
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
		if err := (optionValue{o, opts}).Set(input); err != nil {
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
