package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkAgents prepares many agents in one process and reports its wall time and peak
// memory. The memory must not grow with the number of agents, because only the events
// stay. docs/bundles.md has the numbers.
//
// go test -run '^$' -bench Agents -benchtime 3x ./cmd/action
func BenchmarkAgents(b *testing.B) {
	for _, n := range []int{25, 250, 1900} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			dir := b.TempDir()
			writeAgents(b, dir, n, 6_000)
			var peak int64
			for b.Loop() {
				peak = max(peak, prepareAll(b, dir, n))
			}
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/float64(n), "ms/agent")
		})
	}
}

// writeAgents writes a checkout of n agents with 8 KB of prompt, memory as given in bytes
// and 50 executions each.
func writeAgents(tb testing.TB, dir string, n, memory int) {
	tb.Helper()
	line := "Look at the week: what was tried, what came of it, and which token of progress the team can show next " +
		"time.\n"
	manifest := "version: \"1\"\nrepo: fleet\nagents:\n"
	files := map[string]string{"SCOPE.md": "# Scope\n", "TODO.md": "# To do\n"}
	for i := range n {
		agent := fmt.Sprintf("agent%d", i)
		manifest += "  " + agent + ":\n    cadence: daily\n"
		files[".claude/agents/"+agent+".md"] = fmt.Sprintf("---\nname: %s\n---\n\n# %s\n\n%s", agent, agent,
			strings.Repeat(line, 75))
		files[".kaizen/agents/"+agent+"/memory.md"] = strings.Repeat("- "+line, memory/len("- "+line))
		files[".kaizen/metrics/"+agent+"/executions.jsonl"] = strings.Repeat(`{"timestamp":"2026-11-02T05:00:00Z","success":true,"execution_time_s":10,"quality_score":0.9}`+"\n", 50)
	}
	files[".kaizen/schedule.yml"] = manifest
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
}

// prepareAll prepares the n agents of dir in a process of its own and returns its peak
// memory in KiB.
func prepareAll(tb testing.TB, dir string, n int, more ...string) int64 {
	tb.Helper()
	out := filepath.Join(tb.TempDir(), "out")
	args := append([]string{"prepare", "--agents", "all", "--target", dir, "--out", out, "--emit", "stdout", "--now",
		tuesday}, more...)
	cmd := exec.CommandContext(tb.Context(), "action", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for peak := int64(0); ; {
		select {
		case err := <-done:
			if events := bytes.Count(stdout.Bytes(), []byte("\n")); err != nil || events != n {
				tb.Fatalf("%v, %d events of %d\n%s", err, events, n, &stderr)
			}
			return peak
		// the kernel keeps the maximum, so only growth after the last read is missed
		case <-time.After(2 * time.Millisecond):
			peak = max(peak, highWater(cmd.Process.Pid))
		}
	}
}

// highWater is the most memory in KiB that the process has had resident; 0 when it is
// gone.
func highWater(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib
}
