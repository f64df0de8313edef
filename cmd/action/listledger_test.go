package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// TestListOnATerminal checks which ledger list reads outside Actions: with a token that of
// the repository, which the environment or the remote names, and else the directory. It
// names the one that it read.
func TestListOnATerminal(t *testing.T) {
	t.Parallel()
	token := map[string]string{"GITHUB_TOKEN": jobToken}
	for _, tt := range []struct {
		name        string
		vars        map[string]string
		remote      string
		want, state string
	}{
		{"no token", nil, "", "the directory .kaizen/prepared", "first run at the next tick"},
		{"token and repository", map[string]string{"GITHUB_TOKEN": jobToken, "GITHUB_REPOSITORY": sampleRepo}, "",
			"the job artifacts of " + sampleRepo, "2026-W48 has a receipt"},
		{"token and remote", token, "git@github.com:" + sampleRepo + ".git", "the job artifacts of " + sampleRepo,
			"2026-W48 has a receipt"},
		{"remote on another server", token, "https://git.example/" + sampleRepo, "the directory .kaizen/prepared",
			"first run at the next tick"},
		{"no remote", token, "", "the directory .kaizen/prepared", "first run at the next tick"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.api.AddArtifact(ghtest.Artifact{Repository: sampleRepo, Name: coachThisWeek + ".receipt", RunID: 1,
				HeadBranch: "main"})
			if tt.remote != "" {
				for _, args := range [][]string{{"init", "-q"}, {"remote", "add", "origin", tt.remote}} {
					fixture.Must(t, exec.Command("git", append([]string{"-C", p.workspace}, args...)...).Run())
				}
			}
			vars := map[string]string{"GITHUB_API_URL": p.api.URL()}
			for name, value := range tt.vars {
				vars[name] = value
			}
			var stdout, stderr bytes.Buffer
			code := runWith(t, t.Context(), []string{"list", "--target", p.workspace, "--now", tuesday}, vars, &stdout,
				&stderr)
			if got := stdout.String(); code != exitOK || !strings.Contains(got, tt.state) ||
				!strings.HasSuffix(got, "\nThe ledger is "+tt.want+".\n") {
				t.Errorf("exit code %d\n%s%s", code, got, stderr.String())
			}
		})
	}
}
