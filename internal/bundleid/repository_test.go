package bundleid_test

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
)

func TestIsRepository(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100)
	for name, want := range map[string]bool{
		"acme/web": true, "Acme-1_co/w.e-b_1": true, "acme/.github": true, "acme/...": true, long + "/" + long: true,
		"": false, "web": false, "/web": false, "acme/": false, "acme/.": false, "acme/..": false, "../acme": false,
		"-acme/web": false, "a.b/web": true, ".a/web": false, "a/b/c": false, "acme/we b": false, "äcme/web": false,
		"acme/w%2fb": false,
		"acme/web\n": false, "acme\x1b/web": false, long + "a/web": false, "acme/" + long + "a": false,
	} {
		if got := bundleid.IsRepository(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}
