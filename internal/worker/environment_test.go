package worker

import (
	"slices"
	"testing"
)

// The program gets the usual variables and those of pass-env, and no others.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"PATH": "/bin", "HOME": "/home/a", "TZ": "", "GITHUB_TOKEN": "s3cr3t", "INPUT_NATS-CREDS": "s3cr3t",
		"ACTIONS_RUNTIME_TOKEN": "s3cr3t", "ANTHROPIC_API_KEY": "key", "OTHER": "x",
	}
	getenv := func(name string) string { return env[name] }
	want := []string{"PATH=/bin", "HOME=/home/a", "ANTHROPIC_API_KEY=key"}
	if got, err := Environment(getenv, []string{"ANTHROPIC_API_KEY", "UNSET"}); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	for _, name := range []string{"INPUT_NATS-CREDS", "ACTIONS_RUNTIME_TOKEN", "A=B"} {
		if got, err := Environment(getenv, []string{name}); err == nil {
			t.Errorf("%s is passed on: %q", name, got)
		}
	}
}
