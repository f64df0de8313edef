package checkout

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	origin := func(url string) string { return "[remote \"origin\"]\n\turl = " + url + "\n" }
	tests := []struct {
		name   string
		config string
		want   string
	}{
		{"https", origin("https://github.com/acme/web.git"), "web"},
		{"https without .git", origin("https://github.com/acme/web"), "web"},
		{"a final slash", origin("https://github.com/acme/web/"), "web"},
		{"ssh", origin("ssh://git@github.com:22/acme/web.git"), "web"},
		{"scp-like", origin("git@github.com:acme/web.git"), "web"},
		{"scp-like without an owner", origin("git@example.com:web.git"), "web"},
		{"a path", origin("/srv/git/web.git"), "web"},
		{"a path of Windows", origin(`C:\git\web.git`), "web"},
		{"in quotes", origin(`"https://github.com/acme/web.git"`), "web"},
		{"a dot in the name", origin("https://github.com/acme/acme.github.io.git"), "acme.github.io"},
		{"CRLF", "[remote \"origin\"]\r\n\turl = https://github.com/acme/web.git\r\n", "web"},
		{"other case, no blanks", "[Remote \"origin\"]\nURL=https://github.com/acme/web\n", "web"},
		{"behind other sections",
			"[core]\n\tbare = false\n[remote \"upstream\"]\n\turl = https://github.com/up/stream\n" +
				origin("https://github.com/acme/web"), "web"},
		{"the first of two", origin("https://github.com/acme/web") + "\turl = https://github.com/acme/mirror\n", "web"},
		{"another remote only", "[remote \"upstream\"]\n\turl = https://github.com/up/stream\n", ""},
		{"another remote that starts alike", "[remote \"origin2\"]\n\turl = https://github.com/up/stream\n", ""},
		{"a section behind it",
			"[remote \"origin\"]\n\tfetch = x\n[branch \"main\"]\n\turl = https://github.com/acme/web\n", ""},
		{"credentials only", origin("https://token@github.com"), ""},
		{"pushurl", "[remote \"origin\"]\n\tpushurl = https://github.com/acme/web\n", ""},
		{"garbage", "\x00\xff[remote \"origin\"\n=\nurl", ""},
		{"a line without end", strings.Repeat("x", 1<<17) + "\n" + origin("https://github.com/acme/web"), ""},
		{"behind the limit", strings.Repeat("# comment\n", maxConfig/10+1) + origin("https://github.com/acme/web"), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := fixture.TempDir(t)
			fixture.Write(t, dir, map[string]string{".git/config": tt.config, ".git/HEAD": "ref: refs/heads/main\n"})
			tree, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer tree.Close()
			if got := tree.Origin(); got != tt.want {
				t.Errorf("Origin() = %q, want %q", got, tt.want)
			}
		})
	}
}
