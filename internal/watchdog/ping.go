package watchdog

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Ping tells a health-check service that a run begins and how it ends, in the form of
// https://healthchecks.io/docs/http_api/. Its address is a secret.
type Ping struct {
	address   *url.URL
	transport http.RoundTripper
	now       func() time.Time
	sleep     func(ctx context.Context, d time.Duration) error
	log       func(format string, args ...any)
}

// PingOptions are what a Ping needs from outside. Now and Log are required.
type PingOptions struct {
	Address   string
	Transport http.RoundTripper // default: Go's own
	Now       func() time.Time
	Sleep     func(ctx context.Context, d time.Duration) error // default: a timer that ctx ends
	Log       func(format string, args ...any)
}

// Limits of one ping: the time of an attempt and of all, and the bytes of the answer.
const (
	pingAttempt = 5 * time.Second
	pingTimeout = 20 * time.Second
	maxAnswer   = 64 << 10
)

// NewPing checks the address. It returns nil for none.
func NewPing(o PingOptions) (*Ping, error) {
	if o.Address == "" {
		return nil, nil
	}
	u, err := url.Parse(o.Address)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, advice.New("give the https address of the check, without a user and a fragment",
			"ping-url is no address that can be used")
	}
	p := &Ping{address: u, transport: o.Transport, now: o.Now, sleep: o.Sleep, log: o.Log}
	if p.transport == nil {
		p.transport = transfer.NewTransport()
	}
	if p.sleep == nil {
		p.sleep = transfer.Sleep
	}
	return p, nil
}

// Start says that a run begins.
func (p *Ping) Start(ctx context.Context) { p.send(ctx, "/start") }

// End says how the run ended.
func (p *Ping) End(ctx context.Context, success bool) {
	if success {
		p.send(ctx, "")
		return
	}
	p.send(ctx, "/fail")
}

// send sends a ping. A service that is not reachable notices that by itself, so a failure
// is a warning, which never has the address.
func (p *Ping) send(ctx context.Context, suffix string) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	u := *p.address
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/")+suffix, ""
	loop := transfer.Loop{
		What: "ping-url", Backoff: transfer.Backoff, Now: p.now, Log: p.log,
		Wait: func(ctx context.Context, until time.Time) error { return p.sleep(ctx, until.Sub(p.now())) },
	}
	if f := loop.Do(ctx, func(int) *transfer.Failure { return p.attempt(ctx, &u) }); f != nil {
		message, _ := advice.Split(f.Err)
		p.log("warning: the health check was not reached: %s", message)
	}
}

// attempt sends one request.
func (p *Ping) attempt(ctx context.Context, u *url.URL) *transfer.Failure {
	attempt, cancel := context.WithTimeout(ctx, pingAttempt)
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return &transfer.Failure{Err: advice.New("", "its address cannot be used")}
	}
	req.Header.Set("User-Agent", "schedule-action")
	answer, err := transfer.Send(p.transport, req, maxAnswer)
	if err != nil {
		return transfer.NoAnswer(err, "ping-url", pingAttempt, p.secrets()...)
	}
	if answer.StatusCode/100 != 2 {
		return &transfer.Failure{Err: fmt.Errorf("it answered %d", answer.StatusCode),
			Again: transfer.Temporary(answer.StatusCode)}
	}
	return nil
}

// secrets are the parts of the address that no message may have.
func (p *Ping) secrets() []string {
	return []string{p.address.String(), p.address.Host, p.address.Hostname(), p.address.Path, p.address.RawQuery}
}
