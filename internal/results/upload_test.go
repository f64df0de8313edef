package results

import (
	"net/url"
	"testing"
)

func TestStorageMayNotBeLessProtected(t *testing.T) {
	t.Parallel()
	c := &Client{origin: &url.URL{Scheme: "https", Host: "results.example"}}
	for signed, want := range map[string]bool{
		"https://blob.example/a?sig=b": true, "http://blob.example/a?sig=b": false, "https:///a": false,
		"https://h/#a": false, "": false,
	} {
		if err := c.checkSigned(signed); (err == nil) != want {
			t.Errorf("%q: %v", signed, err)
		}
	}
}
