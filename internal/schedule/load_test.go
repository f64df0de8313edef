package schedule

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// corpus has the directories ok, warn and err of manifests, each with its golden file.
const corpus = "../../testdata/manifests"

// corpusFiles returns the manifests in a directory of the corpus.
func corpusFiles(tb testing.TB, dir string) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(corpus, dir, "*.yml"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no manifests in %s: %v", dir, err)
	}
	return files
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	return []byte(fixture.Read(tb, name))
}

// golden compares got with the golden file beside a manifest.
func golden(t *testing.T, manifest, got string) {
	t.Helper()
	fixture.Golden(t, strings.TrimSuffix(manifest, ".yml")+".golden", got)
}

// TestErr compares the findings of every invalid manifest with its golden file.
func TestErr(t *testing.T) {
	t.Parallel()
	for _, file := range corpusFiles(t, "err") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			m, findings := Load(filepath.Base(file), readFile(t, file), Options{})
			if m != nil {
				t.Error("the manifest is not nil")
			}
			golden(t, file, listing(findings))
		})
	}
}

// listing returns one line for each finding.
func listing(findings []diag.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s:%d:%d: %s %s: %s | %s\n", f.File, f.Line, f.Column, f.Severity, f.Rule, f.Message, f.Hint)
	}
	return b.String()
}

// TestWarn compares the warnings of every valid manifest with its golden file.
func TestWarn(t *testing.T) {
	t.Parallel()
	for _, file := range corpusFiles(t, "warn") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			m, findings := Load(filepath.Base(file), readFile(t, file), Options{})
			if m == nil || len(findings) == 0 {
				t.Errorf("manifest %v with %d findings", m, len(findings))
			}
			golden(t, file, listing(findings))
		})
	}
}

// TestOK compares the values and positions of every manifest without findings with its
// golden file.
func TestOK(t *testing.T) {
	t.Parallel()
	for _, file := range corpusFiles(t, "ok") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			m, findings := Load(filepath.Base(file), readFile(t, file), Options{Repo: "default"})
			if len(findings) > 0 {
				t.Fatalf("findings: %v", findings)
			}
			golden(t, file, dump(m))
		})
	}
}

// dump returns one line for each value of a manifest, starting with its position.
func dump(m *Manifest) string {
	var b strings.Builder
	line := func(p yamlnode.Pos, format string, args ...any) {
		fmt.Fprintf(&b, "%d:%d "+format+"\n", append([]any{p.Line, p.Column}, args...)...)
	}
	line(m.Pos(""), "manifest version %v", m.Pos("version"))
	line(m.Pos("repo"), "repo %q", m.Repo)
	line(m.Pos("timezone"), "timezone %s", m.Location)
	for _, e := range m.Entries {
		line(e.Pos(""), "entry")
		line(e.Pos("agent"), "  agent %q", e.Agent)
		line(e.Pos("cadence"), "  cadence %s", e.Cadence)
		line(e.Pos("cron"), "  cron %q %s", e.Cron, e.Location)
		line(e.Pos("enabled"), "  enabled %t", e.Enabled)
		line(e.Pos("prompt"), "  prompt %q", e.Prompt)
		line(e.Pos("memory"), "  memory %q", e.Memory)
		line(e.Pos("metrics"), "  metrics %q", e.Metrics)
		for _, p := range e.Pointers {
			line(e.Pos("pointers."+p.Label), "  pointer %q %q", p.Label, p.Path)
		}
		line(e.Pos("session_close"), "  session_close %q", e.SessionClose)
		for i := range e.SessionClose {
			line(e.Pos(fmt.Sprintf("session_close.%d", i)), "    command %d", i)
		}
	}
	return b.String()
}

// beyondLoad lists the error rules that Load cannot report, because they need more than
// the manifest.
var beyondLoad = []string{diag.Unreadable.ID, diag.MissingFile.ID, diag.MisspeltAgent.ID, diag.GitLFS.ID,
	diag.Secret.ID, diag.Changed.ID}

// loadWarnings lists the warning rules that Load reports.
var loadWarnings = []string{diag.UnknownIgnore.ID, diag.FixedOffset.ID, diag.CronCadence.ID}

// TestEveryRule checks that the corpus breaks every rule of the manifest at least twice.
func TestEveryRule(t *testing.T) {
	t.Parallel()
	hits := map[string]int{}
	for _, file := range slices.Concat(corpusFiles(t, "err"), corpusFiles(t, "warn")) {
		_, findings := Load(file, readFile(t, file), Options{})
		for _, f := range findings {
			hits[f.Rule]++
		}
	}
	for _, r := range diag.Rules {
		loads := r.Severity == diag.Error && !slices.Contains(beyondLoad, r.ID) || slices.Contains(loadWarnings, r.ID)
		if loads && hits[r.ID] < 2 {
			t.Errorf("the corpus breaks %s %d times", r.ID, hits[r.ID])
		}
		if !loads && hits[r.ID] > 0 {
			t.Errorf("Load reports %s", r.ID)
		}
	}
}

func TestLoadTooLarge(t *testing.T) {
	t.Parallel()
	valid := "version: \"1\"\nagents:\n  coach: {cadence: daily}\n#"
	for _, c := range []struct {
		size int
		want string
	}{
		{MaxSize, ""},
		{MaxSize + 1, "too-large"},
	} {
		data := append([]byte(valid), bytes.Repeat([]byte("x"), c.size-len(valid))...)
		if _, findings := Load("f", data, Options{}); rulesOf(findings) != c.want {
			t.Errorf("%d bytes: got %v, want %q", c.size, findings, c.want)
		}
	}
}

func TestManyFindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys, want int
		cut        bool
	}{
		{maxFindings - 1, maxFindings, false}, // and one for the missing key
		{maxFindings, maxFindings, true},
		{2 * maxFindings, maxFindings, true},
	} {
		data := []byte("agents: {a: {cadence: daily}}\n")
		for i := range c.keys {
			data = fmt.Appendf(data, "key-%d: 1\n", i)
		}
		findings := checkLoad(t, data)
		cut := slices.ContainsFunc(findings, func(f diag.Finding) bool { return f.Rule == diag.TooLarge.ID })
		if len(findings) != c.want || cut != c.cut {
			t.Errorf("%d unknown keys: %d findings, cut %t", c.keys, len(findings), cut)
		}
	}
}

func TestDefaultRepo(t *testing.T) {
	t.Parallel()
	const named, unnamed = "version: \"1\"\nrepo: web\nagents: {a: {cadence: daily}}\n",
		"version: \"1\"\nagents: {a: {cadence: daily}}\n"
	for _, c := range []struct {
		name, data, repo string
		want, rules      string
	}{
		{"not needed", named, "my web", "web", ""},
		{"a slug", unnamed, "my-web", "my-web", ""},
		{"unknown", unnamed, "", "", ""},
		{"a blank", unnamed, "my web", "", "repo"},
		{"a dot first", unnamed, ".github", "", "repo"},
		{"a wrong repo", "repo: a b\n" + unnamed, ".github", "", "repo"},
		{"no manifest at all", "a list", ".github", "", "wrong-type"},
	} {
		m, findings := Load("f", []byte(c.data), Options{Repo: c.repo})
		if rules := rulesOf(findings); rules != c.rules || m != nil && m.Repo != c.want {
			t.Errorf("%s: %+v with %v", c.name, m, findings)
		}
	}
}

// rulesOf returns the rules of findings in order.
func rulesOf(findings []diag.Finding) string {
	rules := make([]string, len(findings))
	for i, f := range findings {
		rules[i] = f.Rule
	}
	return strings.Join(rules, " ")
}

func TestManifestLookup(t *testing.T) {
	t.Parallel()
	m, findings := Load("f", []byte("version: \"1\"\nagents:\n  coach:\n    cadence: daily\n"), Options{Repo: "web"})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if m.Repo != "web" || m.Location != time.UTC {
		t.Errorf("defaults: repo %q, location %v", m.Repo, m.Location)
	}
	if e := m.Entry("coach"); e != &m.Entries[0] {
		t.Errorf("Entry(coach) = %v", e)
	}
	if e := m.Entry("Coach"); e != nil {
		t.Errorf("Entry(Coach) = %v", e)
	}
	for _, c := range []struct {
		got, want yamlnode.Pos
	}{
		{m.Pos("version"), yamlnode.Pos{Line: 1, Column: 10}},
		{m.Pos("repo"), yamlnode.Pos{Line: 1, Column: 1}},
		{m.Entries[0].Pos("agent"), yamlnode.Pos{Line: 3, Column: 3}},
		{m.Entries[0].Pos("cadence"), yamlnode.Pos{Line: 4, Column: 14}},
		{m.Entries[0].Pos("prompt"), yamlnode.Pos{Line: 3, Column: 3}},
	} {
		if c.got != c.want {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}

// checkLoad loads data and checks what is true for any input.
func checkLoad(t *testing.T, data []byte) []diag.Finding {
	t.Helper()
	m, findings := Load("f.yml", data, Options{Repo: "r"})
	errors, _ := diag.Count(findings)
	if (m == nil) != (errors > 0) {
		t.Fatalf("manifest %v with %d errors", m, errors)
	}
	sorted := slices.Clone(findings)
	diag.Sort(sorted)
	if !slices.Equal(sorted, findings) {
		t.Fatal("findings are not sorted")
	}
	lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
	for _, f := range findings {
		whole := f.Line == 0 && f.Column == 0
		inside := f.Line >= 1 && f.Line <= len(lines) && f.Column >= 1 &&
			f.Column <= utf8.RuneCountInString(lines[f.Line-1])+1
		if !whole && !inside {
			t.Fatalf("no such place: %+v", f)
		}
		if f.Message == "" || f.Hint == "" || strings.ContainsAny(f.Message+f.Hint, "\n\r\x00") ||
			!utf8.ValidString(f.Message+f.Hint) {
			t.Fatalf("not a message of one line: %+v", f)
		}
	}
	return findings
}

func FuzzLoad(f *testing.F) {
	for _, dir := range []string{"ok", "warn", "err"} {
		for _, file := range corpusFiles(f, dir) {
			f.Add(readFile(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkLoad(t, data) })
}

// hostile returns files of at most MaxSize bytes that are expensive to read.
func hostile() map[string][]byte {
	shapes := map[string][]byte{}
	for name, part := range map[string]string{
		"flow lists": "[", "flow maps": "{", "nested flow": "{a: [", "list in list": "- ", "question marks": "? ",
		"maps in line":  "a: ",
		"lines of keys": "a: 1\n", "lines of items": "- 1\n", "lines of nulls": "?\n", "dashes": "-\n", "colons": ":\n",
		"merge keys": "<<: a\n",
		"documents":  "---\n", "documents with text": "--- a\n", "document ends": "...\n", "directives": "%YAML 1.1\n",
		"anchors": "- &a 1\n", "anchors in line": "&a ", "tags": "- !!str a\n", "tags in line": "! ",
		"exclamation marks": "!",
		"tabs":              "\t", "NULs": "\x00", "bad UTF-8": "\xff", "BOMs": "\ufeff", "carriage returns": "\r",
		"separators":  "\u2028",
		"empty lists": "[]", "quotes": "'", "words": "a ", "lines of words": "a\n", "one word": "a", "brackets": "]",
		"commas":           ",",
		"comments on keys": "a: 1 #\n", "comments between": "a: 1\n#\n", "comments below": "a:\n  - b\n  #x\n#y\n",
		"comments on items": "- #\n", "long comments on keys": "a: 1 # x y z a b c d e f\n",
		"blank lines": "\n", "comment lines": "#\n", "block scalars": "- |\n a\n", "undefined aliases": "- *a\n",
		"closing": "]}",
	} {
		shapes[name] = []byte(strings.Repeat(part, MaxSize/len(part)))
	}
	for name, ends := range map[string][3]string{
		"list of numbers": {"[", "1,", "]"}, "map of numbers": {"{", "a: 1,", "}"}, "list of lists": {"[", "[],", ""},
		"complex keys":   {"{", "?,", ""},
		"commented flow": {"", "[#\n", ""}, "open quote": {"\"", "a", ""}, "open quote of lines": {"\"", "\n", ""},
		"open list of words": {"[", "a ", ""},
		"aliases":            {"- &a 1\n", "- *a\n", ""}, "long key": {"", "k", ": 1\n"},
		"long quoted key":                {"\"", "k", "\": 1\n"},
		"blanks in a block":              {"a: |\n", " ", ""},
		"unknown keys":                   {"version: \"1\"\nagents: {a: {", "crn: 1,", "}}"},
		"items":                          {"version: \"1\"\nagents:\n", "- {}\n", ""},
		"undefined aliases in a list":    {"[", "*a,", "]"},
		"undefined aliases after keys":   {"", "a: 1\n", "a: *a\nb: *b\nc: *c\nd: *d\n"},
		"undefined aliases after quotes": {"[", "\"a\",", "*a,*b,*c,*d]"}, "closer after words": {"[\n", "word ", "}]"},
		"quote after words": {"[", "word ", "\"]"}, "words in quotes": {"[\"", "a ", "\" b]"},
		"words before a closer": {"[}", "word ", "]"}, "error after keys": {"", "a: 1\n", "@"}, "error after comments": {"",
			"#\n", "@"}, "error after words": {"a: [", "word ", "@"}, "error after lists": {"[", "[[[[[[[[]]]]]]]] ,\n", "@"},
		"error after lines":        {"a:\n", " word word word\n", "@: b: c"},
		"unclosed after lines":     {"a: \"\n", " word word word\n", ""},
		"escaped quotes in a list": {"[", "\\\" ", ""}, "ignores": {"version: 1 # kaizen-ignore:", "a,", "\n"},
		"lines of ignores":         {"- a\n", "#kaizen-ignore:" + strings.Repeat("retentoin,", 49) + "\n", ""},
		"items on one line":        {"[" + strings.Repeat("{ä: \"b\"},", 2400), " ", "]"},
		"padded items on one line": {"[", "\"a\"" + strings.Repeat(" ", 60) + ",", "]"},
	} {
		fill := strings.Repeat(ends[1], (MaxSize-len(ends[0])-len(ends[2]))/len(ends[1]))
		shapes[name] = []byte(ends[0] + fill + ends[2])
	}
	var tags, keys, stairs strings.Builder
	for i := 0; tags.Len() < MaxSize-40; i++ {
		fmt.Fprintf(&tags, "%%TAG !a%d! tag:x\n", i)
	}
	for i := 0; keys.Len() < MaxSize-40; i++ {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for i := 0; stairs.Len()+i+4 < MaxSize; i++ {
		stairs.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, entry := range map[string]string{
		"crons":                 "  a%d: {cadence: daily, cron: \"%d 9 %d,%d * *\"}\n",
		"crons that run rarely": "  a%d: {cadence: weekly, cron: \"%d 9 31 %d-12 %d-7\"}\n",
		"crons alone":           "  a%d: {cron: \"%d 9 %d,%d * *\"}\n",
		"wrong crons":           "  a%d: {cadence: daily, cron: \"%d 9 %d-%d,60 * *\"}\n",
		"words":                 "  a%d: {every: day, at: \"%d:30\", days: [%d, %d]}\n",
		"cadences":              "  a%d: {cadence: \"at %d 9am on %d %d\"}\n",
	} {
		var b strings.Builder
		b.WriteString("version: \"1\"\nagents:\n")
		for i := 0; b.Len() < MaxSize-100 && i < 1800; i++ {
			fmt.Fprintf(&b, entry, i, i%60, i%31+1, i%7+1)
		}
		shapes[name] = []byte(b.String())
	}
	list := "schedules : ["
	for i := 0; len(list) < MaxSize-100 && i < 2000; i++ {
		list += fmt.Sprintf("{agent: a%d, cron: \"%d 9 %d * *\"},", i, i%60, i%31+1)
	}
	shapes["a list of entries"] = []byte(list + "]")
	shapes["small open lists"] = []byte(strings.Repeat("[", 9999))
	shapes["small broken lists"] = []byte(strings.Repeat("[{a: ", 2000) + "]")
	shapes["small broken keys"] = []byte(strings.Repeat("k: v # c\n", 4000) + "a: [b, c]]")
	shapes["tag directives"], shapes["different keys"], shapes["stairs"] = []byte(tags.String()), []byte(keys.String()),
		[]byte(stairs.String())
	return shapes
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for name, data := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if len(data) > MaxSize {
				t.Fatalf("%d bytes", len(data))
			}
			if findings := checkLoad(t, data); len(findings) == 0 {
				t.Error("no finding")
			}
		})
	}
}

// BenchmarkLoad reports the number of manifests of a usual size that are loaded per
// second.
func BenchmarkLoad(b *testing.B) {
	data := readFile(b, filepath.Join(corpus, "ok", "monorepo.yml"))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if m, findings := Load("f", data, Options{}); m == nil {
			b.Fatal(findings)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "manifests/s")
}

// BenchmarkLoadScale shows that the cost is linear: ns/entry stays the same.
func BenchmarkLoadScale(b *testing.B) {
	for _, entries := range []int{1, 10, 100, 1000} {
		data := []byte("version: \"1\"\nagents:\n")
		for i := range entries {
			data = fmt.Appendf(data, "  agent-%d:\n    cadence: weekly\n    cron: \"%d 5 * * 5\"\n", i, i%60)
		}
		b.Run(fmt.Sprint(entries), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if m, findings := Load("f", data, Options{}); m == nil {
					b.Fatal(findings)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(entries), "ns/entry")
		})
	}
}

// BenchmarkLoadHostile should stay below 100 ms for every file.
func BenchmarkLoadHostile(b *testing.B) {
	for name, data := range hostile() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Load("f", data, Options{})
			}
		})
	}
}
