// Package nats is as much of a NATS client as publishing to JetStream takes: one connection, one request at a time, each with its
// answer. It follows https://docs.nats.io/reference/reference-protocols/nats-protocol. Why there is one: docs/decisions/0008.
package nats

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"
)

// reconnectWait is the pause between two rounds over the servers.
const reconnectWait = 200 * time.Millisecond

// What an error may be, beside its text.
var (
	// ErrUnreachable: no server answered, or something that is none. It may pass by itself.
	ErrUnreachable = errors.New("no server can be reached")
	// ErrCancelled: the context ended before a server let us in.
	ErrCancelled = errors.New("cancelled")
	// ErrRefused: nothing listens at the address.
	ErrRefused = errors.New("connection refused")
	// ErrTimeout: a server took longer than Options.Timeout to let us in.
	ErrTimeout = errors.New("no answer in time")
	// ErrNoHeaders: the server takes no messages with headers.
	ErrNoHeaders = errors.New("the server does not take headers: it is older than 2.2, or has no_header_support set")
	// ErrNoTLS: Options.TLS is set and the server offers none. It was sent nothing.
	ErrNoTLS = errors.New("the server offers no TLS")
	// ErrTLS: the handshake failed.
	ErrTLS = errors.New("TLS handshake failed")
	// ErrClientCertificate: the server wants a client certificate, or another one.
	ErrClientCertificate = errors.New("the client's certificate was refused")
	// ErrAuthorization: the server does not accept who we say we are.
	ErrAuthorization = errors.New("not authorised")
	// ErrPermission: the user may not publish to the subject, or not receive the answer.
	ErrPermission = errors.New("not permitted")
	// ErrMaxPayload: the message is larger than the server takes, which MaxPayload tells.
	ErrMaxPayload = errors.New("message too large")
	// ErrNoResponders: nobody listens to the subject.
	ErrNoResponders = errors.New("no responders")
)

// Reasons to ask again.
var (
	errLost = errors.New("connection lost") // it is of no more use, another one may be
	errLate = errors.New("no answer yet")
)

// kindError is an error that also Is kind, without its text.
type kindError struct {
	error
	kind error
}

func (e kindError) Is(target error) bool { return e.kind == target }
func (e kindError) Unwrap() error        { return e.error }

// Options say where the servers are and who we are. At most one of Key, Token and User may be set.
type Options struct {
	Servers []string      // host:port, tried in turn
	TLS     *tls.Config   // demanded of every server if set; without it, TLS is used where a server demands it
	Name    string        // of the connection, as the server lists it
	Timeout time.Duration // to connect to one server

	// Patience is how long one connection may take to answer, after which another one is asked.
	Patience time.Duration

	JWT            string // of the user whose Key it is, where servers do not know users by their keys
	Key            *Key
	Token          string
	User, Password string
}

// Header is one header of a message. Neither part may hold a line end, and the name no colon.
type Header struct{ Name, Value string }

// Client keeps one connection. It is not safe for concurrent use.
type Client struct {
	o    Options
	conn *conn // nil before the first and after a lost one
	lost error // why the last one was lost, nil after an answer
	next int   // the server to connect to next
}

// New makes a client; nothing is connected yet.
func New(o Options) *Client { return &Client{o: o} }

// Connect connects to the first server that lets us in, beginning behind the one before. Its error is the one of the server that was
// reached, if any was: that it refused us says more than that another is down.
func (c *Client) Connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	var first, reached error
	for range c.o.Servers {
		address := c.o.Servers[c.next]
		c.next = (c.next + 1) % len(c.o.Servers)
		conn, err := dial(ctx, address, &c.o)
		if err == nil {
			c.conn = conn
			return nil
		}
		if ctx.Err() != nil {
			return kindError{fmt.Errorf("cancelled while connecting: %w", context.Cause(ctx)), ErrCancelled}
		}
		first = cmp.Or(first, err)
		if !errors.Is(err, ErrUnreachable) {
			reached = cmp.Or(reached, err)
		}
	}
	return cmp.Or(reached, first)
}

// MaxPayload is the size of the largest message, headers included, that the server takes, in bytes; 0 before it has told.
func (c *Client) MaxPayload() int64 {
	if c.conn == nil {
		return 0
	}
	return c.conn.info.MaxPayload
}

// Lost is why the connection was lost during the last request, if it was.
func (c *Client) Lost() error { return c.lost }

// Request publishes a message and returns the answer. When the connection is lost in between, or the answer takes longer than
// Options.Patience, it connects again and sends the message once more, until ctx ends: a message may arrive twice. Whatever a server says to
// another connection may pass, as when it restarts; only who is refused as a user twice in a row gives up.
// After the end of ctx the error is its cause, and the next request begins on a new connection.
func (c *Client) Request(ctx context.Context, subject string, headers []Header, data []byte) ([]byte, error) {
	header, err := encodeHeaders(headers)
	if err != nil {
		return nil, err
	}
	if subject == "" || strings.ContainsAny(subject, " \t\r\n") {
		return nil, fmt.Errorf("%q is not a subject", subject)
	}
	c.lost = nil
	for refusals := 0; ; {
		answer, err := c.try(ctx, subject, header, data)
		if err == nil {
			c.lost = nil
			return answer, nil
		}
		if refusals++; !errors.Is(err, ErrAuthorization) {
			refusals = 0
		}
		if ctx.Err() == nil && (!errors.Is(err, errLost) || refusals == 2) {
			return nil, err
		}
		if ctx.Err() == nil && !errors.Is(err, errLate) {
			c.lost = err
		}
		c.Close()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(reconnectWait):
		}
	}
}

// try sends a message once. The error is errLost where another connection may do better.
func (c *Client) try(ctx context.Context, subject, header string, data []byte) ([]byte, error) {
	if err := c.Connect(ctx); err != nil {
		return nil, kindError{err, errLost}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.o.Patience, errLate)
	defer cancel()
	answer, err := c.conn.request(ctx, subject, header, data)
	if errors.Is(err, errLost) && errors.Is(context.Cause(ctx), errLate) {
		err = kindError{errLate, errLost}
	}
	return answer, err
}

// Close ends the connection.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}

// encodeHeaders is the header block of a message, "" for none.
func encodeHeaders(headers []Header) (string, error) {
	if len(headers) == 0 {
		return "", nil
	}
	var b strings.Builder
	b.WriteString(headerVersion + "\r\n")
	for _, h := range headers {
		if strings.ContainsAny(h.Name, ":\r\n") || strings.ContainsAny(h.Value, "\r\n") {
			return "", fmt.Errorf("%q: %q is not a header", h.Name, h.Value)
		}
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String(), nil
}
