package target

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

func TestParseList(t *testing.T) {
	t.Parallel()
	const react = "acme/web/.github/workflows/react.yml"
	tests := []struct{ in, want, err, hint string }{
		{in: "acme/web", want: "[acme/web]"},
		{in: "", want: "[]"},
		{in: " acme/web , acme/api\r\nother/x.y_z-1 # the third\n# none\n\n,",
			want: "[acme/web acme/api other/x.y_z-1]"},
		{in: "acme/web\nAcme/Web,ACME/WEB", want: "[acme/web]"},
		{in: "acme/a\racme/b", want: "[acme/a acme/b]"},
		{in: "acme/a,# one", want: "[acme/a]"},
		{in: react + "@main", want: "[" + react + "@main]"},
		{in: react + "@refs/heads/main", want: "[" + react + "@refs/heads/main]"},
		{in: react + "@feature/x#1 # a branch with #", want: "[" + react + "@feature/x#1]"},
		{in: react + "@release@2", want: "[" + react + "@release@2]"},
		{in: react + "@v1.2.3\n" + react + "@main\nAcme/Web" + strings.TrimPrefix(react, "acme/web") + "@main\nacme/web",
			want: "[" + react + "@v1.2.3 " + react + "@main acme/web]"},
		{in: react + "@Main\n" + react + "@main", want: "[" + react + "@Main " + react + "@main]"},
		{in: react + "@功能", want: "[" + react + "@功能]"},
		{in: "acme/web/.gitea/workflows/a.yaml@main", want: "[acme/web/.gitea/workflows/a.yaml@main]"},
		{in: "acme/web/.forgejo/workflows/a.b_c-d.yml@main", want: "[acme/web/.forgejo/workflows/a.b_c-d.yml@main]"},

		{in: "acme", err: `"acme" is not a repository`, hint: "write owner/repo"},
		{in: "https://github.com/acme/web", err: "is not a repository", hint: "owner/repo"},
		{in: "acme/..", err: `"acme/.."`, hint: "owner/repo"},
		{in: "../..", err: `"../.."`, hint: "owner/repo"},
		{in: "acme/we b", err: `"acme/we b"`, hint: "owner/repo"},
		{in: "-acme/web", err: `"-acme/web"`, hint: "owner/repo"},
		{in: "acme/web;acme/x", err: "is not a repository", hint: "write owner/repo"},
		{in: "acme/\x1bweb", err: `"acme/\x1bweb"`, hint: "owner/repo"},
		{in: "acme/web#x", err: `"acme/web#x"`, hint: "owner/repo"},
		{in: "acme/web@main", err: "names a branch, but no workflow", hint: "acme/web/.github/workflows/FILE.yml@main"},
		{in: "acme/web@", err: `"acme/web@" names a branch, but no workflow`, hint: "write acme/web, or name a workflow"},
		{in: "acme/we b@main", err: `"acme/we b@main" is not a repository`, hint: "owner/repo"},
		{in: "acme/web/x", err: `"acme/web/x" names no workflow`, hint: "owner/repo/.github/workflows/FILE.yml@BRANCH"},
		{in: "acme/web/", err: `"acme/web/" names no workflow`, hint: "owner/repo"},
		{in: "acme/web/react.yml@main", err: "names no file directly below .github/workflows",
			hint: "write acme/web/.github/workflows/react.yml@main"},
		{in: "acme/web/workflows/react.yml", err: "names no file directly below",
			hint: "write acme/web/.github/workflows/react.yml@BRANCH"},
		{in: "acme/web/.github/workflows/sub/react.yml@main", err: "names no file directly below",
			hint: "write acme/web/.github/workflows/react.yml@main"},
		{in: "acme/web/.github/workflows/../../x.yml@main", err: "names no file directly below", hint: "x.yml@main"},
		{in: "acme/web/.github/workflows/..yml@main", err: "names no workflow", hint: "FILE.yml"},
		{in: "acme/web/.github/workflows/.yml@main", err: "names no workflow", hint: "FILE.yml"},
		{in: "acme/web/.github/workflows/a b.yml@main", err: "names no workflow", hint: "FILE.yml"},
		{in: "acme/web/.github/workflows/a%2f.yml@main", err: "names no workflow", hint: "FILE.yml"},
		{in: "acme/web/.github/workflows/react.json@main", err: "names no workflow", hint: "FILE.yml"},
		{in: react, err: "does not say on which branch or tag", hint: "write " + react + "@"},
		{in: react + "@", err: "does not say on which branch or tag", hint: "write " + react + "@"},
		{in: react + "@0123456789012345678901234567890123456789", err: "names a commit", hint: "name a branch or a tag"},
		{in: react + "@a..b", err: `"a..b" is not the name of a branch or tag`, hint: "FILE.yml@BRANCH"},
	}
	for _, ref := range []string{"-x", "a b", "a\u202eb", "a\u00a0b", "a~1", "a^", "a:b", "a?", "a*", "a[", `a\b`, "/a",
		"a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@", "a@{1}", "a\x7f", "\xff", strings.Repeat("x", 251)} {
		tests = append(tests, struct{ in, want, err, hint string }{
			in: react + "@" + ref, err: "is not the name of a branch or tag", hint: "FILE.yml@BRANCH"})
	}
	for _, tt := range tests {
		got, err := ParseList(tt.in)
		if tt.err == "" {
			if err != nil || fmt.Sprint(got) != tt.want {
				t.Errorf("%q: got %v (%v), want %s", tt.in, got, err, tt.want)
			}
			continue
		}
		if err == nil {
			t.Errorf("%q: got %v, want %q", tt.in, got, tt.err)
			continue
		}
		message, hint := advice.Split(err)
		if !strings.Contains(message, tt.err) || !strings.HasPrefix(message, "dispatch-to: ") ||
			!strings.Contains(hint, tt.hint) {
			t.Errorf("%q: got %q and %q, want %q and %q", tt.in, message, hint, tt.err, tt.hint)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	got, err := Parse("acme/web/.github/workflows/react.yml@release/1")
	want := Target{"acme/web", ".github/workflows/react.yml", "release/1"}
	if err != nil || got != want || got.File() != "react.yml" || !got.IsWorkflow() {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	if got, err := Parse("acme/web"); err != nil || got != (Target{Repository: "acme/web"}) || got.IsWorkflow() {
		t.Errorf("got %+v (%v)", got, err)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("acme/web, acme/api # x\nb/c")
	f.Add("acme/web/.github/workflows/react.yml@main#1")
	f.Fuzz(func(t *testing.T, s string) {
		targets, err := ParseList(s)
		if err != nil {
			return
		}
		var texts []string
		for _, target := range targets {
			texts = append(texts, target.String())
		}
		again, err := ParseList(strings.Join(texts, "\n"))
		if err != nil || !slices.Equal(again, targets) {
			t.Errorf("%q gave %q, which gave %q (%v)", s, targets, again, err)
		}
	})
}
