package checkout

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://github.com/acme/web.git":                    "github.com/acme/web",
		"https://GitHub.com:443/Acme/Web/":                   "github.com/acme/web",
		"https://x-access-token:secret@github.com/acme/web":  "github.com/acme/web",
		"https://github.com/acme//web?token=secret#fragment": "github.com/acme/web",
		"ssh://git@github.com:22/acme/web.git":               "github.com/acme/web",
		"git@github.com:acme/web.git":                        "github.com/acme/web",
		"github.com:/acme/web":                               "github.com/acme/web",
		"http://gitea:3000/acme/web":                         "gitea:3000/acme/web",
		"https://git.example.com/group/sub/web.git":          "git.example.com/group/sub/web",
		"https://token@github.com":                           "",
		"git@github.com:":                                    "",
		"/srv/git/Web.git":                                   "/srv/git/Web",
		"file:///srv/git/Web.git/":                           "/srv/git/Web",
		"../web.git":                                         "../web",
		`C:\git\web.git`:                                     "C:/git/web",
		"":                                                   "",
	} {
		if got := Address(url); got != want {
			t.Errorf("%q gives %q, want %q", url, got, want)
		}
		dir := fixture.TempDir(t)
		fixture.Write(t, dir, map[string]string{".git/HEAD": "x",
			".git/config": "[remote \"origin\"]\n\turl = " + url + "\n"})
		tree, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree.OriginAddress(); got != want {
			t.Errorf("a tree of %q gives %q, want %q", url, got, want)
		}
		tree.Close()
	}
}

// FuzzAddress checks that no user, password or query is left.
func FuzzAddress(f *testing.F) {
	f.Add("github.com", "acme/web")
	f.Add("gitea:3000", "a/b.git/")
	f.Fuzz(func(t *testing.T, host, name string) {
		if strings.ContainsAny(host, "/?#") { // else the host ends there
			return
		}
		for _, url := range []string{"https://u:geheim@" + host + "/" + name, "ssh://geheim@" + host + "/" + name,
			"https://" + host + "/" + name + "?geheim"} {
			if got := Address(url); strings.Contains(got, "geheim") && !strings.Contains(host+name, "geheim") {
				t.Errorf("%q gives %q", url, got)
			}
		}
	})
}
