package secrets

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// alphabets are the letters of formats.
var alphabets = map[string]string{
	"A": fixture.Alnum, "U": fixture.Upper, "B": fixture.Base32, "h": fixture.Hex, "d": "0123456789",
	"H": strings.ToUpper(fixture.Hex), "a": "abcdefghijklmnopqrstuvwxyz0123456789",
	"l": "abcdefghijklmnopqrstuvwxyz", "x": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"w": fixture.Alnum + "_-", "b": fixture.Alnum + "+/",
	"n": "qpzry9x8gf2tvdw0s3jn54khce6mua7l", "p": "abcdefghijklmnopqrstuvwxyz234567",
	"S": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}

var field = regexp.MustCompile(`\{([A-Za-z])([0-9]*)\}`)

// randomValue returns a value of the format, the same one for the same seed. {g} is a
// UUID. A value never ends in a hyphen, which a sentence may not have either.
func randomValue(values string, seed uint64) string {
	hash := fnv.New64()
	hash.Write([]byte(values))
	r := rand.New(rand.NewPCG(hash.Sum64(), seed))
	values = strings.ReplaceAll(values, "{g}", "{h8}-{h4}-{h4}-{h4}-{h12}")
	return field.ReplaceAllStringFunc(values, func(f string) string {
		m := field.FindStringSubmatch(f)
		n, err := strconv.Atoi(m[2])
		if err != nil || alphabets[m[1]] == "" {
			panic("the format has " + f)
		}
		var b strings.Builder
		for i := range n {
			alphabet := alphabets[m[1]]
			if i == 0 || i == n-1 {
				alphabet = strings.Trim(alphabet, "_-+/")
			}
			b.WriteByte(alphabet[r.IntN(len(alphabet))])
		}
		return b.String()
	})
}

// planted is a secret in a text.
type planted struct{ kind, form, text, secret string }

// forms are the ways in which people write a secret. The first verb of a form is the name.
var forms = []struct{ name, revealing, named string }{
	{"bare", "use %[2]s here", "the %[4]s %[2]s"},
	{"quoted", `const %[1]s = "%[2]s"`, `%[1]s: "%[2]s"`},
	{"KEY=", "export %[3]s=%[2]s", "%[3]s=%[2]s"},
	{"JSON", `{"%[1]s": "%[2]s", "n": 1}`, `{"%[1]s": "%[2]s", "n": 1}`},
	{"command line", "tool --%[5]s %[2]s --verbose", "tool --%[5]s %[2]s --verbose"},
}

// corpus returns every format in every form. The names of secrets that reveal themselves
// say nothing.
func corpus(seed uint64) []planted {
	var all []planted
	for _, f := range formats {
		for _, values := range strings.Fields(f.values) {
			secret := randomValue(values, seed)
			for _, form := range forms {
				name, layout := f.name, form.named
				if name == "" {
					name, layout = "value_of_it", form.revealing
				}
				text := fmt.Sprintf(layout, name, secret, strings.ToUpper(name),
					strings.ReplaceAll(name, "_", " "), strings.ReplaceAll(name, "_", "-"))
				text, _, _ = strings.Cut(text, "%!(EXTRA")
				all = append(all, planted{f.kind, form.name, "first line\n" + text + "\nlast line\n", secret})
			}
		}
	}
	return all
}

// finds reports whether a span has the end of the secret. It may lack the beginning, such
// as the address of a webhook.
func finds(text, secret string, spans []Span) bool {
	end := strings.Index(text, secret) + len(secret)
	for _, s := range spans {
		if s.Start <= end-min(16, len(secret)) && s.End >= end {
			return true
		}
	}
	return false
}

// Every kind is found in every form. Of very many random values a few look like words, such
// as those without a digit.
func TestRecall(t *testing.T) {
	t.Parallel()
	seeds, least := 3, 1.0
	if *full {
		seeds, least = 50, 0.995
	}
	total, found := make(map[string]int), make(map[string]int)
	for seed := range seeds {
		for _, p := range corpus(uint64(seed)) {
			total[p.form]++
			if spans := Find([]byte(p.text)); finds(p.text, p.secret, spans) {
				found[p.form]++
			} else if least == 1 {
				t.Errorf("%s, %s, seed %d: %v in %q", p.kind, p.form, seed, spans, p.text)
			}
		}
	}
	for _, form := range forms {
		share := float64(found[form.name]) / float64(total[form.name])
		t.Logf("%s: found %d of %d, %.2f %%", form.name, found[form.name], total[form.name], 100*share)
		if share < least {
			t.Errorf("%s: found %.2f %%", form.name, 100*share)
		}
	}
}
