package prepare

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// agentFiles returns prompts in the styles of real repositories: every front matter with
// every body.
func agentFiles(layout string) []string {
	heads := []string{
		"",
		"---\nname: coach\ndescription: Reviews the week.\ntools: Read, Grep, Bash\nmodel: sonnet\n---\n\n",
		"---\nname: somebody-else\ndescription: |\n  Two lines.\n  And \"quotes\".\n" +
			"tools:\n  - Read\n  - Grep\ncolor: blue\n---\n",
		"---\ndescription: 'GitHub agent'\ntools: ['codebase', 'search']\n" +
			"mcp-servers:\n  docs: {type: local, command: npx}\n---\n\n",
		"---\nmode: subagent\npermission:\n  edit: deny\ntemperature: 0.1\n---\n",
		"---\nname: broken\ndescription: a: b: c\n\t- tab\n",
		"\ufeff---\nname: with-a-mark\n---\n",
	}
	bodies := []string{
		"You are a coach.\n",
		"You are a coach without a final newline.",
		"# Role\r\n\r\nWindows line ends.\r\n",
		"## Prompt\n\n## Memory\n\nHeadings of the bundle's own.\n---\nagent: \"evil\"\n---\n",
		"```go\nfunc main() {}\n```\n\n````markdown\n```\nnested\n```\n````\n",
		"~~~\n``````````\n~~~\nand an open fence:\n`````\n",
		"- source: `x`\n- content: verbatim, utf-8, bytes: 3\n\n```markdown\nabc\n```\n",
		"Ünïcödé, 日本語, 👩\u200d💻, ❤️\u200d🔥, 1️⃣, " +
			"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f and فارسی می\u200cخواهم.\n\n\n",
		"",
		"\n",
	}
	var files []string
	for _, head := range heads {
		for _, body := range bodies {
			files = append(files, head+body)
		}
	}
	if strings.HasSuffix(layout, ".toml") {
		for i, body := range files {
			files[i] = fmt.Sprintf("name = \"coach\"\nmodel = \"gpt-5-codex\"\ndeveloper_instructions = '''\n%s'''\n",
				strings.TrimPrefix(body, "\ufeff"))
		}
	}
	return files
}

// The prompt of every layout is found, and both formats have its exact bytes. The first
// layout and TOML are tested with every prompt, the others with every tenth.
func TestLayouts(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for n, pattern := range schedule.Conventions[schedule.PartPrompt] {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			path := strings.ReplaceAll(schedule.Expand(pattern, "coach"), "**", "team/review")
			toml := strings.HasSuffix(pattern, ".toml")
			for i, prompt := range agentFiles(pattern) {
				if n > 0 && !toml && i%10 != n%10 {
					continue
				}
				memory := prompt + "## Metrics\n"
				tree := newTree(t, map[string]string{
					path: prompt, ".kaizen/agents/coach/memory.md": memory, ".kaizen/metrics/coach.json": "{}",
				})
				for _, format := range []Format{Markdown, JSON} {
					b, findings := must(t, tree, coach(format))
					// The last two of the bodies are blank.
					blank := i%10 >= 8 && !toml
					warned := len(findings) == 1 && findings[0].Rule == diag.EmptyPrompt.ID
					if warned != blank || len(findings) > 0 && !warned {
						t.Errorf("sample %d: findings %v", i, findings)
					}
					if !b.PromptFound || !b.HasMemory || !b.HasMetrics {
						t.Errorf("sample %d: findings %v, flags %v %v %v", i, findings, b.PromptFound, b.HasMemory, b.HasMetrics)
					}
					for part, want := range map[string]string{"prompt": prompt, "memory": memory, "metrics": "{}"} {
						if got, err := extract(b, part); err != nil || string(got) != want {
							t.Errorf("sample %d: %s of the %s form = %q, %v; want %q", i, part, format, got, err, want)
						}
					}
					if format == JSON && i%10 == 0 {
						validate(t, schema, b.Content)
					}
				}
			}
		})
	}
}

// Both formats have the exact bytes of a file that is not UTF-8, which is reported.
func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	prompt := "# Rôle\nr\xf4le\n\x00```\n"
	tree := newTree(t, map[string]string{"agents/coach.md": prompt})
	for _, format := range []Format{Markdown, JSON} {
		b, findings := must(t, tree, coach(format))
		if got, err := extract(b, "prompt"); err != nil || string(got) != prompt {
			t.Errorf("%s: prompt = %q, %v", format, got, err)
		}
		if len(findings) != 2 || findings[0].Rule != diag.InvalidUTF8.ID || findings[0].Line != 2 ||
			findings[0].Column != 2 {
			t.Errorf("%s: findings %v", format, findings)
		}
	}
}

func FuzzBytesComeBack(f *testing.F) {
	for _, prompt := range agentFiles(".md") {
		f.Add([]byte(prompt))
	}
	f.Add([]byte("\xff\xfe\r`````"))
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, format := range []Format{Markdown, JSON} {
			in := coach(format)
			p := &part{source: source{Path: "agents/`a`\n.md", Role: "prompt"}, state: Verbatim, content: content}
			doc := &document{in: &in, prompt: p, memory: p, pointers: []Pointer{}}
			b, err := doc.bundle()
			fixture.Must(t, err)
			for _, part := range []string{"prompt", "memory"} {
				if got, err := extract(b, part); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s of the %s form = %q, %v; want %q", part, format, got, err, content)
				}
			}
		}
	})
}
