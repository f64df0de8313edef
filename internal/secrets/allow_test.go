package secrets

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A mark with a reason allows its own line and no other.
func TestFindUnmarked(t *testing.T) {
	t.Parallel()
	token := randomValue("ghp_{A36}", 1)
	const mark = "  # kaizen-allow-secret: a sample of the manual"
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"marked":                 {token + mark, 0},
		"marked in HTML":         {"<!-- kaizen-allow-secret: revoked --> " + token, 0},
		"among others":           {"a\n" + token + mark + "\nb\n", 0},
		"no reason":              {token + " # kaizen-allow-secret:", 1},
		"a reason of signs":      {token + " # kaizen-allow-secret: -->", 1},
		"another word":           {token + " # kaizen-ignore: secret", 1},
		"the line before":        {"# kaizen-allow-secret: a sample\n" + token, 1},
		"the line after":         {token + "\n# kaizen-allow-secret: a sample", 1},
		"a carriage return":      {token + "\r# kaizen-allow-secret: a sample", 1},
		"a line separator":       {token + "\u2028# kaizen-allow-secret: a sample", 1},
		"a form feed":            {token + "\f# kaizen-allow-secret: a sample", 1},
		"an escaped line feed":   {token + `\n# kaizen-allow-secret: a sample`, 1},
		"far to the right":       {token + strings.Repeat(" ", 300) + mark, 1},
		"a hidden mark":          {token + " kaizen-allow-\u200bsecret: a sample", 1},
		"a hidden reason":        {token + mark + "\U000e0041", 1},
		"several lines":          {pemBegin + "\n" + b64(64) + mark + "\n" + b64(64) + "\n" + pemEnd, 1},
		"a token over two lines": {token[:20] + "\\\n" + token[20:] + mark, 1},
		"one of two":             {token + mark + "\n" + token, 1},
	} {
		if got := FindUnmarked([]byte(tt.text)); len(got) != tt.want {
			t.Errorf("%s: %v, want %d", name, got, tt.want)
		}
	}
}

// Masked text has the lines and columns of the original.
func TestMasked(t *testing.T) {
	t.Parallel()
	token := randomValue("ghp_{A36}", 1)
	for text, want := range map[string]string{
		"nothing here":                   "nothing here",
		"a\nuse " + token + ", then b\n": "a\nuse " + strings.Repeat("*", 40) + ", then b\n",
		token[:9] + "\u200b" + token[9:]: strings.Repeat("*", 41),
		"\"" + token + "\"":              "\"" + strings.Repeat("*", 40) + "\"",
	} {
		if got := Masked(text); got != want {
			t.Errorf("Masked(%q) = %q, want %q", text, got, want)
		}
	}
}

// Mask reports each secret of a manifest, and findings on its lines lose their quotations,
// which may have a part that is no secret by itself.
func TestMask(t *testing.T) {
	t.Parallel()
	long := randomValue("xai-{A80}", 1)
	source := []byte("a: 1\nkey: " + long + "\nb: 2\n")
	quotes := diag.Finding{File: "a.yml", Line: 2, Message: "unknown key " + diag.Quote(long[:50]),
		Hint: `not "` + long + `"`}
	other := diag.Finding{File: "a.yml", Line: 3, Message: `unknown key "b"`}
	masked := Mask("a.yml", source, []diag.Finding{quotes, other})
	if len(masked) != 3 || masked[2] != other {
		t.Fatalf("got %+v", masked)
	}
	for _, f := range masked[:2] {
		if f.Line != 2 || fixture.Reveals([]byte(f.Message+f.Hint), long[:50]) || strings.Contains(f.Message, long[:8]) {
			t.Errorf("shown: %+v", f)
		}
	}
}

// A finding shows no secret, and nothing of one that it quotes only in part.
func TestMaskFindings(t *testing.T) {
	t.Parallel()
	token, long := randomValue("ghp_{A36}", 1), randomValue("xai-{A80}", 1)
	source := func(string) []byte { return []byte("a: 1\nkey: " + long + "\n") }
	findings := []diag.Finding{
		{File: "a.yml", Line: 1, Message: "unknown key " + diag.Quote(token), Hint: "remove " + token},
		{File: "a.yml", Line: 2, Message: "unknown key " + diag.Quote(long)},
		{File: "agents/" + token + ".md", Message: "not text"},
		{File: "a.yml", Line: 1, Message: `unknown key "b"`},
	}
	masked := MaskFindings(findings, source)
	for _, f := range masked {
		shown := []byte(f.File + f.Message + f.Hint)
		if fixture.Reveals(shown, token) || fixture.Reveals(shown, long[:50]) {
			t.Errorf("shown: %+v", f)
		}
	}
	if masked[3] != findings[3] {
		t.Errorf("changed: %+v", masked[3])
	}
}
