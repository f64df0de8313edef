package store

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// impatient gives up an attempt that a real client would wait minutes for.
type impatient struct{ next http.RoundTripper }

func (i impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), 100*time.Millisecond)
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

// TestFaultMatrix holds the upload to its answer to every fault, at each of its requests: once and then for good.
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
		{"time-out", ghtest.Hang(), false, "no answer in time"},
		{"slow trickle", ghtest.Trickle(), false, "no answer in time"},
		{"429 with retry-after", ghtest.Status(429, `{"msg":"slow down"}`, "Retry-After", "7"), false, "429"},
		{"429 without headers", ghtest.Status(429, `{"msg":"slow down"}`), false, "429"},
		{"403 secondary limit", ghtest.SecondaryLimit("60"), true, "403"},
		{"500", ghtest.Status(500, `{"msg":"oops sig=geheim"}`), false, "500"},
		{"502 with HTML", ghtest.Status(502, "<html>sig=geheim</html>"), false, "502"},
		{"truncated body", ghtest.Truncate(), false, "no answer"},
		{"redirect to another host", ghtest.Redirect(307, other.URL+"/?sig=geheim"), true, "307"},
	}
	for _, op := range operations {
		for _, tt := range faults {
			t.Run(op+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				for _, n := range []int{1, 99} {
					w := newWorld(t, ghtest.GitHub)
					w.options.Transport = impatient{http.DefaultTransport.(*http.Transport).Clone()}
					w.results.Fail(op, 0, n, tt.fault)
					_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
					w.checkUpload(t, err, n == 1 && !tt.lasts, tt.want)
				}
			})
		}
	}
}

// checkUpload holds the end of an upload to what all of them owe.
func (w *world) checkUpload(t *testing.T, err error, works bool, want string) {
	t.Helper()
	if works {
		if err != nil || len(w.results.Artifacts()) != 1 {
			t.Errorf("%v, %d stored", err, len(w.results.Artifacts()))
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), bundleName) || len(err.Error()) > 600 {
		t.Errorf("error %v: want %q", err, want)
	}
	if n := len(w.results.Artifacts()); n > 0 {
		t.Errorf("%d artifacts can be seen", n)
	}
	for _, secret := range []string{w.options.RuntimeToken, "geheim", "sig=%", "\n"} {
		if err != nil && strings.Contains(err.Error()+strings.ReplaceAll(w.log.text(), "\n", " "), secret) {
			t.Errorf("%q is told in %v", secret, err)
		}
	}
}

// TestServiceOutOfReach plays a service that nothing listens for, and one whose certificate expired.
func TestServiceOutOfReach(t *testing.T) {
	t.Parallel()
	expired := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	expired.Config.ErrorLog = log.New(io.Discard, "", 0)
	cert, pool := expiredCertificate(t)
	expired.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	expired.StartTLS()
	t.Cleanup(expired.Close)
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tt := range []struct{ name, url, want string }{
		{"refused connection", closed.URL, "connection refused"},
		{"expired TLS", expired.URL, "certificate has expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ghtest.GitHub)
			w.options.ResultsURL = tt.url
			w.options.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
			_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
			w.checkUpload(t, err, false, tt.want)
		})
	}
}

func expiredCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestLedgerFaultMatrix holds the reading of a receipt, listing and download alike, to "can't know" when a fault stays.
func TestLedgerFaultMatrix(t *testing.T) {
	t.Parallel()
	patterns := map[string]string{
		"listing": "GET /repos/*/*/actions/artifacts", "address": "GET /repos/*/*/actions/artifacts/*/zip", "download": "GET /artifacts/*.zip",
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
		{"500", ghtest.Status(500, `{"message":"oops sig=geheim"}`), never},
		{"502 with HTML", ghtest.Status(502, "<html>sig=geheim</html>"), never},
		{"truncated body", ghtest.Truncate(), never},
		{"redirect to another host", ghtest.Redirect(302, "https://192.0.2.1:1/?sig=geheim"), func(step string) bool { return step != "address" }},
	}
	for step, pattern := range patterns {
		for _, tt := range faults {
			if step == "address" && strings.HasPrefix(tt.name, "redirect") {
				continue // that answer is the wanted one
			}
			t.Run(step+" "+tt.name, func(t *testing.T) {
				t.Parallel()
				for _, n := range []int{1, 99} {
					w := newWorld(t, ghtest.GitHub)
					w.add(bundleName+".receipt", receiptZip(t, bundleName, nil), nil)
					w.options.API = patient(t, w)
					w.api.Fail(pattern, n, tt.fault)
					rec, err := look(t, w.open(t), bundleName)
					if works := n == 1 && !tt.lasts(step); works != (err == nil && rec.Receipt != nil) || !works && err == nil {
						t.Errorf("%d times: got %+v, %v", n, rec.Receipt, err)
					}
					for _, secret := range []string{apiToken, "geheim", "sig="} {
						if err != nil && strings.Contains(err.Error()+w.log.text(), secret) {
							t.Errorf("%q is told: %v\n%s", secret, err, w.log.text())
						}
					}
				}
			})
		}
	}
}

func never(string) bool { return false }

// patient is an API client whose clock moves when it sleeps, so that a rate limit ends.
func patient(t *testing.T, w *world) *gh.Client {
	t.Helper()
	var mu sync.Mutex
	clock := noon
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return clock
	}
	sleep := func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(d)
		return ctx.Err()
	}
	client, err := gh.New(gh.Options{BaseURL: w.api.URL(), Token: apiToken, Now: now, Sleep: sleep, Log: w.log.log})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
