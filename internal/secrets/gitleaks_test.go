package secrets

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

var (
	gitleaksProgram = flag.String("gitleaks", "", "the program of gitleaks, to compare with")
	gitleaksRules   = flag.String("gitleaks-rules", "", "the file of the rules of that program")
)

// Gitleaks finds nothing that we miss: neither in our corpus, nor in random values of its
// own rules, which may be for vendors that our table lacks. testdata/gitleaks.txt has the
// rules that we leave out, with reasons.
func TestGitleaks(t *testing.T) {
	if *gitleaksProgram == "" {
		return
	}
	ours := corpus(1)
	theirs := ruleSamples(t, *gitleaksRules)
	found := gitleaks(t, slices.Concat(ours, theirs))
	total, we, they := map[string]int{}, map[string]int{}, map[string]int{}
	kindsFound := map[string]bool{}
	for i, p := range ours {
		total[p.form]++
		if finds(p.text, p.secret, Find([]byte(p.text))) {
			we[p.form]++
		}
		if found[i] {
			they[p.form]++
			kindsFound[p.kind] = true
		}
	}
	for _, form := range forms {
		t.Logf("%s: of %d secrets we find %d, gitleaks %d", form.name, total[form.name], we[form.name], they[form.name])
	}
	t.Logf("of %d kinds gitleaks finds %d", len(formats), len(kindsFound))
	left := fixture.Read(t, "testdata/gitleaks.txt")
	rules, missed := map[string]int{}, map[string][]string{}
	for i, p := range theirs {
		if !found[len(ours)+i] {
			continue
		}
		if rules[p.kind]++; len(Find([]byte(p.text))) == 0 {
			missed[p.kind] = append(missed[p.kind], p.text)
		}
	}
	// A random value may have no digit, or be nearly a word: half of them must be found.
	maps.DeleteFunc(missed, func(rule string, texts []string) bool { return 2*len(texts) <= rules[rule] })
	t.Logf("of %d rules of gitleaks we miss %d", len(rules), len(missed))
	for _, rule := range slices.Sorted(maps.Keys(missed)) {
		if !strings.Contains("\n"+left, "\n"+rule+" ") {
			t.Errorf("gitleaks finds %s, we do not: %q", rule, missed[rule][0])
		}
	}
}

// gitleaks returns for each text whether the program finds a secret in it.
func gitleaks(t *testing.T, texts []planted) []bool {
	t.Helper()
	dir := t.TempDir()
	for i, p := range texts {
		fixture.Must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.txt", i)), []byte(p.text), 0o600))
	}
	report := filepath.Join(t.TempDir(), "report.json")
	out, err := exec.Command(*gitleaksProgram, "dir", dir, "--report-format", "json", "--report-path", report,
		"--exit-code", "0", "--no-banner", "--max-decode-depth", "1").CombinedOutput()
	if err != nil {
		t.Fatalf("gitleaks: %v\n%s", err, out)
	}
	var findings []struct{ File string }
	fixture.Must(t, json.Unmarshal([]byte(fixture.Read(t, report)), &findings))
	found := make([]bool, len(texts))
	for _, f := range findings {
		var i int
		if _, err := fmt.Sscanf(filepath.Base(f.File), "%06d.txt", &i); err != nil {
			t.Fatal(err)
		}
		found[i] = true
	}
	return found
}

// ruleSamples returns random texts that match the rules in a file of gitleaks.
func ruleSamples(t *testing.T, file string) []planted {
	t.Helper()
	var all []planted
	id, inRule := "", false
	lines := bufio.NewScanner(strings.NewReader(fixture.Read(t, file)))
	lines.Buffer(nil, 1<<20)
	setting := regexp.MustCompile(`^(id|regex) = (?:"(.*)"|'''(.*)''')$`)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "[") {
			inRule = line == "[[rules]]"
		}
		m := setting.FindStringSubmatch(line)
		switch {
		case m == nil || !inRule:
		case m[1] == "id":
			id = m[2]
		default:
			pattern, err := syntax.Parse(m[3], syntax.Perl)
			fixture.Must(t, err)
			for seed := range uint64(8) {
				g := generator{rand.New(rand.NewPCG(seed, uint64(len(m[3])))), seed%2 == 0}
				all = append(all, planted{id, "rule", "first line\n" + g.text(pattern) + "\nlast line\n", ""})
			}
		}
	}
	if len(all) < 1000 {
		t.Fatalf("%s has %d samples", file, len(all))
	}
	return all
}

// generator makes texts that match a pattern. Lower is the case of the words that the
// pattern accepts in any case.
type generator struct {
	*rand.Rand
	lower bool
}

func (g generator) text(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 && g.lower {
			return strings.ToLower(string(re.Rune))
		}
		return string(re.Rune)
	case syntax.OpCharClass:
		return g.char(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return g.char([]rune{'a', 'z', '0', '9'})
	case syntax.OpAlternate:
		return g.text(re.Sub[g.IntN(len(re.Sub))])
	case syntax.OpConcat, syntax.OpCapture:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(g.text(sub))
		}
		return b.String()
	case syntax.OpStar, syntax.OpQuest, syntax.OpPlus, syntax.OpRepeat:
		return g.repeat(re)
	}
	return ""
}

// repeat repeats as often as necessary, and now and then once more.
func (g generator) repeat(re *syntax.Regexp) string {
	n := re.Min
	switch {
	case re.Op == syntax.OpPlus:
		n = 1
	case re.Op == syntax.OpQuest && g.IntN(2) == 0:
		n = 1
	}
	var b strings.Builder
	for range n {
		b.WriteString(g.text(re.Sub[0]))
	}
	return b.String()
}

// char returns a printable character of a class: a letter or a digit if it has one, and a
// lower-case letter of a class of digits and a few letters in both cases.
func (g generator) char(class []rune) string {
	var usual, others []rune
	for i := 0; i < len(class); i += 2 {
		for r := max(class[i], ' '); r <= min(class[i+1], '~'); r++ {
			if isAlnum(byte(r)) {
				usual = append(usual, r)
			} else {
				others = append(others, r)
			}
		}
	}
	if slices.Contains(usual, 'a') && slices.Contains(usual, 'A') && !slices.Contains(usual, 'z') {
		usual = slices.DeleteFunc(usual, unicode.IsUpper)
	}
	switch {
	case len(usual) > 0:
		return string(usual[g.IntN(len(usual))])
	case len(others) > 0:
		return string(others[g.IntN(len(others))])
	}
	return "\n"
}
