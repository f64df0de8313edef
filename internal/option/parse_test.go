package option

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		args       []string
		env        map[string]string
		option     string
		want       string
		positional string
		err        string
	}{
		{name: "default", option: "secrets", want: "fail"},
		{name: "input", env: map[string]string{"INPUT_SECRETS": "redact"}, option: "secrets", want: "redact"},
		{name: "flag over input", args: []string{"--secrets", "off"}, env: map[string]string{"INPUT_SECRETS": "redact"},
			option: "secrets", want: "off"},
		{name: "hyphens stay", env: map[string]string{"INPUT_DISPATCH-TO": "a/b\n"}, option: "dispatch-to",
			want: "a/b"},
		{name: "empty input is none", env: map[string]string{"INPUT_SECRETS": ""}, option: "secrets", want: "fail"},
		{name: "among arguments", args: []string{"coach", "--now", "x", "review", "--force"}, option: "now", want: "x",
			positional: "coach review"},
		{name: "after a double dash", args: []string{"--", "--now"}, option: "now", want: "", positional: "--now"},
		{name: "switch", args: []string{"--force"}, option: "force", want: "true"},
		{name: "switch off", args: []string{"--force=false"}, env: map[string]string{"INPUT_FORCE": "true"},
			option: "force", want: "false"},
		{name: "switch as input", env: map[string]string{"INPUT_DRY-RUN": "True"}, option: "dry-run", want: "true"},
		{name: "repeated list", args: []string{"--dispatch-to", "a/b", "--dispatch-to=c/d"}, option: "dispatch-to",
			want: "a/b\nc/d"},
		{name: "repeated value, last wins", args: []string{"--now", "a", "--now", "b"}, option: "now", want: "b"},
		{name: "token from the environment", env: map[string]string{"GITHUB_TOKEN": "t"}, option: "token", want: "t"},
		{name: "dispatch token defaults to token", env: map[string]string{"INPUT_TOKEN": "t"}, option: "dispatch-token",
			want: "t"},
		{name: "dispatch token by name", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": "token"},
			option: "dispatch-token", want: "t"},
		{name: "dispatch token of a missing secret", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": "",
			"INPUT_HOST-WORKSPACE": "/work"}, option: "dispatch-token", want: ""},
		{name: "no action.yml, as with docker://", env: map[string]string{"INPUT_TOKEN": "t", "INPUT_DISPATCH-TOKEN": ""},
			option: "dispatch-token", want: "t"},
		{name: "empty dispatch token", args: []string{"--dispatch-token", ""}, env: map[string]string{"INPUT_TOKEN": "t"},
			option: "dispatch-token", want: ""},
		{name: "one hyphen", args: []string{"-now", "x"}, option: "now", want: "x"},
		{name: "a hyphen alone", args: []string{"-"}, option: "now", positional: "-"},
		{name: "a hyphen as value", args: []string{"--from", "-"}, option: "from", want: "-"},
		{name: "a value with an equals sign", args: []string{"--now=a=b"}, option: "now", want: "a=b"},
		{name: "an empty value", args: []string{"--now="}, option: "now", want: ""},
		{name: "unknown flag", args: []string{"--frobnicate"},
			err: "there is no flag --frobnicate: see action prepare --help"},
		{name: "unknown flag with a secret", args: []string{"--tokn=s3cret"},
			err: "there is no flag --tokn: did you mean --token? If not: see action prepare --help"},
		{name: "flags of this command are near", args: []string{"--fail-oin"}, err: "there is no flag --fail-oin: see"},
		{name: "three hyphens", args: []string{"---now", "x"}, err: "there is no flag ---now"},
		{name: "no name", args: []string{"--=x"}, err: "there is no flag --: see"},
		{name: "no value", args: []string{"--now"}, err: "--now needs a value, as in --now TIME: see action prepare --help"},
		{name: "arguments and the flag", args: []string{"coach", "--agents", "all"},
			err: "action prepare gets agents as arguments and with --agents: leave one of them out"},
		{name: "arguments and the flag with its default", args: []string{"--agents", "due", "coach"}, err: "leave one"},
		{name: "arguments over the input", args: []string{"coach"}, env: map[string]string{"INPUT_AGENTS": "all"},
			option: "agents", want: "all", positional: "coach"},
		{name: "flag of another command", args: []string{"--fail-on", "warning"}, err: "does not take --fail-on"},
		{name: "flag only, no input", env: map[string]string{"INPUT_TIMEZONE": "Europe/Berlin"}, option: "timezone",
			want: "UTC"},
		{name: "base is a flag only", env: map[string]string{"INPUT_BASE": "old.yml"}, option: "base", want: ""},
		{name: "now is an input", env: map[string]string{"INPUT_NOW": "x"}, option: "now", want: "x"},
		{name: "bad switch", env: map[string]string{"INPUT_FORCE": "maybe"},
			err: `input force is "maybe", must be true or false`},
		{name: "bad switch flag", args: []string{"--force=maybe"}, err: `--force is "maybe", must be true or false`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts, positional, err := Parse("prepare", tt.args, func(key string) string { return tt.env[key] })
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if opts[tt.option] != tt.want || strings.Join(positional, " ") != tt.positional {
				t.Errorf("got %q and %q, want %q and %q", opts[tt.option], positional, tt.want, tt.positional)
			}
		})
	}
}
