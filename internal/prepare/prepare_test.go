package prepare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// The same files give the same bytes at a different path, with a different umask, written
// in a different order.
func TestReproducible(t *testing.T) { // not parallel: the umask is the process's
	files := []string{
		"agents/agent-coach.md", "agents/coach.md", ".kaizen/agents/coach/memory.md",
		".kaizen/metrics/coach/executions.jsonl", "SCOPE.md", "docs/TODO.md",
	}
	var first *Bundle
	var before []diag.Finding
	for i, mask := range []int{0o022, 0o077, 0o000} {
		old := syscall.Umask(mask)
		dir := filepath.Join(fixture.TempDir(t), strings.Repeat("deeper/", i))
		for _, name := range files {
			path := filepath.Join(dir, name)
			fixture.Must(t, os.MkdirAll(filepath.Dir(path), 0o777))
			fixture.Must(t, os.WriteFile(path, []byte(`{"success": true, "time": 3}`+"\n"), 0o666))
		}
		syscall.Umask(old)
		slices.Reverse(files)
		for _, format := range []Format{Markdown, JSON} {
			b, findings := must(t, openTree(t, dir), coach(format))
			if format == JSON {
				continue
			}
			if first == nil {
				first, before = b, findings
			}
			if !bytes.Equal(b.Content, first.Content) || !bytes.Equal(b.Sources, first.Sources) ||
				!slices.Equal(findings, before) {
				t.Errorf("umask %03o: other bytes", mask)
			}
			if bytes.Contains(append(b.Content, b.Sources...), []byte(dir)) {
				t.Error("the bundle names an absolute path")
			}
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files map[string]string
		body  string
		want  []string // line:column rule
	}{
		{"as it should be", map[string]string{"agents/coach.md": "p"}, "  coach:\n    cadence: weekly\n", nil},
		{"no prompt", nil, "  coach:\n    cadence: weekly\n", []string{"4:3 no-prompt"}},
		{"no prompt, silenced", nil, "  coach: # kaizen-ignore: no-prompt\n    cadence: weekly\n", nil},
		{"no prompt, in flow", nil, "  tidy: {cadence: weekly, enabled: false}\n  coach: {cadence: weekly}\n",
			[]string{"5:3 no-prompt"}},
		{"no prompt, and its name is given", nil, "  coach: {cadence: weekly, prompt: p.md}\n",
			[]string{"4:36 missing-file"}},
		{"no prompt yet", map[string]string{"agents/review.md": "p"}, "  coach: {cadence: weekly, enabled: false}\n", nil},
		{"misspelt", map[string]string{"agents/coach.md": "p"}, "  coahc:\n    cadence: weekly\n",
			[]string{"4:3 misspelt-agent"}},
		{"misspelt, in another layout", map[string]string{".codex/agents/coach.toml": "p"},
			"  Coach: {cadence: weekly}\n", []string{"4:3 misspelt-agent"}},
		{"misspelt, disabled", map[string]string{"agents/coach.md": "p"},
			"  coahc: {cadence: weekly, enabled: false}\n", []string{"4:3 misspelt-agent"}},
		{"misspelt, an error that cannot be silenced", map[string]string{"agents/coach.md": "p"},
			"  coahc: {cadence: weekly} # kaizen-ignore: misspelt-agent\n", []string{"4:3 misspelt-agent"}},
		{"near an agent that has an entry", map[string]string{"agents/coach.md": "p"},
			"  coach: {cadence: weekly}\n  couch: {cadence: weekly}\n", []string{"5:3 no-prompt"}},
		{"near an agent that has a disabled entry", map[string]string{"agents/coach.md": "p"},
			"  coach: {cadence: weekly, enabled: false}\n  couch: {cadence: weekly}\n", []string{"5:3 no-prompt"}},
		{"two slips", map[string]string{"agents/optimization.md": "p"}, "  optmisation: {cadence: weekly}\n",
			[]string{"4:3 no-prompt"}},
		{"two prompts", map[string]string{"agents/coach.md": "p", ".claude/agents/coach.md": "p"},
			"  coach:\n    cadence: weekly\n", []string{"4:3 ambiguous-prompt"}},
		{"named", map[string]string{"agents/coach.md": "p", ".claude/agents/coach.md": "p"},
			"  coach:\n    cadence: weekly\n    prompt: agents/coach.md\n", nil},
		{"missing", map[string]string{"agents/coach.md": "p"},
			"  coach:\n    cadence: weekly\n    memory: m.md\n    pointers:\n      design: d.md\n",
			[]string{"6:13 missing-file", "8:15 missing-file"}},
		{"shared memory", map[string]string{"agents/a.md": "p", "agents/b.md": "p", "memory-bank/activeContext.md": "m"},
			"  a:\n    cadence: weekly\n  b:\n    cadence: weekly\n", []string{"6:3 convention-collision"}},
		{"shared on purpose", map[string]string{"agents/a.md": "p", "agents/b.md": "p", "memory-bank/activeContext.md": "m"},
			"  a:\n    cadence: weekly\n  b:\n    cadence: weekly\n    memory: memory-bank/activeContext.md\n", nil},
		{"two patterns, one prompt", map[string]string{"agents/agent-x.md": "p"},
			"  x:\n    cadence: weekly\n  agent-x:\n    cadence: weekly\n", []string{"6:3 convention-collision"}},
		{"long prompt", map[string]string{"agents/coach.md": strings.Repeat("ü", MaxPrompt+1)},
			"  coach:\n    cadence: weekly\n", []string{"4:3 long-prompt"}},
		{"prompt just short enough", map[string]string{"agents/coach.md": strings.Repeat("ü", MaxPrompt)},
			"  coach:\n    cadence: weekly\n", nil},
		{"directory in place", map[string]string{"agents/coach.md/x": ""}, "  coach:\n    cadence: weekly\n",
			[]string{"0:0 unreadable"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range check(t, load(t, "agents:\n"+tt.body), newTree(t, tt.files)) {
				got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Rule))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("Check = %q, want %q", got, tt.want)
			}
		})
	}
}

// The hint for a missing file or agent suggests a similar name.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files []string
		entry string
		want  string // the hint of the last finding
	}{
		{"an agent", []string{".claude/agents/coach.md"}, "coahc: {cadence: daily}", `did you mean "coach"?`},
		{"an agent of another layout", []string{".codex/agents/optimization.toml"}, "optmisation: {cadence: daily}",
			`did you mean "optimization"? If not, add .claude/agents/optmisation.md, or name the file with prompt:`},
		{"no agent is near", []string{".claude/agents/review.md"}, "coahc: {cadence: daily}",
			"add .claude/agents/coahc.md, or name the file with prompt:"},
		{"a directory is no prompt", []string{".claude/agents/coach.md/x"}, "coahc: {cadence: daily}",
			"add .claude/agents/coahc.md, or name the file with prompt:"},
		{"a prompt", []string{".claude/agents/coach.md"}, "a: {cadence: daily, prompt: .claude/agents/coahc.md}",
			`did you mean ".claude/agents/coach.md"?`},
		{"a memory", []string{"a.md", "notes/memory.md"},
			"a: {cadence: daily, prompt: a.md, memory: notes/memroy.md}", `did you mean "notes/memory.md"?`},
		{"metrics in a directory", []string{"a.md", ".kaizen/metrics/coach/summary.json"},
			"a: {cadence: daily, prompt: a.md, metrics: .kaizen/metrics/coahc}",
			`did you mean ".kaizen/metrics/coach"?`},
		{"a pointer at the root", []string{"a.md", "SCOPE.md"},
			"a: {cadence: daily, prompt: a.md, pointers: {scope: SCOEP.md}}", `did you mean "SCOPE.md"?`},
		{"a directory as a pointer", []string{"a.md", "plans/x"},
			"a: {cadence: daily, prompt: a.md, pointers: {plan: palns}}", `did you mean "plans"?`},
		{"a directory is no memory", []string{"a.md", "notes/x"},
			"a: {cadence: daily, prompt: a.md, memory: noets}",
			"add the file, correct the path, or remove the key to search by convention"},
		{"no such directory", []string{"a.md"}, "a: {cadence: daily, prompt: b/a.md}",
			"add the file, correct the path, or remove the key to search by convention"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := make(map[string]string)
			for _, name := range tt.files {
				files[name] = "x"
			}
			findings := check(t, load(t, "agents:\n  "+tt.entry+"\n"), newTree(t, files))
			if len(findings) == 0 || findings[len(findings)-1].Hint != tt.want {
				t.Errorf("Check = %+v, want the hint %q", findings, tt.want)
			}
		})
	}
}

// A link from one layout to another is not a second prompt.
func TestLinkedLayouts(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "p", ".claude/agents/.keep": ""})
	fixture.Must(t, os.Symlink("../../agents/coach.md", filepath.Join(tree.Dir(), ".claude/agents/coach.md")))
	if b, findings := must(t, tree, coach(Markdown)); !b.PromptFound || len(findings) > 0 {
		t.Errorf("findings %v", findings)
	}
}

func TestPointers(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{
		"agents/coach.md": "p", "docs/SCOPE.md": "s", "TODO.md": "t",
		"PLAN.md": "the plan", "docs/TODO.md": "other",
	})
	in := coach(JSON)
	in.Entry = load(t,
		"agents:\n  coach:\n    cadence: weekly\n    pointers: {plan: PLAN.md, todo: docs/TODO.md}\n").Entries[0]
	b, _ := must(t, tree, in)
	var got []string
	for _, p := range b.Pointers {
		got = append(got, p.Label+" "+p.Path)
	}
	if want := []string{"scope docs/SCOPE.md", "todo docs/TODO.md", "plan PLAN.md"}; !slices.Equal(got, want) {
		t.Errorf("pointers = %q, want %q", got, want)
	}
	if bytes.Contains(b.Content, []byte("the plan")) {
		t.Error("the bundle has a pointer's content")
	}
	if _, _, err := Prepare(t.Context(), NewFiles(tree, nil), Input{Entry: in.Entry, Format: "yaml"}); err == nil {
		t.Error("format yaml is accepted")
	}
}

// The bundle has a summary of executions, and a summary.json as it is. Both are checked.
func TestMetrics(t *testing.T) {
	t.Parallel()
	const runs, summary = ".kaizen/metrics/coach/executions.jsonl", ".kaizen/metrics/coach/summary.json"
	const record = `{"agent":"coach","success":true,"timestamp":"2026-11-02T05:00:00Z"}` + "\n"
	for _, tt := range []struct{ path, content, want string }{
		{runs, record, ""}, {runs, "[]\n" + record, "the summary omits 1 of 2 lines"},
		{summary, `{"execution_count": 1}`, ""}, {summary, `{"execution_count": -1}`, "is not a whole number"},
	} {
		b, findings := must(t, newTree(t, map[string]string{"agents/coach.md": "p", tt.path: tt.content}), coach(JSON))
		content, err := extract(b, "metrics")
		fixture.Must(t, err)
		if tt.path == runs && !strings.Contains(string(content), `"execution_count": 1`) ||
			tt.path == summary && string(content) != tt.content {
			t.Errorf("%q: the bundle has %q", tt.content, content)
		}
		if has(findings, diag.BadMetrics.ID, tt.path) != (tt.want != "") ||
			!strings.Contains(strings.Join(texts(findings), "\n"), tt.want) {
			t.Errorf("%q: findings %v, want %q", tt.content, findings, tt.want)
		}
	}
}

// A file that is not UTF-8 text is one finding.
func TestNotText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, prompt, want string }{
		{"UTF-16", "\xff\xfeH\x00e\x00l\x00p\x00", "invalid-utf8: the file is UTF-16, which the agent cannot read"},
		{"a picture", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01",
			"invalid-utf8: the file is binary, which the agent cannot read"},
		{"text", "Help the team.\n", ""},
	} {
		_, findings := must(t, newTree(t, map[string]string{"agents/coach.md": c.prompt}), coach(JSON))
		if got := strings.Join(texts(findings), "\n"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestHiddenUnicode(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": strings.Repeat("a\u200b\n", 50)})
	if _, findings := must(t, tree, coach(JSON)); len(findings) != maxHidden || findings[maxHidden-1].Line != maxHidden {
		t.Errorf("%d findings", len(findings))
	}
}

func TestFromJSON(t *testing.T) {
	t.Parallel()
	flags := `"agent_prompt_found": true, "has_memory": false, "has_metrics": true`
	tests := []struct{ name, data, labels, err string }{
		{"labels", `{` + flags + `, "pointers": ["scope", "todo"]}`, "scope todo", ""},
		{"with further keys",
			`{"agent": "coach", "root": "/x", "prompt": {"text": "p"}, ` + flags + `, "pointers": []}`, "", ""},
		{"objects", `{` + flags + `, "pointers": [{"label": "scope", "path": "SCOPE.md", "exists": true}]}`, "scope", ""},
		{"mapping", `{` + flags + `, "pointers": {"todo": "TODO.md", "scope": {"path": "SCOPE.md"}}}`, "scope todo", ""},
		{"other agent", `{"agent": "optimization", ` + flags + `, "pointers": []}`, "",
			`the bundle of "optimization", not of "coach"`},
		{"no flags", `{"pointers": []}`, "", "lacks one of the flags"},
		{"flag of another type", `{"agent_prompt_found": "yes", "pointers": []}`, "", "not a bundle"},
		{"no pointers", `{` + flags + `}`, "", `lacks "pointers"`},
		{"bad label", `{` + flags + `, "pointers": ["../x"]}`, "", "invalid label"},
		{"empty", ``, "", "not a bundle"},
		{"null", `null`, "", "not an object"},
		{"two documents", `{}{}`, "", "not a bundle"},
		{"not UTF-8", "{\"a\": \"\xff\"}", "", "not UTF-8"},
	}
	for _, tt := range tests {
		b, _, err := FromJSON(t.Context(), "given.json", []byte(tt.data), coach(Markdown))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
			} else if _, hint := advice.Split(err); hint == "" {
				t.Errorf("%s: error %v has no hint", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var labels []string
		for _, p := range b.Pointers {
			labels = append(labels, p.Label)
		}
		if strings.Join(labels, " ") != tt.labels || b.Format != JSON || string(b.Content) != tt.data ||
			!b.PromptFound || b.HasMemory || !b.HasMetrics {
			t.Errorf("%s: %+v", tt.name, labels)
		}
	}
}

// A finding about a command has the command's position, if the manifest has it.
func TestSessionCloseScan(t *testing.T) {
	t.Parallel()
	entry := load(t, "agents:\n  coach:\n    cadence: weekly\n    session_close:\n      - first\n"+
		"      - \"second "+githubToken+"\"\n      - \"third \\u202e and \\u2066\"\n").Entries[0]
	at := func(i int) string {
		pos := entry.Pos("session_close")
		if own := entry.Pos(fmt.Sprintf("session_close.%d", i)); own != entry.Pos("") {
			pos = own
		}
		return fmt.Sprintf("%d:%d", pos.Line, pos.Column)
	}
	secret, hidden := at(1)+" error secret", at(2)+" warning hidden-unicode"
	for policy, want := range map[Policy][]string{
		SecretsFail: {secret, hidden}, SecretsRedact: {strings.Replace(secret, "error", "warning", 1), hidden},
		SecretsOff: {hidden},
	} {
		in := coach(Markdown)
		in.Entry, in.Secrets = entry, policy
		_, findings, err := Prepare(t.Context(), NewFiles(newTree(t, map[string]string{"agents/coach.md": "p"}), nil), in)
		var got []string
		for _, f := range findings {
			got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Severity, f.Rule))
			if f.Rule == diag.HiddenUnicode.ID &&
				!strings.Contains(f.Message, "U+202E is invisible or changes the direction of text; 1 more follow") {
				t.Errorf("%q: %s", policy, f.Message)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v; want %q", policy, got, err, want)
		}
	}
}

// Given JSON is scanned like files. It is never changed, so a secret is an error under
// redact too.
func TestFromJSONScan(t *testing.T) {
	t.Parallel()
	data := "{\"agent_prompt_found\": true, \"has_memory\": false, \"has_metrics\": true, \"pointers\": [],\n" +
		" \"prompt\": {\"content\": \"line\\n" + strings.ReplaceAll(githubToken, "_", `\u005f`) +
		"\"},\n \"memory\": \"a\u202eb\\u2066c\"}"
	hidden := "given.json:3:12 hidden-unicode"
	for policy, want := range map[Policy][]string{
		"": {"given.json:2:24 secret", hidden}, SecretsFail: {"given.json:2:24 secret", hidden},
		SecretsRedact: {"given.json:2:24 secret", hidden}, SecretsOff: {hidden},
	} {
		in := coach(Markdown)
		in.Secrets = policy
		b, findings, err := FromJSON(t.Context(), "given.json", []byte(data), in)
		var got []string
		for _, f := range findings {
			got = append(got, fmt.Sprintf("%s:%d:%d %s", f.File, f.Line, f.Column, f.Rule))
			if strings.Contains(f.Message, githubToken[4:]) {
				t.Errorf("the finding shows the secret: %v", f)
			}
		}
		if err != nil || (b == nil) != (policy != SecretsOff) || !slices.Equal(got, want) {
			t.Errorf("%q: bundle %v, %q, %v; want %q", policy, b != nil, got, err, want)
		}
	}
	in := coach(Markdown)
	in.Entry.SessionClose = []string{"curl -H 'X-Token: " + githubToken + "'"}
	const minimal = `{"agent_prompt_found":true,"has_memory":true,"has_metrics":true,"pointers":[]}`
	b, findings, err := FromJSON(t.Context(), "given.json", []byte(minimal), in)
	if b != nil || err != nil || !has(findings, diag.Secret.ID, ".kaizen/schedule.yml") {
		t.Errorf("session_close: bundle %v, %v, %v", b != nil, findings, err)
	}
}

// A key reveals that its value is a secret, as in a file. A secret is reported once,
// whatever else is in the JSON.
func TestFromJSONKeys(t *testing.T) {
	t.Parallel()
	const password = "k8Jd92ks" + "lQpW"
	key := "-----BEGIN PRIVATE" + ` KEY-----\n` + fixture.Random(fixture.Alnum, 64) + `\n-----END PRIVATE` + ` KEY-----`
	tests := []struct{ name, member, want string }{
		{"nothing", `"note": "fine"`, ""},
		{"password", `"db_password":"` + password + `"`, "2:15"},
		{"API key", `"api_key": "` + fixture.Random(fixture.Alnum, 32) + `"`, "2:12"},
		{"AWS", `"aws_secret_access_key":"` + fixture.Random(fixture.Alnum, 40) + `"`, "2:25"},
		{"Twilio", `"twilio_auth_token":"` + fixture.Random(fixture.Hex, 32) + `"`, "2:21"},
		{"GCP", `"private_key_id":"` + fixture.Random(fixture.Hex, 40) + `"`, "2:18"},
		{"GCP's file", `"private_key_id":"` + fixture.Random(fixture.Hex, 40) + `","private_key":"` + key + `"`, "2:18 2:75"},
		{"known by itself", `"token":"` + githubToken + `"`, "2:9"},
		{"in a string that is JSON", `"content":"{\"db_password\":\"` + password + `\"}"`, "2:11"},
		{"one of each", `"content":"` + githubToken + `","db_password":"` + password + `"`, "2:11 2:68"},
		{"behind hidden characters",
			strings.Repeat(`"a":"\u202e",`, maxHidden) + `"b":"` + githubToken + `"`, "2:135"},
	}
	for _, tt := range tests {
		data := "{\"agent_prompt_found\": true, \"has_memory\": false, \"has_metrics\": true, \"pointers\": [],\n" +
			tt.member + "}"
		_, findings, err := FromJSON(t.Context(), "given.json", []byte(data), coach(Markdown))
		var got []string
		for _, f := range findings {
			if f.Rule == diag.Secret.ID {
				got = append(got, fmt.Sprintf("%d:%d", f.Line, f.Column))
			}
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: secrets at %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	many := `{"agent_prompt_found": true, "has_memory": false, "has_metrics": true, "pointers": [], "a": [` +
		strings.Repeat(`"`+githubToken+`",`, 50) + `""]}`
	_, findings, err := FromJSON(t.Context(), "given.json", []byte(many), coach(Markdown))
	if err != nil || len(findings) != maxSecrets {
		t.Errorf("%d findings, %v", len(findings), err)
	}
}

// FromJSON accepts the JSON that Prepare writes.
func TestFromOwnJSON(t *testing.T) {
	t.Parallel()
	b, _ := must(t, newTree(t, map[string]string{"agents/coach.md": "p", "TODO.md": "t"}), coach(JSON))
	agent, err := AgentOf(b.Content)
	if err != nil || agent != "coach" {
		t.Fatalf("AgentOf = %q, %v", agent, err)
	}
	again, findings, err := FromJSON(t.Context(), "given.json", b.Content, coach(Markdown))
	if len(findings) > 0 || err != nil || !bytes.Equal(again.Content, b.Content) ||
		again.PromptFound != b.PromptFound || len(again.Pointers) != 1 {
		t.Errorf("FromJSON = %+v, %v", again, err)
	}
	for _, data := range []string{`{}`, `{"agent": ""}`, `{"agent": "a b"}`, `[]`, ``, `{"agent": 1}`} {
		if agent, err := AgentOf([]byte(data)); err == nil {
			t.Errorf("AgentOf(%s) = %q", data, agent)
		}
	}
}

// verify checks the stored bundle in a directory, and compares it with the files of a
// checkout unless that is nil.
func verify(ctx context.Context, dir fs.FS, files *Files) ([]diag.Finding, error) {
	s, err := OpenStored(dir)
	if err != nil {
		return nil, err
	}
	findings := s.Check()
	if files != nil {
		var more []diag.Finding
		more, err = s.CheckSources(ctx, files)
		findings = append(findings, more...)
	}
	diag.Sort(findings)
	return findings, err
}

func TestVerify(t *testing.T) {
	t.Parallel()
	files := map[string]string{"agents/coach.md": "p", "SCOPE.md": "s"}
	b, _ := must(t, newTree(t, files), coach(Markdown))
	good := map[string]string{b.ContentName(): string(b.Content), SourcesName: string(b.Sources)}
	tests := []struct {
		name           string
		bundle, repo   map[string]string // changes; "" removes the file
		changed, fails string
	}{
		{"unchanged", nil, nil, "", ""},
		{"other bundle", map[string]string{"bundle.md": "x"}, nil, "bundle.md", ""},
		{"no bundle", map[string]string{"bundle.md": ""}, nil, "bundle.md", ""},
		{"other prompt", nil, map[string]string{"agents/coach.md": "q"}, "agents/coach.md", ""},
		{"no pointer", nil, map[string]string{"SCOPE.md": ""}, "SCOPE.md", ""},
		{"a file beside it", map[string]string{"bundle.json": "{}"}, nil, "bundle.json", ""},
		{"event and records beside it", map[string]string{"event.json": "{}", "receipt.json": "{}", "partial.json": "{}"},
			nil, "", ""},
		{"no sources", map[string]string{SourcesName: ""}, nil, "", "has no bundle"},
		{"broken sources", map[string]string{SourcesName: "{"}, nil, "sources.json is not the output of prepare", ""},
		{"sources that name another file", map[string]string{SourcesName: `{"bundle": {"name": "../../etc/passwd"}}`},
			nil, `sources.json names the bundle "../../etc/passwd", not bundle.md or bundle.json`, ""},
		{"large sources", map[string]string{SourcesName: strings.Repeat(" ", maxStored+1)}, nil,
			"sources.json is too large", ""},
		{"sources that leave the tree",
			map[string]string{SourcesName: strings.Replace(string(b.Sources), "SCOPE.md", "../x", 1)}, nil, "../x", ""},
	}
	for _, tt := range tests {
		dir := newTree(t, with(good, tt.bundle)).Dir()
		findings, err := verify(t.Context(), os.DirFS(dir), NewFiles(newTree(t, with(files, tt.repo)), nil))
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || (tt.changed == "") != (len(findings) == 0) || tt.changed != "" && !strings.HasPrefix(findings[0].File+" "+findings[0].Message, tt.changed) {
			t.Errorf("%s: %v, %v", tt.name, findings, err)
		}
	}
	if findings, err := verify(t.Context(), os.DirFS(newTree(t, good).Dir()), nil); err != nil || len(findings) > 0 {
		t.Errorf("without a checkout: %v, %v", findings, err)
	}
}

// TestVerifyHostileSources checks that a sources.json decides neither how much is read nor
// how much is reported.
func TestVerifyHostileSources(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "p"})
	sources := func(files string) fs.FS {
		text := `{"bundle":{"name":"bundle.md","size":1,"sha256":"x"},"commit":"` + strings.Repeat("c", 10_000) +
			`","files":[` + files + `]}`
		return fstest.MapFS{"bundle.md": {Data: []byte("x")}, SourcesName: {Data: []byte(text)}}
	}
	one := func(path, role string) string {
		return fmt.Sprintf(`{"path":"%s","role":"%s","size":1,"sha256":"%s"},`, path, role, strings.Repeat("f", 9999))
	}
	for name, tt := range map[string]struct {
		files string
		want  int
	}{
		"many files":  {strings.Repeat(one("agents/coach.md", "prompt"), 700), maxChanged + 1},
		"a long path": {one(strings.Repeat("x/", 100_000), "prompt"), 1},
		"a long role": {one("agents/coach.md", strings.Repeat("role ", 100_000)), 1},
		"a NUL":       {one("a\\u0000b", "\\u001b[31m"), 1},
	} {
		stored, err := OpenStored(sources(strings.TrimSuffix(tt.files, ",")))
		if err != nil {
			t.Fatal(err)
		}
		findings, err := stored.CheckSources(t.Context(), NewFiles(tree, nil))
		if err != nil || len(findings) != tt.want {
			t.Errorf("%s: %d findings, %v", name, len(findings), err)
		}
		for _, f := range findings {
			if n := len(f.File + f.Message); n > 1500 {
				t.Errorf("%s: a finding has %d bytes", name, n)
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify(ended, sources(strings.TrimSuffix(one("agents/coach.md", "prompt"), ",")), NewFiles(tree, nil)); !errors.Is(err,
		context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func with(files, changes map[string]string) map[string]string {
	all := make(map[string]string)
	for _, m := range []map[string]string{files, changes} {
		for name, content := range m {
			if all[name] = content; content == "" {
				delete(all, name)
			}
		}
	}
	return all
}

func BenchmarkPrepare250(b *testing.B) {
	files := map[string]string{"SCOPE.md": "s", "TODO.md": "t"}
	text := strings.Repeat("An ordinary line of a prompt, with a token or a password mentioned.\n", 100)
	for i := range 250 {
		files[fmt.Sprintf(".claude/agents/a%d.md", i)] = text
		files[fmt.Sprintf(".kaizen/agents/a%d/memory.md", i)] = text
		files[fmt.Sprintf(".kaizen/metrics/a%d/executions.jsonl", i)] = strings.Repeat(`{"success":true,"time":3}`+"\n", 50)
	}
	tree := newTree(b, files)
	b.ReportAllocs()
	for b.Loop() {
		for i := range 250 {
			in := coach(Markdown)
			in.Entry.Agent = fmt.Sprintf("a%d", i)
			must(b, tree, in)
		}
	}
}
