package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

// runReceiver runs `action receive` outside of Actions with these variables.
func runReceiver(t *testing.T, env map[string]string, args ...string) (code int, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), append([]string{"receive", "--target", t.TempDir()}, args...), streams{
		getenv: func(name string) string { return env[name] }, stdin: strings.NewReader(""), stdout: &out,
		stderr: &errs, now: time.Now, signals: func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithCancel(ctx)
		},
	})
	return code, errs.String()
}

func TestServiceUsage(t *testing.T) {
	t.Parallel()
	service := []string{"--durable", "agents", "--nats-url", "nats://127.0.0.1:1", "--allow", "acme/*"}
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"program without a consumer", []string{"--", "true"}, 2, "name its consumer with --durable"},
		{"no program", service, 2, "there is no program to run: write it after --"},
		{"program that does not exist", append(service, "--", "/no/such"), 2, `"/no/such" cannot be run`},
		{"no server", []string{"--durable", "agents", "--allow", "acme/*", "--", "true"}, 2, "nats-url is empty"},
		{"durable", append(service, "--durable=a.b", "--", "true"), 2, `durable is "a.b", must be at most 64 letters`},
		{"workers", append(service, "--workers=0", "--", "true"), 2, `workers is "0", must be a number from 1 to 1000`},
		{"timeout", append(service, "--run-timeout=1", "--", "true"), 2, `run-timeout is "1", must be a duration`},
		{"secret of the action", append(service, "--pass-env=INPUT_TOKEN", "--", "true"), 2,
			`pass-env lists "INPUT_TOKEN"`},
		{"secret of the runner", append(service, "--pass-env=ACTIONS_RUNTIME_TOKEN", "--", "true"), 2,
			`pass-env lists "ACTIONS_RUNTIME_TOKEN"`},
		{"metrics", append(service, "--metrics-addr=x", "--", "true"), 3, `metrics-addr "x" is not an address`},
		{"server out of reach", append(service, "--", "true"), 3, "connection refused: nothing listens there"},
		{"missing file", append(service, "--nats-creds=@/no/such", "--", "true"), 2, "nats-creds: stat /no/such"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stderr := runReceiver(t, nil, tt.args...)
			if code != tt.code || !strings.Contains(stderr, tt.want) {
				t.Errorf("got %d and %s, want %d and %q", code, stderr, tt.code, tt.want)
			}
		})
	}
}
