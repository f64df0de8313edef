package act

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestZZRecipe(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?s)```yaml\n(# In place.*?)```").FindSubmatch(readme)
	w := regexp.MustCompile(`npx --yes .*`).ReplaceAllString(string(m[1]), `head -c 700 "$$BUNDLE"`)
	if !strings.Contains(w, "head -c") {
		t.Fatal("no agent step")
	}
	l := newLab(t, "kaizen")
	s := newServer(t, l)
	l.write(t, ".github/workflows/readme-run.yml", w)
	log, err := l.act(t, runOptions{workflow: "readme-run.yml", trigger: "schedule", apiURL: s.URL(),
		secrets: map[string]string{"GITHUB_TOKEN": jobToken, "ANTHROPIC_API_KEY": "x"}})
	t.Logf("%v\n%s", err, log)
}
