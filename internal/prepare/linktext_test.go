package prepare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const lfsPointer = "version https://git-lfs.github.com/spec/v1\n" +
	"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"

func TestIsLFSPointer(t *testing.T) {
	t.Parallel()
	const oid = "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
	tests := []struct {
		name, data string
		want       bool
	}{
		{"as the specification shows it", lfsPointer, true},
		{"Windows line ends", strings.ReplaceAll(lfsPointer, "\n", "\r\n"), true},
		{"the name before 2014", strings.Replace(lfsPointer, "git-lfs", "hawser", 1), true},
		{"an extension", strings.Replace(lfsPointer, "oid", "ext-0-foo sha256:1\noid", 1), true},
		{"empty", "", false},
		{"no oid", strings.Replace(lfsPointer, oid, "", 1), false},
		{"no size", strings.Split(lfsPointer, "size")[0], false},
		{"text before it", "A pointer:\n" + lfsPointer, false},
		{"another version", strings.Replace(lfsPointer, "v1", "v10", 1), false},
		{"too long", lfsPointer + strings.Repeat("x", 1024), false},
	}
	for _, tt := range tests {
		if got := IsLFSPointer([]byte(tt.data)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Check and Prepare report a file that only refers to another one.
func TestLinkTextAndLFS(t *testing.T) {
	t.Parallel()
	const prompt, memory = ".claude/agents/coach.md", ".kaizen/agents/coach/memory.md"
	const summary, runs = ".kaizen/metrics/coach/summary.json", ".kaizen/metrics/coach/executions.jsonl"
	const emptyPrompt = "empty-prompt: the prompt " + prompt + ` of agent "coach" `
	lfs := func(part string) []string {
		return []string{"git-lfs: the " + part +
			` of agent "coach" is a Git LFS pointer: the file itself was not fetched`}
	}
	link := func(part, text string) string {
		return fmt.Sprintf(`link-as-text: the %s of agent "coach" is only the path %q: `+
			"a symbolic link that was checked out as text", part, text)
	}
	tests := []struct {
		name  string
		files map[string]string
		entry schedule.Entry
		want  []string
		stops bool
	}{
		{name: "prompt in LFS", files: map[string]string{prompt: lfsPointer}, want: lfs("prompt"), stops: true},
		{name: "memory in LFS", files: map[string]string{prompt: "p", memory: lfsPointer}, want: lfs("memory"),
			stops: true},
		{name: "summary in LFS", files: map[string]string{prompt: "p", summary: lfsPointer}, want: lfs("metrics"),
			stops: true},
		{name: "executions in LFS", files: map[string]string{prompt: "p", runs: lfsPointer}, want: lfs("metrics"),
			stops: true},
		{name: "named metrics in LFS", files: map[string]string{prompt: "p", "m/executions.jsonl": lfsPointer},
			entry: schedule.Entry{Metrics: "m"}, want: lfs("metrics"), stops: true},
		{name: "a pointer does not have the content", files: map[string]string{prompt: "p", "SCOPE.md": lfsPointer,
			"workplans/a": lfsPointer}},

		{name: "prompt as a link's text", files: map[string]string{prompt: "../../docs/prompts/coach.md",
			"docs/prompts/coach.md": "p"},
			want: []string{link("prompt", "../../docs/prompts/coach.md")}},
		{name: "with a line end", files: map[string]string{prompt: "reviewer.md\n", ".claude/agents/reviewer.md": "p"},
			want: []string{link("prompt", "reviewer.md")}},
		{name: "memory and pointer",
			files: map[string]string{prompt: "p", memory: "../../../notes.md", "notes.md": "n",
				"SCOPE.md":      "docs/scope.md",
				"docs/scope.md": "s"},
			want: []string{link("memory", "../../../notes.md"), link("pointer", "docs/scope.md")}},
		{name: "a directory above",
			files: map[string]string{"prompts/coach.md": "p", ".claude/agents": "../prompts", "agents/coach.md": "p"},
			want:  []string{link("prompt", "../prompts")}},
		{name: "a directory above two patterns", files: map[string]string{"prompts/coach.md": "p", ".github": "prompts",
			prompt: "p"},
			want: []string{link("prompt", "prompts")}},
		{name: "workplans", files: map[string]string{prompt: "p", "docs/plans/a": "a", "workplans": "docs/plans"},
			want: []string{link("pointer", "docs/plans")}},
		{name: "a path that does not exist", files: map[string]string{prompt: "../../docs/coach.md"},
			want: []string{link("prompt", "../../docs/coach.md") + ", and that file does not exist"}},
		{name: "a path and more", files: map[string]string{prompt: "Read docs/coach.md"}},
		{name: "a word with an extension", files: map[string]string{prompt: "coach.md"}},
		{name: "a path without an extension", files: map[string]string{prompt: "docs/coach"}},
		{name: "a path out of the checkout", files: map[string]string{prompt: "../../../../../../etc/passwd"}},
		{name: "an absolute path", files: map[string]string{prompt: "/etc/passwd"}},
		{name: "its own name, and a directory it is in", files: map[string]string{prompt: "coach.md", memory: "..",
			"SCOPE.md": "."}},
		{name: "two lines", files: map[string]string{prompt: "reviewer.md\nreviewer.md",
			".claude/agents/reviewer.md": "p"}},

		{name: "empty prompt", files: map[string]string{"agents/coach.md": "\ufeff"},
			want: []string{`empty-prompt: the prompt agents/coach.md of agent "coach" has only white space`}},
		{name: "white space", files: map[string]string{prompt: " \n\t\r\n\u00a0"},
			want: []string{`empty-prompt: the prompt .claude/agents/coach.md of agent "coach" has only white space`}},
		{name: "front matter alone", files: map[string]string{prompt: "\ufeff---\r\nname: coach\r\n---\r\n\r\n"},
			want: []string{`empty-prompt: the prompt .claude/agents/coach.md of agent "coach" has only front matter`}},
		{name: "empty front matter alone", files: map[string]string{prompt: "---\n---"},
			want: []string{`empty-prompt: the prompt .claude/agents/coach.md of agent "coach" has only front matter`}},
		{name: "front matter that is not closed",
			files: map[string]string{prompt: "---\r\nname: coach\r\ntools:\r\n  - Read\r\n"},
			want:  []string{emptyPrompt + "has only front matter"}},
		{name: "front matter that ends with dots", files: map[string]string{prompt: "---\nname: coach\n...\n"},
			want: []string{emptyPrompt + "has only front matter"}},
		{name: "text after dots", files: map[string]string{prompt: "---\nname: coach\n...\ntext\n"}},
		{name: "text in front matter that is not closed",
			files: map[string]string{prompt: "---\nname: coach\n\nHelp the team.\n"}},
		{name: "a list after a rule", files: map[string]string{prompt: "---\n- Help the team.\n"}},
		{name: "a heading after a rule", files: map[string]string{prompt: "---\n# Help the team\n"}},
		{name: "a rule", files: map[string]string{prompt: "---"},
			want: []string{emptyPrompt + "has only front matter"}},
		{name: "a comment", files: map[string]string{prompt: "<!-- to\nbe written -->\n<!-- later -->"},
			want: []string{emptyPrompt + "has only a comment"}},
		{name: "front matter and a comment",
			files: map[string]string{prompt: "---\nname: coach\n---\n<!-- later -->\n"},
			want:  []string{emptyPrompt + "has only front matter and a comment"}},
		{name: "text beside a comment", files: map[string]string{prompt: "<!-- a --> text <!-- b -->"}},
		{name: "text between rules", files: map[string]string{prompt: "---\na: b\n---\ntext\n---\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := coach(JSON)
			in.Entry.Metrics = tt.entry.Metrics
			if got := checkOne(t, tt.files, in.Entry); !slices.Equal(got, tt.want) {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
			b, findings, err := Prepare(t.Context(), NewFiles(newTree(t, tt.files), nil), in)
			if err != nil || (b == nil) != tt.stops || !slices.Equal(texts(findings), tt.want) {
				t.Errorf("Prepare: bundle %v, %q, %v; want %q", b != nil, texts(findings), err, tt.want)
			}
		})
	}
}

// A file without bytes is reported as empty.
func TestEmptyPrompt(t *testing.T) {
	t.Parallel()
	want := []string{`empty-prompt: the prompt agents/coach.md of agent "coach" is empty`}
	if got := checkOne(t, map[string]string{"agents/coach.md": ""}, coach(JSON).Entry); !slices.Equal(got, want) {
		t.Errorf("Check = %q, want %q", got, want)
	}
}
