package gh

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The platform's secondary limits. Concurrency stays well below the platform's 100.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
const (
	maxConcurrent    = 10
	pointsPerMinute  = 900
	contentPerMinute = 80
	contentPerHour   = 500
	pointsOfRead     = 1
	pointsOfWrite    = 5
)

// maxPause is the longest that the client waits for a limit. The platform's own resets
// come within the hour; a server that asks for more is reported instead.
const maxPause = time.Hour + 5*time.Minute

// pacer lets requests pass as fast as the limits allow, and holds all of them back while
// the server asks for it.
type pacer struct {
	now   func() time.Time
	sleep func(ctx context.Context, d time.Duration) error
	log   func(format string, args ...any)

	slots chan struct{} // one for each request under way
	turn  chan struct{} // content-creating requests wait for their budget one after another

	mu     sync.Mutex
	paused time.Time // nothing passes before
	flight cost      // of the requests under way
	past   []past    // finished requests that still count, oldest first
}

// cost is what a request takes from each budget.
type cost struct{ points, content int }

// past is a finished request. It counts from its end: the server saw it before, so
// whatever the delays, the server's count is never above ours.
type past struct {
	cost
	at time.Time
}

func newPacer(now func() time.Time, sleep func(context.Context, time.Duration) error, log func(string, ...any)) *pacer {
	return &pacer{
		now: now, sleep: sleep, log: log, slots: make(chan struct{}, maxConcurrent), turn: make(chan struct{}, 1),
	}
}

func costOf(method string) cost {
	if method == http.MethodGet || method == http.MethodHead {
		return cost{points: pointsOfRead}
	}
	return cost{points: pointsOfWrite, content: 1}
}

// enter waits until a request of that cost may be sent; leave must follow. The error is
// an *Error.
func (p *pacer) enter(ctx context.Context, c cost) error {
	if c.content > 0 {
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
		if err := p.wait(ctx, until, "to stay within the API's rate limits"); err != nil {
			<-p.slots
			return err
		}
	}
}

// leave ends what enter began.
func (p *pacer) leave(c cost) {
	p.mu.Lock()
	p.flight.points -= c.points
	p.flight.content -= c.content
	p.past = append(p.past, past{c, p.now()})
	p.mu.Unlock()
	<-p.slots
}

// admit counts a request of cost c as under way, or says until when it must wait.
func (p *pacer) admit(c cost) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	p.past = slices.DeleteFunc(p.past, func(d past) bool {
		age := now.Sub(d.at)
		return age >= time.Hour || d.content == 0 && age >= time.Minute
	})
	points := func(c cost) int { return c.points }
	content := func(c cost) int { return c.content }
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
	p.flight.points += c.points
	p.flight.content += c.content
	return time.Time{}
}

// free is the moment at which enough of the past has left the window for c to fit into
// the budget; zero when it fits now. What is under way always fits: there are fewer slots
// than any budget holds.
func (p *pacer) free(now time.Time, c cost, of func(cost) int, budget int, window time.Duration) (t time.Time) {
	if of(c) == 0 {
		return t
	}
	sum := of(p.flight) + of(c)
	start := slices.IndexFunc(p.past, func(d past) bool { return now.Sub(d.at) < window })
	if start < 0 {
		return t
	}
	for _, d := range p.past[start:] {
		sum += of(d.cost)
	}
	for _, d := range p.past[start:] {
		if sum <= budget {
			break
		}
		sum -= of(d.cost)
		t = d.at.Add(window)
	}
	return t
}

// pause holds every request back until t.
func (p *pacer) pause(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.After(p.paused) {
		p.paused = t
	}
}

// wait sleeps until t. It fails at once when t is after the deadline of ctx.
func (p *pacer) wait(ctx context.Context, t time.Time, why string) error {
	d := t.Sub(p.now())
	if deadline, ok := ctx.Deadline(); ok && t.After(deadline) {
		return rateLimited("the API's rate limit is used up until after the deadline", t)
	}
	if d > maxPause {
		return rateLimited("the API's rate limit is used up for long", t)
	}
	if d >= time.Second {
		p.log("waiting %s %s", d.Round(time.Second), why)
	}
	if err := p.sleep(ctx, d); err != nil {
		return ended(err)
	}
	return nil
}

func rateLimited(message string, until time.Time) *Error {
	return &Error{Kind: RateLimited, Message: message, Hint: runAgainAfter(until)}
}

func take(ctx context.Context, from chan struct{}) error {
	select {
	case from <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ended(ctx.Err())
	}
}
