package checkout

import "testing"

func TestOriginFullName(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://github.com/acme/web.git":           "acme/web",
		"https://github.com/acme/web/":              "acme/web",
		"https://user:token@github.com/acme/web":    "acme/web",
		"ssh://git@github.com:22/acme/web.git":      "acme/web",
		"git@github.com:acme/web.git":               "acme/web",
		"https://git.example.com/group/sub/web.git": "sub/web",
		`C:\git\web.git`:                            "git/web",
		"https://token@github.com/web.git":          "",
		"https://user:token@github.com/web":         "",
		"git@example.com:web.git":                   "",
		"https://token@github.com":                  "",
		"web":                                       "",
		"":                                          "",
	} {
		_, dir := newTree(t,
			map[string]string{".git/config": "[remote \"origin\"]\n\turl = " + url + "\n", ".git/HEAD": "x"})
		tree, err := Open(dir) // opened again, because Open looks for .git
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		if got := tree.OriginFullName(); got != want {
			t.Errorf("%q gives %q, want %q", url, got, want)
		}
	}
}
