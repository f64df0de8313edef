package emit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/nats"
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
	hosts   string   // for messages
	secrets []string // never shown, whatever a server says; as oneLine has them

	mu     sync.Mutex // one delivery at a time
	client *nats.Client
	met    bool  // a first connection was made; the client sees to others by itself
	err    error // why there is no first connection; it is tried once
}

// NewNATS checks the options. It connects at the first delivery, to no servers but those that the user named, for they get the credentials.
func NewNATS(o NATSOptions) (*NATS, error) {
	o.Subject = cmp.Or(o.Subject, event.Type)
	o.Source = cmp.Or(o.Source, natsSource)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, natsConnectTimeout)
	o.PublishTimeout = cmp.Or(o.PublishTimeout, natsPublishTimeout)
	n := &NATS{o: o}
	if strings.ContainsAny(n.o.Subject, " \t\r\n*>") || strings.Contains("."+n.o.Subject+".", "..") {
		return nil, fmt.Errorf("nats-subject %q is not a subject to publish to: write words joined by dots, without wildcards", n.o.Subject)
	}
	client := nats.Options{Name: o.Name, Timeout: o.ConnectTimeout, Patience: o.PublishTimeout / 4}
	remote, err := n.parseServers(&client)
	if err != nil {
		return nil, err
	}
	if client.TLS, err = n.tlsConfig(remote); err != nil {
		return nil, err
	}
	if err := n.authenticate(&client); err != nil {
		return nil, err
	}
	n.client = nats.New(client)
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

// session connects and calls do with a ctx that ends at the deadline.
func (n *NATS) session(ctx context.Context, do func(context.Context) error) error {
	if n.err == nil && !n.met {
		n.err = n.explainConnect(n.client.Connect(ctx))
		n.met = n.err == nil
	}
	if n.err != nil {
		return n.err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, n.o.PublishTimeout, errNoAck)
	defer cancel()
	return do(ctx)
}

func (n *NATS) deliver(ctx context.Context, m Message) (status store.Status, err error) {
	err = n.session(ctx, func(ctx context.Context) error {
		status, err = n.send(ctx, m)
		return err
	})
	return status, err
}

// send publishes m, or in a dry run stops before that.
func (n *NATS) send(ctx context.Context, m Message) (store.Status, error) {
	if n.o.DryRun {
		// A user who may publish but not ask for streams could deliver, so that is no failure.
		if err := n.findStream(ctx); err != nil && !errors.Is(err, ErrNotTold) {
			return "", err
		}
		return store.DryRun, nil
	}
	ack, err := n.publish(ctx, m)
	if err != nil {
		return "", n.explainPublish(ctx, err)
	}
	if ack.Duplicate {
		return store.Duplicate, nil
	}
	return store.Delivered, nil
}

// findStream asks whether a stream captures the subject.
func (n *NATS) findStream(ctx context.Context) error {
	err := n.streamExists(ctx)
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errNoAck):
		return marked{fmt.Errorf("JetStream did not answer within %v: run again", n.o.PublishTimeout), ErrUnreachable}
	case errors.Is(err, nats.ErrPermission) && strings.Contains(err.Error(), streamNames):
		return marked{fmt.Errorf("the user may not ask for streams, so none can be seen on the subject %q: allow it to publish to %s, or rely on the first delivery", n.o.Subject, streamNames), ErrNotTold}
	}
	return n.explainPublish(ctx, err)
}

// Close ends the connection.
func (n *NATS) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.client.Close()
	return nil
}

// headers make m a CloudEvent in binary mode. The names are lower-case, as the CloudEvents NATS binding writes them.
func (n *NATS) headers(m Message) []nats.Header {
	headers := []nats.Header{
		{Name: "Nats-Msg-Id", Value: m.ID},
		{Name: "ce-specversion", Value: "1.0"},
		{Name: "ce-id", Value: m.ID},
		{Name: "ce-source", Value: n.o.Source},
		{Name: "ce-type", Value: event.Type},
		{Name: "ce-subject", Value: m.Agent},
		{Name: "ce-time", Value: m.Event.OccurredAt},
		{Name: "content-type", Value: "application/json"},
	}
	for i := range headers {
		headers[i].Value = headerValue(headers[i].Value)
	}
	return headers
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
