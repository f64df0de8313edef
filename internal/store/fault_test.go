package store

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// impatient gives up after 300 ms, where a real client waits for minutes.
type impatient struct{ next http.RoundTripper }

func (i impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), 300*time.Millisecond)
	resp, err := i.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = closer{resp.Body, cancel}
	return resp, nil
}

type closer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c closer) Close() error {
	c.cancel()
	return c.ReadCloser.Close()
}

// TestFaultMatrix checks the upload's reaction to every fault, at each of its requests,
// once and for good.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request reached another host: %s, Authorization %q", r.URL.Path, r.Header.Get("Authorization"))
	}))
	t.Cleanup(other.Close)
	faults := []struct {
		name  string
		fault ghtest.Fault
		lasts bool   // no second attempt is made
		want  string // in the error when it stays
	}{
		{"reset", ghtest.Reset(), false, "no answer"},
		{"time-out", ghtest.Hang(), false, "no complete answer within"},
		{"slow trickle", ghtest.Trickle(), false, "no complete answer within"},
		{"429 with retry-after", ghtest.Status(429, `{"msg":"slow down"}`, "Retry-After", "7"), false, "429"},
		{"429 without headers", ghtest.Status(429, `{"msg":"slow down"}`), false, "429"},
		{"403 secondary limit", ghtest.SecondaryLimit("60"), true, "403"},
		{"500", ghtest.Status(500, `{"msg":"oops sig=KZCANARY7"}`), false, "500"},
		{"502 with HTML", ghtest.Status(502, "<html>sig=KZCANARY7</html>"), false, "502"},
		{"truncated body", ghtest.Truncate(), false, "the answer ended early"},
		{"redirect to another host", ghtest.Redirect(307, other.URL+"/?sig=KZCANARY7"), true, "307"},
	}
	for _, op := range operations {
		for _, tt := range faults {
			t.Run(op+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				for _, n := range []int{1, 99} {
					w := newWorkbench(t, ghtest.GitHub)
					w.options.Transport = impatient{http.DefaultTransport.(*http.Transport).Clone()}
					w.results.Fail(op, 0, n, tt.fault)
					_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
					w.checkUpload(t, err, n == 1 && !tt.lasts, tt.want)
				}
			})
		}
	}
}

// checkUpload checks what must hold at the end of every upload.
func (w *workbench) checkUpload(t *testing.T, err error, works bool, want string) {
	t.Helper()
	if works {
		if err != nil || len(w.results.Artifacts()) != 1 {
			t.Errorf("%v, %d stored", err, len(w.results.Artifacts()))
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), bundleName) ||
		len(err.Error()) > 600 {
		t.Errorf("error %v: want %q", err, want)
	}
	if n := len(w.results.Artifacts()); n > 0 {
		t.Errorf("%d artifacts can be seen", n)
	}
	fixture.NoCanary(t, "error and log", fmt.Sprint(err, w.log.Text()))
	for _, secret := range []string{"sig=%", "\n"} {
		if err != nil && strings.Contains(err.Error()+strings.ReplaceAll(w.log.Text(), "\n", " "), secret) {
			t.Errorf("%q appears in %v", secret, err)
		}
	}
}

// TestServiceOutOfReach asks for a service that nothing listens for, and services whose
// TLS is broken.
func TestServiceOutOfReach(t *testing.T) {
	t.Parallel()
	cert, pool := fixture.Certificate(t, time.Now().Add(-2*time.Hour))
	expired := fixture.TLSServer(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	other, _ := fixture.Certificate(t, time.Now())
	unknown := fixture.TLSServer(t, &tls.Config{Certificates: []tls.Certificate{other}})
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	plainHost := plain.Listener.Addr().String()
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct {
		name, url, message, hint string
		sleeps                   int
	}{
		{"refused connection", closed.URL, "connection refused", "run again later", 4},
		{"expired TLS", expired.URL, "certificate has expired", "renew the certificate", 0},
		{"unknown authority", unknown.URL, "unknown authority", "SSL_CERT_FILE", 0},
		{"no TLS", "https://" + plainHost, "the server at " + plainHost + " does not speak TLS",
			"check the address and port", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			w.options.ResultsURL = tt.url
			w.options.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
			_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
			w.checkUpload(t, err, false, tt.message)
			if err == nil {
				return
			}
			if _, hint := advice.Split(err); !strings.Contains(hint, tt.hint) {
				t.Errorf("hint %q, want %q in it", hint, tt.hint)
			}
			if n := len(w.clock.Sleeps()); n != tt.sleeps {
				t.Errorf("%d more attempts, want %d", n, tt.sleeps)
			}
		})
	}
}

// TestLedgerFaultMatrix checks that a fault that stays, in the listing, a run or a
// download, is an error and not "no receipt".
func TestLedgerFaultMatrix(t *testing.T) {
	t.Parallel()
	lookup := func(a *Artifacts) (bool, error) {
		rec := a.Lookup(t.Context(), []string{bundleName})[0]
		return rec.Delivered, rec.Err
	}
	receipt := func(a *Artifacts) (bool, error) {
		r, err := a.Receipt(t.Context(), bundleName)
		return r != nil, err
	}
	steps := map[string]struct {
		pattern string
		do      func(*Artifacts) (found bool, err error)
	}{
		"listing":  {"GET /repos/*/*/actions/artifacts", lookup},
		"run":      {"GET /repos/*/*/actions/runs/*", lookup},
		"address":  {"GET /repos/*/*/actions/artifacts/*/zip", receipt},
		"download": {"GET /artifacts/*.zip", receipt},
	}
	faults := []struct {
		name  string
		fault ghtest.Fault
		lasts func(step string) bool // one is enough for no answer
	}{
		{"reset", ghtest.Reset(), never},
		{"429 with retry-after", ghtest.Status(429, `{"message":"slow down"}`, "Retry-After", "7"), never},
		{"429 without headers", ghtest.Status(429, `{"message":"slow down"}`), never},
		{"403 secondary limit", ghtest.SecondaryLimit("60"), never},
		{"500", ghtest.Status(500, `{"message":"oops sig=KZCANARY7"}`), never},
		{"502 with HTML", ghtest.Status(502, "<html>sig=KZCANARY7</html>"), never},
		{"truncated body", ghtest.Truncate(), never},
		{"redirect to another host", ghtest.Redirect(302, "https://192.0.2.1:1/?sig=KZCANARY7"),
			func(step string) bool { return step != "address" }},
	}
	for name, step := range steps {
		for _, tt := range faults {
			if name == "address" && strings.HasPrefix(tt.name, "redirect") {
				continue // that answer is the wanted one
			}
			t.Run(name+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				for _, n := range []int{1, 99} {
					w := newWorkbenchOn(t, ghtest.GitHub, ghtest.Options{Gitea: name == "run"})
					w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
					w.api.Fail(step.pattern, n, tt.fault)
					found, err := step.do(w.open(t))
					if works := n == 1 && !tt.lasts(name); works != (err == nil && found) || !works && err == nil {
						t.Errorf("%d times: found %t, %v", n, found, err)
					}
					fixture.NoCanary(t, "error and log", fmt.Sprint(err, w.log.Text()))
					if err != nil && strings.Contains(err.Error()+w.log.Text(), "sig=") {
						t.Errorf("a signature appears in %v\n%s", err, w.log.Text())
					}
				}
			})
		}
	}
}

func never(string) bool { return false }
