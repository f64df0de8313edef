package emit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Defaults of NATSOptions.
const (
	natsConnectTimeout = 5 * time.Second
	natsPublishTimeout = 10 * time.Second
	natsSource         = "https://github.com/kaizen-agentic/schedule-action"
)

// NATSOptions say where events are published and as whom. Keys, certificates and credentials are contents, not paths; at most one of
// Creds, NKey, Token and User may be set.
type NATSOptions struct {
	URLs    []string // nats:// or tls://, separated by commas or line ends, too; no user information
	Subject string   // default event.Type

	Creds          string // what a .creds file holds: JWT and seed
	NKey           string // a user's seed
	Token          string
	User, Password string

	CA        string // PEM; default the system's
	Cert, Key string // PEM, for mutual TLS

	Name           string        // of the connection, as the server lists it
	ConnectTimeout time.Duration // of one server, default 5 s
	PublishTimeout time.Duration // until the acknowledgement, default 10 s
	DryRun         bool          // connect, look for a stream, publish nothing
	Source         string        // ce-source, such as https://github.com/acme/web; default natsSource
}

// NATS publishes events to a JetStream stream. It never creates one.
type NATS struct {
	o       NATSOptions
	servers []string // URLs
	hosts   string   // the same for messages
	options []nats.Option
	secrets []string // never shown, whatever a server says

	mu   sync.Mutex // one delivery at a time
	conn *nats.Conn
	err  error // why no delivery can succeed: no connection, or no permission; it is tried once

	// refuse ends the request that is under way; the server's permission errors come on no request.
	refuse atomic.Pointer[context.CancelCauseFunc]
}

// NewNATS checks the options. It connects at the first delivery.
func NewNATS(o NATSOptions) (*NATS, error) {
	o.Subject = cmp.Or(o.Subject, event.Type)
	o.Source = cmp.Or(o.Source, natsSource)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, natsConnectTimeout)
	o.PublishTimeout = cmp.Or(o.PublishTimeout, natsPublishTimeout)
	n := &NATS{o: o}
	if strings.ContainsAny(n.o.Subject, " \t\r\n*>") || strings.Contains("."+n.o.Subject+".", "..") {
		return nil, fmt.Errorf("nats-subject %q is not a subject to publish to: write words joined by dots, without wildcards", n.o.Subject)
	}
	remote, err := n.parseServers()
	if err != nil {
		return nil, err
	}
	secure, err := n.tlsOption(remote)
	if err != nil {
		return nil, err
	}
	auth, err := n.authOption()
	if err != nil {
		return nil, err
	}
	n.options = append(append(secure, auth...),
		nats.Name(n.o.Name),
		nats.Timeout(n.o.ConnectTimeout),
		nats.IgnoreDiscoveredServers(), // the credentials go to the servers that the user named
		nats.MaxReconnects(-1),         // the publish deadline ends it
		nats.ReconnectWait(200*time.Millisecond),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // the library's own prints to standard error
			if refuse := n.refuse.Load(); refuse != nil && errors.Is(err, nats.ErrPermissionViolation) {
				(*refuse)(err)
			}
		}),
	)
	return n, nil
}

// Deliver publishes m and waits for the stream's acknowledgement. The event id is the message id, by which the stream drops a repeat.
func (n *NATS) Deliver(ctx context.Context, m Message) []store.Delivery {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := store.Delivery{Channel: "nats", Target: n.o.Subject}
	status, err := n.deliver(ctx, m)
	d.Status = status
	if err != nil {
		d.Status, d.Error = store.Failed, n.told(fmt.Sprintf("nats %s: %v", n.hosts, err))
	}
	return []store.Delivery{d}
}

// Check connects and looks for a stream on the subject, publishing nothing. Of its errors those that are ErrUnreachable may pass by
// themselves, and those that are ErrNotTold leave open whether there is a stream; any other needs mending.
func (n *NATS) Check(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.session(ctx, n.findStream)
	if err == nil {
		return nil
	}
	var known marked
	errors.As(err, &known)
	return marked{errors.New(n.told(fmt.Sprintf("%s: %v", n.hosts, err))), known.mark}
}

// session connects and calls do with a ctx that ends at the deadline, or when the server refuses a permission.
func (n *NATS) session(ctx context.Context, do func(context.Context, jetstream.JetStream) error) error {
	if err := n.connect(ctx); err != nil {
		return err
	}
	js, err := jetstream.New(n.conn)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.o.PublishTimeout, errNoAck)
	defer cancel()
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	n.refuse.Store(&refuse)
	return do(ctx, js)
}

func (n *NATS) deliver(ctx context.Context, m Message) (status store.Status, err error) {
	err = n.session(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		status, err = n.send(ctx, js, m)
		return err
	})
	return status, err
}

// send publishes m, or in a dry run stops before that.
func (n *NATS) send(ctx context.Context, js jetstream.JetStream, m Message) (store.Status, error) {
	if n.o.DryRun {
		// A user who may publish but not ask for streams could deliver, so that is no failure.
		if err := n.findStream(ctx, js); err != nil && !errors.Is(err, ErrNotTold) {
			return "", err
		}
		return store.DryRun, nil
	}
	ack, err := n.publish(ctx, js, n.message(m))
	if err != nil {
		return "", n.explainPublish(ctx, js, err)
	}
	if ack.Duplicate {
		return store.Duplicate, nil
	}
	return store.Delivered, nil
}

// findStream asks whether a stream captures the subject.
func (n *NATS) findStream(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.StreamNameBySubject(ctx, n.o.Subject)
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(cause, errNoAck):
		return marked{fmt.Errorf("JetStream did not answer within %v: run again", n.o.PublishTimeout), ErrUnreachable}
	case errors.Is(cause, nats.ErrPermissionViolation) && strings.Contains(cause.Error(), "$JS.API.STREAM.NAMES"):
		return marked{fmt.Errorf("the user may not ask for streams, so none can be seen on the subject %q: allow it to publish to $JS.API.STREAM.NAMES, or rely on the first delivery", n.o.Subject), ErrNotTold}
	}
	return n.explainPublish(ctx, js, err)
}

// publish sends msg until it is acknowledged or ctx ends. A message or its acknowledgement may be lost when the server restarts; sending
// it again is safe, for the stream drops a repeat.
func (n *NATS) publish(ctx context.Context, js jetstream.JetStream, msg *nats.Msg) (*jetstream.PubAck, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, n.o.PublishTimeout/4)
		ack, err := js.PublishMsg(attempt, msg)
		cancel()
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return ack, err
		}
	}
}

// connect tries once for all deliveries. The library takes no context; when ctx ends first, the connection is closed as soon as it is made.
func (n *NATS) connect(ctx context.Context) error {
	if n.conn != nil || n.err != nil {
		return n.err
	}
	type result struct {
		conn *nats.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		conn, err := nats.Connect(strings.Join(n.servers, ","), n.options...)
		done <- result{conn, err}
	}()
	select {
	case r := <-done:
		n.conn = r.conn
		if r.err != nil {
			n.err = n.explainConnect(r.err)
		}
	case <-ctx.Done():
		n.err = fmt.Errorf("cancelled while connecting: %w", context.Cause(ctx))
		go func() {
			if r := <-done; r.conn != nil {
				r.conn.Close()
			}
		}()
	}
	return n.err
}

// Close ends the connection.
func (n *NATS) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.conn != nil {
		n.conn.Close()
	}
	return nil
}

// message is m as a CloudEvent in binary mode. The names are lower-case, as the CloudEvents NATS binding writes them.
func (n *NATS) message(m Message) *nats.Msg {
	msg := nats.NewMsg(n.o.Subject)
	msg.Data = m.JSON
	for name, value := range map[string]string{
		jetstream.MsgIDHeader: m.ID,
		"ce-specversion":      "1.0",
		"ce-id":               m.ID,
		"ce-source":           n.o.Source,
		"ce-type":             event.Type,
		"ce-subject":          m.Agent,
		"ce-time":             m.Event.OccurredAt,
		"content-type":        "application/json",
	} {
		msg.Header[name] = []string{headerValue(value)}
	}
	return msg
}

// headerValue percent-encodes what a CloudEvents header can't carry: everything but visible ASCII, and the quote and percent sign.
func headerValue(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c == '"' || c == '%' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
