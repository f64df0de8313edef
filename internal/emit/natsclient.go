package emit

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	reconnectWait = 200 * time.Millisecond // between two connections
	natsCloseWait = 100 * time.Millisecond // for what is still to be written
)

// Reasons why a request is sent again.
var (
	errLost = errors.New("connection lost") // another connection may work
	errLate = errors.New("no answer yet")
)

// errCancelled marks a connection that the caller gave up.
var errCancelled = errors.New("cancelled while connecting")

// natsClient keeps a connection to one of the servers and replaces it when it is lost. It does
// not use the reconnecting of nats.go, which works in the background, beyond any deadline.
type natsClient struct {
	servers  []string    // host:port, tried in turn
	tls      *tls.Config // required of every server; nil to use TLS only where a server requires it
	options  nats.Options
	timeout  time.Duration // to connect to one server
	silence  time.Duration // of a server, after which the TLS handshake comes before its greeting
	patience time.Duration // for an answer, after which another connection is tried

	link *natsLink // nil without a connection
	lost error     // why the last connection was lost, nil after an answer
	next int       // the server to connect to next
}

// newNATSOptions returns options that connect to no server but the named one: neither those
// that it announces, nor any after the connection is lost.
func newNATSOptions(name string, timeout time.Duration) nats.Options {
	o := nats.GetDefaultOptions()
	o.Name, o.Timeout = name, timeout
	o.AllowReconnect, o.IgnoreDiscoveredServers, o.NoRandomize = false, true, true
	o.SkipHostLookup = true // the dialer resolves names
	return o
}

// connect connects to the first server that accepts, beginning after the last one tried. A
// server that answered and refused explains more than one that is down, so its error wins.
func (c *natsClient) connect(ctx context.Context) error {
	if c.link != nil {
		return nil
	}
	var first, refusal error
	for range c.servers {
		address := c.servers[c.next]
		c.next = (c.next + 1) % len(c.servers)
		link, reached, err := c.connectTo(ctx, address)
		if err == nil {
			c.link = link
			return nil
		}
		if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
			<-ctx.Done() // a dial with the same deadline may end before its context
		}
		if ctx.Err() != nil {
			return marked{context.Cause(ctx), errCancelled}
		}
		first = cmp.Or(first, err)
		if reached {
			refusal = cmp.Or(refusal, err)
		}
	}
	return cmp.Or(refusal, first)
}

// connectTo connects to one server. After an error, reached reports whether it is the answer
// of a NATS server.
func (c *natsClient) connectTo(ctx context.Context, address string) (link *natsLink, reached bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	d := &natsDialer{ctx: ctx, address: address, tls: c.tls, silence: c.silence}
	link = &natsLink{}
	o := c.options
	o.Url, o.CustomDialer, o.AsyncErrorCB = "nats://"+address, d, link.report
	link.conn, err = o.Connect()
	if d.err != nil {
		err = d.err // nats.go does not pass all of them on
	}
	if !d.release() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil {
		link.raw = d.raw
		link.js, err = jetstream.New(link.conn)
	}
	if err == nil {
		return link, true, nil
	}
	if link.conn != nil {
		link.conn.Close()
	}
	err = d.explain(err)
	refused := errors.Is(err, errTLS) || errors.Is(err, errNoTLS) || errors.Is(err, errNoHeaders) ||
		errors.Is(err, errClientCertificate) || d.greeted && !isConnectionError(err)
	return nil, refused, err
}

// isConnectionError reports whether err is about the connection, not an answer on it.
func isConnectionError(err error) bool {
	_, isNet := errors.AsType[net.Error](err) // the end of a context is one, too
	return isNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled)
}

// do calls request with a connection. When that is lost, or the answer takes longer than the
// client's patience, it calls request again with a new one, until ctx ends: a message may
// arrive twice. A refused user may only be one of a restarting server, so do gives up when it
// is refused twice in a row. After the end of ctx the error is its cause.
func (c *natsClient) do(ctx context.Context, request func(context.Context, jetstream.JetStream) error) error {
	c.lost = nil
	for refusals := 0; ; {
		err := c.try(ctx, request)
		if err == nil {
			c.lost = nil
			return nil
		}
		if refusals++; !isAuthorizationError(err) {
			refusals = 0
		}
		if ctx.Err() == nil && (!errors.Is(err, errLost) || refusals == 2) {
			return err
		}
		if ctx.Err() == nil && !errors.Is(err, errLate) {
			c.lost = err
		}
		c.close()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(reconnectWait):
		}
	}
}

// try calls request once. The error is errLost where another connection may work.
func (c *natsClient) try(ctx context.Context, request func(context.Context, jetstream.JetStream) error) error {
	if err := c.connect(ctx); err != nil {
		return marked{err, errLost}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errLate)
	defer cancel()
	return c.link.do(ctx, request)
}

// maxPayload is the size of the largest message that the server accepts, 0 if unknown.
func (c *natsClient) maxPayload() int64 {
	if c.link == nil {
		return 0
	}
	return c.link.conn.MaxPayload()
}

// close ends the connection.
func (c *natsClient) close() {
	if c.link != nil {
		c.link.close()
		c.link = nil
	}
}

// natsLink is one connection. It serves one request at a time.
type natsLink struct {
	conn *nats.Conn
	js   jetstream.JetStream
	raw  net.Conn

	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the current request
	deaf   error                   // why no answer can arrive
}

// do calls request until ctx ends. The error is errLost if the connection must be replaced.
func (l *natsLink) do(ctx context.Context, request func(context.Context, jetstream.JetStream) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := l.setCurrent(cancel); err != nil {
		return err
	}
	// A server that stopped reading blocks the writers inside nats.go, and these hold its lock.
	stop := context.AfterFunc(ctx, func() {
		if !isPermissionError(context.Cause(ctx)) {
			_ = l.raw.Close()
		}
	})
	err := request(ctx, l.js)
	stop()
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return nil
	case isPermissionError(cause):
		return cause
	case cause != nil:
		return marked{cause, errLost}
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrDisconnected), isConnectionError(err):
		return l.explainLoss(err)
	}
	return err
}

// setCurrent makes cancel the function that ends the current request. The error says why the
// request cannot have an answer.
func (l *natsLink) setCurrent(cancel context.CancelCauseFunc) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cancel = cancel
	return l.deaf
}

// report receives the errors that nats.go does not return to the request they belong to. The
// server reports a missing permission to subscribe to the answers only once.
func (l *natsLink) report(_ *nats.Conn, _ *nats.Subscription, err error) {
	if !isPermissionError(err) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel == nil {
		return // between CONNECT and the first request there is nothing to permit
	}
	if strings.Contains(strings.ToLower(err.Error()), "for subscription") {
		l.deaf = err
	}
	l.cancel(err)
}

// explainLoss says why the connection is gone.
func (l *natsLink) explainLoss(err error) error {
	if last := l.conn.LastError(); last != nil {
		err = last
	}
	if strings.Contains(strings.ToLower(err.Error()), "maximum payload") {
		return nats.ErrMaxPayload // the next connection would be closed for the same reason
	}
	return marked{err, errLost}
}

// close writes what is left, if the server still reads, and ends the connection.
func (l *natsLink) close() {
	defer time.AfterFunc(natsCloseWait, func() { _ = l.raw.Close() }).Stop()
	l.conn.Close()
}
