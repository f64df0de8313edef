package gh

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

const always = 1 << 20

// call is one of the client's methods, on repository acme/web.
type call struct {
	name, pattern string
	do            func(context.Context, *Client) error
}

var events atomic.Int64

var calls = []call{
	{"dispatch", "POST /repos/*/*/dispatches", func(ctx context.Context, c *Client) error {
		return c.Dispatch(ctx, "acme/web", "kaizen.schedule.prepared", json.RawMessage(payload))
	}},
	{"start", "POST /repos/*/*/actions/workflows/*/dispatches", func(ctx context.Context, c *Client) error {
		// Each call is another event: a run that has the event's id proves a delivery.
		id := fmt.Sprintf("%s.run-%d", reactID, events.Add(1))
		_, err := c.StartWorkflow(ctx, react, Event{ID: id, JSON: []byte(strings.ReplaceAll(reactEvent, reactID, id))})
		return err
	}},
	{"workflow", "GET /repos/*/*/actions/workflows/*", func(ctx context.Context, c *Client) error {
		_, err := c.Workflow(ctx, react)
		return err
	}},
	{"artifacts", "GET /repos/*/*/actions/artifacts", func(ctx context.Context, c *Client) error {
		_, _, err := c.Artifacts(ctx, "acme/web", "n", 1)
		return err
	}},
	{"run", "GET /repos/*/*/actions/runs/*", func(ctx context.Context, c *Client) error {
		_, err := c.Run(ctx, "acme/web", 1)
		return err
	}},
	{"newest", "GET /repos/*/*/actions/artifacts", func(ctx context.Context, c *Client) error {
		_, _, err := c.ArtifactPage(ctx, "acme/web", 1)
		return err
	}},
	{"download", "GET /repos/*/*/actions/artifacts/*/zip", func(ctx context.Context, c *Client) error {
		_, err := c.DownloadArtifact(ctx, "acme/web", 1, 100)
		return err
	}},
	{"repository", "GET /repos/*/*", func(ctx context.Context, c *Client) error {
		_, err := c.Repository(ctx, "acme/web")
		return err
	}},
	{"file", "GET /repos/*/*/contents/*", func(ctx context.Context, c *Client) error {
		_, err := c.File(ctx, "acme/web", "README.md", "", 100)
		return err
	}},
	{"files", "GET /repos/*/*/contents/", func(ctx context.Context, c *Client) error {
		_, err := c.Files(ctx, "acme/web", ".")
		return err
	}},
}

// faultServer is setup, with everything that the calls need.
func faultServer(t *testing.T) (*ghtest.Server, *Client, *fixture.Clock) {
	t.Helper()
	server, client, clock := setup(t, ghtest.Options{})
	server.AddRepository(ghtest.Repository{FullName: "acme/web", Private: true,
		Files: map[string]string{"README.md": "read me", react.Workflow: reactNamed}})
	server.AddArtifact(ghtest.Artifact{Repository: "acme/web", Name: "n", Zip: []byte("PK"), RunID: 1})
	return server, client, clock
}

// hangs reports whether only a time-out ends the fault, and shortens the time-out then. A
// slow machine has four more attempts.
func hangs(c *Client, fault string) bool {
	if fault != "time-out" && fault != "slow trickle" {
		return false
	}
	c.api.timeout = 60 * time.Millisecond
	return true
}

// checkError checks what must hold for every error: its kind, one bounded line, no
// secret.
func checkError(t *testing.T, err error, want Kind) {
	t.Helper()
	if err == nil {
		if want != "" {
			t.Errorf("no error, want %s", want)
		}
		return
	}
	text := err.Error()
	if got := kindOf(err); got != want {
		t.Errorf("kind %q, want %q: %s", got, want, text)
	}
	fixture.NoCanary(t, "the error", text)
	for _, secret := range []string{"sig=", "\n", "\x1b"} {
		if strings.Contains(text, secret) {
			t.Errorf("the error holds %q: %q", secret, text)
		}
	}
	if !strings.Contains(text, "acme/web") || len(text) > 800 {
		t.Errorf("the error does not name the repository, or is too long: %q", text)
	}
}

// recovers is the kind of no error: the next attempt works.
const recovers Kind = ""

// faultCase is a fault and what becomes of it.
type faultCase struct {
	name  string
	fault ghtest.Fault
	once  Kind // with one such answer
	all   Kind // with such answers only
}

// faultCases are the faults of TestFaults; other is the address of another host.
func faultCases(other string) []faultCase {
	hour := newClock().Now().Add(time.Hour)
	return []faultCase{
		{"reset", ghtest.Reset(), recovers, Unavailable},
		{"time-out", ghtest.Hang(), recovers, Unavailable},
		{"slow trickle", ghtest.Trickle(), recovers, Unavailable},
		{"429 with retry-after", ghtest.Status(429, `{"message":"slow down"}`, "Retry-After", "7"), recovers,
			RateLimited},
		{"429 without headers", ghtest.Status(429, `{"message":"slow down"}`), recovers, RateLimited},
		{"429 as HTML", ghtest.Status(429, `<h1>slow down</h1>`), recovers, RateLimited},
		{"secondary limit", ghtest.SecondaryLimit("60"), recovers, RateLimited},
		{"secondary limit without header", ghtest.SecondaryLimit(""), recovers, RateLimited},
		{"primary limit", ghtest.PrimaryLimit(hour), recovers, RateLimited},
		{"limit that resets in a week", ghtest.PrimaryLimit(hour.AddDate(0, 0, 7)), RateLimited, RateLimited},
		{"429 that asks for centuries", ghtest.Status(429, `{}`, "Retry-After", "99999999999"), RateLimited,
			RateLimited},
		{"407", ghtest.Status(407, `<html>log in to the proxy</html>`), Unavailable, Unavailable},
		{"408", ghtest.Status(408, `{"message":"timeout"}`), recovers, Unavailable},
		{"500", ghtest.Status(500, `{"message":"Server Error"}`), recovers, Unavailable},
		{"502 with HTML", ghtest.Status(502, `<html>bad gateway</html>`), recovers, Unavailable},
		{"503 with retry-after", ghtest.Status(503, ``, "Retry-After", "20"), recovers, Unavailable},
		{"200 with HTML", ghtest.Status(200, `<html>log in to the proxy</html>`), recovers, Unavailable},
		{"truncated", ghtest.Truncate(), recovers, Unavailable},
		{"redirect to another host", ghtest.Redirect(302, other+"/?sig=KZCANARY7"), Unavailable, Unavailable},
		{"permanent redirect to another host", ghtest.Redirect(308, other+"/?sig=KZCANARY7"), Unavailable,
			Unavailable},
		{"redirect to nowhere", ghtest.Redirect(301, ""), Unavailable, Unavailable},
		{"redirect to itself", ghtest.Redirect(307, "?again"), recovers, Unavailable},
		{"401", ghtest.Status(401, `{"message":"Bad credentials"}`), Unauthorized, Unauthorized},
		{"401 that echoes the token", ghtest.Status(401, `{"message":"Bad credentials: `+testToken+`"}`), Unauthorized,
			Unauthorized},
		{"403", ghtest.Status(403, `{"message":"no\n`+testToken+`\u001b[31m"}`), Forbidden, Forbidden},
		{"403 that echoes the token in escapes", ghtest.Status(403, `{"message":"\u0067`+testToken[1:]+`"}`),
			Forbidden, Forbidden},
		{"403 as HTML", ghtest.Status(403, `<html>forbidden</html>`), Forbidden, Forbidden},
		{"404", ghtest.Status(404, `{"message":"Not Found"}`), NotFound, NotFound},
		{"410", ghtest.Status(410, `{"message":"Gone"}`), Invalid, Invalid},
		{"422", ghtest.Status(422, `{"message":"`+strings.Repeat("long ", 500)+`"}`), Invalid, Invalid},
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	// A host that must get no request.
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request reached another host: %s %s, Authorization %q", r.Method, r.URL,
			r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	for _, tt := range faultCases(other.URL) {
		for _, c := range calls {
			if c.name == "download" && strings.Contains(tt.name, "another host") {
				continue // that is where storage is: TestStorage
			}
			once, all := tt.once, tt.all
			if c.name == "files" && tt.name == "404" {
				once, all = "", "" // no such directory, no files
			}
			t.Run(tt.name+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				server, client, _ := faultServer(t)
				slow := hangs(client, tt.name)
				server.Fail(c.pattern, 1, tt.fault)
				checkError(t, c.do(t.Context(), client), once)
				server.Fail(c.pattern, always, tt.fault)
				checkError(t, c.do(t.Context(), client), all)
				if n := len(server.Requests()); n > 1+2*transfer.Attempts+2*maxRedirects*transfer.Attempts {
					t.Errorf("%d requests", n)
				}
				// An answer that comes after the short time-out is lost, so the dispatch
				// is sent again: at least once.
				if n := len(server.Dispatches()); n > 1 && !slow {
					t.Errorf("%d dispatches arrived", n)
				}
				if n := len(server.Starts()); n > 1 {
					t.Errorf("%d runs were started", n)
				}
			})
		}
	}
}

func TestStorage(t *testing.T) {
	t.Parallel()
	tests := []faultCase{
		{"reset", ghtest.Reset(), recovers, Unavailable},
		{"time-out", ghtest.Hang(), recovers, Unavailable},
		{"slow trickle", ghtest.Trickle(), recovers, Unavailable},
		{"408", ghtest.Status(408, ``), recovers, Unavailable},
		{"429", ghtest.Status(429, ``), recovers, Unavailable},
		{"429 that asks for centuries", ghtest.Status(429, `{}`, "Retry-After", "99999999999"), RateLimited,
			RateLimited},
		{"407", ghtest.Status(407, `<html>log in to the proxy</html>`), Unavailable, Unavailable},
		{"500", ghtest.Status(500, ``), recovers, Unavailable},
		{"503", ghtest.Status(503, ``, "Retry-After", "9"), recovers, Unavailable},
		{"truncated", ghtest.Truncate(), Invalid, Invalid}, // promises more than the limit
		{"signed URL expired", ghtest.Status(403, "<Error>"+strings.Repeat("longer than the limit ", 100)), recovers,
			Unavailable},
		{"gone", ghtest.Status(404, ``), Unavailable, Unavailable},
		{"another redirect", ghtest.Redirect(302, "https://example.com/?sig=KZCANARY7"), Unavailable, Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server, client, _ := faultServer(t)
			hangs(client, tt.name)
			for _, run := range []struct {
				n    int
				want Kind
			}{{1, tt.once}, {always, tt.all}} {
				server.Fail("GET /artifacts/*.zip", run.n, tt.fault)
				_, err := client.DownloadArtifact(t.Context(), "acme/web", 1, 100)
				checkError(t, err, run.want)
			}
		})
	}
}

// An expired signed URL is replaced once only.
func TestStorageAsksOnceForAFreshURL(t *testing.T) {
	t.Parallel()
	server, client, _ := faultServer(t)
	server.Fail("GET /artifacts/*.zip", always, ghtest.Status(403, `<Error/>`))
	_, err := client.DownloadArtifact(t.Context(), "acme/web", 1, 100)
	checkError(t, err, Unavailable)
	if n := len(server.Requests()); n != 4 {
		t.Errorf("%d requests, want 4: twice the API, twice storage", n)
	}
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		server, client, clock := faultServer(t)
		server.Close()
		start := clock.Now()
		checkError(t, c.do(t.Context(), client), Unavailable)
		if waited := clock.Now().Sub(start); waited < 15*time.Second || waited > 25*time.Second {
			t.Errorf("%s: waited %s in all", c.name, waited)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	for _, c := range calls {
		server, client, _ := faultServer(t)
		client.api.timeout = time.Minute
		server.Fail(c.pattern, always, ghtest.Hang())
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		err := c.do(ctx, client)
		cancel()
		checkError(t, err, Unavailable)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v is not the end of ctx", c.name, err)
		}
	}
}

// TestBrokenServers connects to servers that a second attempt does not change. They get
// no request, and there is one attempt.
func TestBrokenServers(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	plainHost := plain.Listener.Addr().String()
	cert, pool := fixture.Certificate(t, time.Now())
	valid := fixture.TLSServer(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	oldCert, oldPool := fixture.Certificate(t, time.Now().Add(-48*time.Hour))
	expired := fixture.TLSServer(t, &tls.Config{Certificates: []tls.Certificate{oldCert}})
	tests := []struct {
		name, url     string
		pool          *x509.CertPool
		message, hint string
	}{
		{"trusted, but expired", expired.URL, oldPool, "certificate has expired", "renew the certificate"},
		{"unknown authority", valid.URL, oldPool, "unknown authority", "SSL_CERT_FILE"},
		{"no TLS", "https://" + plainHost, pool, "the server at " + plainHost + " does not speak TLS",
			"check the address and port"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			client, err := New(Options{
				BaseURL: tt.url, Token: testToken, Now: clock.Now, Sleep: clock.Sleep,
				Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: tt.pool}},
			})
			fixture.Must(t, err)
			for _, c := range calls {
				err := c.do(t.Context(), client)
				checkError(t, err, Unavailable)
				if err == nil {
					continue
				}
				message, hint := advice.Split(err)
				if !strings.Contains(message, tt.message) || !strings.Contains(hint, tt.hint) {
					t.Errorf("%s: got %q and %q, want %q and %q", c.name, message, hint, tt.message, tt.hint)
				}
			}
			if sleeps := clock.Sleeps(); len(sleeps) > 0 {
				t.Errorf("tried again: %v", sleeps)
			}
		})
	}
}

// A proxy asks for credentials by a 407: to CONNECT, and in place of the API's answer.
func TestProxyWithoutCredentials(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(proxy.Close)
	for _, base := range []string{"https://api.example.invalid", "http://localhost:1"} {
		transport := defaultTransport().(*http.Transport)
		transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
		client, err := New(Options{BaseURL: base, Token: testToken, Transport: transport})
		fixture.Must(t, err)
		err = client.Dispatch(t.Context(), "acme/web", "t", json.RawMessage(payload))
		checkError(t, err, Unavailable)
		message, hint := advice.Split(err)
		if !strings.Contains(message, "asks for a user name and password") || !strings.Contains(hint, "HTTPS_PROXY") {
			t.Errorf("%s: got %q and %q", base, message, hint)
		}
	}
}
