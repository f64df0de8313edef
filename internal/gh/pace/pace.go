// Package pace keeps requests within the rate limits of GitHub.
package pace

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// MaxConcurrent is how many requests are under way at the same time, well below the
// platform's 100.
const MaxConcurrent = 10

// The platform's secondary limits:
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	pointsPerMinute  = 900
	contentPerMinute = 80
	contentPerHour   = 500
	pointsOfRead     = 1
	pointsOfWrite    = 5
)

// maxPause is the longest that the client waits for a limit. The platform's own resets
// come within the hour; a server that asks for more is reported instead.
const maxPause = time.Hour + 5*time.Minute

// Pacer lets requests pass as fast as the limits allow, and holds all of them back while
// the server asks for it.
type Pacer struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	log   func(format string, args ...any)

	slots chan struct{} // one for each request under way
	turn  chan struct{} // content-creating requests wait for their budget one after another

	mu     sync.Mutex
	paused time.Time // nothing passes before
	flight Cost      // of the requests under way
	past   []past    // finished requests that still count, oldest first
}

// Cost is what a request takes from each budget.
type Cost struct{ Points, Content int }

// past is a finished request. It counts from its end: the server saw it before, so
// whatever the delays, the server's count is never above ours.
type past struct {
	Cost
	at time.Time
}

// New returns a pacer with no request behind it. Log gets the waits.
func New(now func() time.Time, sleep func(context.Context, time.Duration) error, log func(string, ...any)) *Pacer {
	return &Pacer{
		now: now, sleep: sleep, log: log, slots: make(chan struct{}, MaxConcurrent), turn: make(chan struct{}, 1),
	}
}

// CostOf returns the cost of a request of the REST API.
func CostOf(method string) Cost {
	if method == http.MethodGet || method == http.MethodHead {
		return Cost{Points: pointsOfRead}
	}
	return Cost{Points: pointsOfWrite, Content: 1}
}

// Enter waits until a request of that cost may be sent; Leave must follow. The error is
// a *LimitError, or that of ctx.
func (p *Pacer) Enter(ctx context.Context, c Cost) error {
	if c.Content > 0 {
		if err := take(ctx, p.turn); err != nil {
			return err
		}
		defer func() { <-p.turn }()
	}
	if err := take(ctx, p.slots); err != nil {
		return err
	}
	for {
		until := p.admit(c)
		if until.IsZero() {
			return nil
		}
		if err := p.Wait(ctx, until, "to stay within the API's rate limits"); err != nil {
			<-p.slots
			return err
		}
	}
}

// Leave ends what Enter began.
func (p *Pacer) Leave(c Cost) {
	p.mu.Lock()
	p.flight.Points -= c.Points
	p.flight.Content -= c.Content
	p.past = append(p.past, past{c, p.now()})
	p.mu.Unlock()
	<-p.slots
}

// admit counts a request of cost c as under way, or says until when it must wait.
func (p *Pacer) admit(c Cost) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.past = slices.DeleteFunc(p.past, func(d past) bool {
		age := now.Sub(d.at)
		return age >= time.Hour || d.Content == 0 && age >= time.Minute
	})
	points := func(c Cost) int { return c.Points }
	content := func(c Cost) int { return c.Content }
	until := p.paused
	for _, t := range []time.Time{
		p.free(now, c, points, pointsPerMinute, time.Minute),
		p.free(now, c, content, contentPerMinute, time.Minute),
		p.free(now, c, content, contentPerHour, time.Hour),
	} {
		if t.After(until) {
			until = t
		}
	}
	if until.After(now) {
		return until
	}
	p.flight.Points += c.Points
	p.flight.Content += c.Content
	return time.Time{}
}

// Now returns the time of the pacer's clock.
func (p *Pacer) Now() time.Time { return p.now() }

// free is the moment at which enough of the past has left the window for c to fit into
// the budget; zero when it fits now. What is under way always fits: there are fewer slots
// than any budget holds.
func (p *Pacer) free(now time.Time, c Cost, of func(Cost) int, budget int, window time.Duration) (t time.Time) {
	if of(c) == 0 {
		return t
	}
	sum := of(p.flight) + of(c)
	start := slices.IndexFunc(p.past, func(d past) bool { return now.Sub(d.at) < window })
	if start < 0 {
		return t
	}
	for _, d := range p.past[start:] {
		sum += of(d.Cost)
	}
	for _, d := range p.past[start:] {
		if sum <= budget {
			break
		}
		sum -= of(d.Cost)
		t = d.at.Add(window)
	}
	return t
}

// Pause holds every request back until t.
func (p *Pacer) Pause(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.paused) {
		p.paused = t
	}
}

// Wait sleeps until t. It fails at once when t is after the deadline of ctx.
func (p *Pacer) Wait(ctx context.Context, t time.Time, why string) error {
	d := t.Sub(p.now())
	if deadline, ok := ctx.Deadline(); ok && t.After(deadline) {
		return &LimitError{"the API's rate limit is used up until after the deadline", t}
	}
	if d > maxPause {
		return &LimitError{"the API's rate limit is used up for long", t}
	}
	if d >= time.Second {
		p.log("waiting %s %s", d.Round(time.Second), why)
	}
	return p.sleep(ctx, d)
}

// LimitError says that a limit holds a request back for longer than it can wait.
type LimitError struct {
	Message string
	Until   time.Time // when the limit resets
}

// Error returns the message.
func (e *LimitError) Error() string { return e.Message }

func take(ctx context.Context, from chan struct{}) error {
	select {
	case from <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
