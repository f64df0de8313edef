package prepare

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// The bundle has the end or the beginning of a large file, in whole lines if the file has
// short ones.
func TestTruncated(t *testing.T) {
	t.Parallel()
	const memory, prompt, metrics = ".kaizen/agents/coach/memory.md", "agents/coach.md", ".kaizen/metrics/coach.json"
	line := strings.Repeat("ü", 49) + ".\n" // 100 bytes
	long := strings.Repeat(line, 3000)
	oneLine := strings.Repeat("日", MaxFile)
	tests := []struct {
		name, path, content string
		part                string
		state               State
		want                string // of the content
		message             string
	}{
		{"memory that just fits", memory, strings.Repeat("x", MaxFile), "memory", Verbatim,
			strings.Repeat("x", MaxFile), ""},
		{"memory", memory, long, "memory", Truncated, long[len(long)-2621*len(line):],
			`the memory of agent "coach" has 300000 bytes, more than 262144: the bundle omits its first 37900 bytes`},
		{"memory, cut where a line starts", memory, "a\n" + strings.Repeat("x", MaxFile-1) + "\n", "memory", Truncated,
			strings.Repeat("x", MaxFile-1) + "\n",
			`the memory of agent "coach" has 262146 bytes, more than 262144: the bundle omits its first 2 bytes`},
		{"memory of one line", memory, oneLine + "\n", "memory", Truncated, strings.Repeat("日", MaxFile/3) + "\n",
			`the memory of agent "coach" has 786433 bytes, more than 262144: the bundle omits its first 524289 bytes`},
		{"memory of Windows lines", memory, strings.Repeat("ab\r\n", MaxFile/4) + "abc\r\n", "memory", Truncated,
			strings.Repeat("ab\r\n", MaxFile/4-2) + "abc\r\n",
			`the memory of agent "coach" has 262149 bytes, more than 262144: the bundle omits its first 8 bytes`},
		{"prompt", prompt, long, "prompt", Truncated, long[:2621*len(line)],
			`the prompt of agent "coach" has 300000 bytes, more than 262144: the bundle omits its last 37900 bytes`},
		{"prompt of one line", prompt, oneLine, "prompt", Truncated, strings.Repeat("日", MaxFile/3),
			`the prompt of agent "coach" has 786432 bytes, more than 262144: the bundle omits its last 524289 bytes`},
		{"metrics", metrics, "{}" + strings.Repeat(" ", MaxFile), "metrics", Omitted, "",
			`the metrics of agent "coach" has 262146 bytes, more than 262144: the bundle omits its content`},
	}
	for _, tt := range tests {
		for _, format := range []Format{Markdown, JSON} {
			t.Run(tt.name+"/"+string(format), func(t *testing.T) {
				t.Parallel()
				files := with(map[string]string{prompt: "p"}, map[string]string{tt.path: tt.content})
				b, findings := must(t, newTree(t, files), coach(format))
				got, err := extract(b, tt.part)
				if tt.state == Omitted && format == Markdown {
					got, err = nil, nil // Markdown says so instead
				}
				if err != nil || string(got) != tt.want || !utf8.Valid(got) {
					t.Errorf("the bundle has %d bytes, %v; want %d", len(got), err, len(tt.want))
				}
				var messages []string
				for _, f := range findings {
					if f.Rule == diag.LargeFile.ID {
						messages = append(messages, f.Message)
					}
				}
				if strings.Join(messages, "\n") != tt.message {
					t.Errorf("findings %v, want %q", findings, tt.message)
				}
				checkLeftOut(t, b, tt.part, tt.state, len(tt.content)-len(tt.want))
			})
		}
	}
}

// checkLeftOut checks what the bundle says about a part that it omits or truncates.
func checkLeftOut(t *testing.T, b *Bundle, part string, state State, leftOut int) {
	t.Helper()
	want := fmt.Sprintf(`"state": %q,`, state)
	if b.Format == Markdown {
		want = "\n- content: " + string(state) + ", "
	}
	if state == Truncated {
		end := map[string]string{"memory": "first", "prompt": "last"}[part]
		want = fmt.Sprintf("%s\n    \"left_out\": %d,", want, leftOut)
		if b.Format == Markdown {
			want = fmt.Sprintf("\n- left out: the %s %d bytes of the file; read them from the checkout\n"+
				"- content: truncated, ", end, leftOut)
		}
	}
	if !strings.Contains(string(b.Content), want) {
		t.Errorf("the bundle does not say %q", want)
	}
	if part == "memory" && (!b.HasMemory || b.Memory.LeftOut != int64(leftOut)) {
		t.Errorf("has memory: %v, %+v", b.HasMemory, b.Memory)
	}
}

// A cut through a secret does not hide the rest of it. Positions are those in the file.
func TestTruncatedSecrets(t *testing.T) {
	t.Parallel()
	const memory, prompt = ".kaizen/agents/coach/memory.md", "agents/coach.md"
	key := "-----BEGIN PRIVATE" + " KEY-----\n" + strings.Repeat(fixture.Random(fixture.Alnum, 64)+"\n", 40) +
		"-----END PRIVATE" + " KEY-----\n"
	fill := func(n int) string { return strings.Repeat("x", n-1) + "\n" }
	tests := []struct {
		name, path, content string
		want                []string
	}{
		{"before the cut", memory, githubToken + "\n" + fill(MaxFile), []string{"0:0 large-file"}},
		{"behind the cut", memory, "1\n2\n" + strings.Repeat("x\n", MaxFile/2) + githubToken,
			[]string{"0:0 large-file", "131075:1 secret"}},
		{"a key that the cut goes through", memory, "1\n" + key + strings.Repeat("x\n", MaxFile/2-500),
			[]string{"0:0 large-file", "29:1 secret"}},
		{"a token that the cut goes through", memory, "x" + githubToken + strings.Repeat(" ", MaxFile-20) + "\n",
			[]string{"0:0 large-file", "0:0 secret"}},
		{"a key at the end of the content", prompt, strings.Repeat("x\n", MaxFile/2-500) + key,
			[]string{"0:0 large-file", "130573:1 secret"}},
		{"a token at the end of the content", prompt, strings.Repeat(" ", MaxFile-20) + githubToken,
			[]string{"0:0 large-file", "1:262125 secret"}},
		{"after the content", prompt, fill(MaxFile) + githubToken, []string{"0:0 large-file"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := coach(JSON)
			in.Secrets = SecretsRedact
			b, findings := must(t, newTree(t, with(map[string]string{prompt: "p"},
				map[string]string{tt.path: tt.content})), in)
			var got []string
			for _, f := range findings {
				if f.File == tt.path {
					got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Rule))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("findings %q, want %q", got, tt.want)
			}
			for _, piece := range []string{githubToken[:20], githubToken[20:], key[100:130],
				key[len(key)-100 : len(key)-70]} {
				if strings.Contains(string(b.Content), piece) {
					t.Errorf("the bundle has a piece of a secret: %q", piece)
				}
			}
		})
	}
}

// A huge memory is not read whole; the bundle has its end.
func TestTruncatedSparse(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "p"})
	addAll(t, tree.Dir(), map[string]string{".kaizen/agents/coach/memory.md": fmt.Sprint(maxDigest + 1)})
	b, findings := must(t, tree, coach(Markdown))
	content, err := extract(b, "memory")
	if err != nil || len(content) != MaxFile || b.Memory.SHA256 != "" || b.Memory.LeftOut != maxDigest+1-MaxFile {
		t.Errorf("%d bytes, %v, %+v", len(content), err, b.Memory)
	}
	if !has(findings, diag.LargeFile.ID, b.Memory.Path) || !has(findings, diag.InvalidUTF8.ID, b.Memory.Path) {
		t.Errorf("findings %v", findings)
	}
}
