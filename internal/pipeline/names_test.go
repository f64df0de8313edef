package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A secret in a name or a path makes the manifest invalid. No finding repeats it.
func TestSecretNames(t *testing.T) {
	t.Parallel()
	token := "ghp_" + fixture.Random(fixture.Alnum, 36)
	const agent = "version: \"1\"\nrepo: web\nagents:\n  coach:\n    cadence: weekly\n"
	for name, manifest := range map[string]string{
		"agent":        strings.Replace(agent, "coach", token, 1),
		"slug":         strings.Replace(agent, "web", token, 1),
		"label":        agent + "    pointers:\n      " + token + ": SCOPE.md\n",
		"pointer":      agent + "    pointers:\n      scope: docs/" + token + ".md\n",
		"prompt":       agent + "    prompt: agents/" + token + ".md\n",
		"memory":       agent + "    memory: agents/" + token + ".md\n",
		"metrics":      agent + "    metrics: metrics/" + token + "\n",
		"rule":         agent + "    prompt: " + token + ".md # kaizen-ignore: " + token + "\n",
		"with warning": strings.Replace(agent, "repo: web", "timezone: EST", 1) + "    prompt: " + token + "\n",
	} {
		m, findings := LoadManifest("schedule.yml", []byte(manifest), "")
		if m != nil {
			t.Errorf("%s: the manifest is valid", name)
		}
		found := false
		for _, f := range findings {
			found = found || f.Rule == diag.Secret.ID && f.Severity == diag.Error && f.Line > 0
			if fixture.Reveals(fmt.Append(nil, f), token) {
				t.Errorf("%s: %v", name, f)
			}
		}
		if !found {
			t.Errorf("%s: %v", name, findings)
		}
	}
	_, findings := LoadManifest("schedule.yml", []byte("version: \"1\"\nagents: {coach: {cadence: weekly}}\n"), token)
	if !slices.ContainsFunc(findings, func(f diag.Finding) bool { return f.Rule == diag.Secret.ID }) {
		t.Errorf("the repository's name: %v", findings)
	}
}
