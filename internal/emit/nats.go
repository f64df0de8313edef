package emit

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Defaults of NATSOptions.
const (
	natsConnectTimeout = 5 * time.Second
	natsPublishTimeout = 10 * time.Second
	natsSource         = "https://github.com/kaizen-agentic/schedule-action"
)

// serverDigits is how much of a digest tells servers apart.
const serverDigits = 12

// NATSOptions say where events are published and with which credentials. Keys, certificates
// and credentials are contents, not paths; at most one of Creds, NKey, Token and User is set.
type NATSOptions struct {
	URLs    []string // nats:// or tls://; each may be a list with commas or line ends; no user information
	Subject string   // default event.Type
	// Envelope encloses the event, and moves a subject that is the event's type to where the
	// envelope's readers listen.
	Envelope Envelope

	Creds          string // the text of a .creds file: JWT and seed
	NKey           string // a user's seed
	Token          string
	User, Password string

	CA        string // PEM; default the system's
	Cert, Key string // PEM, for mutual TLS

	Name           string        // of the connection, as the server lists it
	ConnectTimeout time.Duration // of one server, default 5 s
	PublishTimeout time.Duration // until the acknowledgement, default 10 s
	KeepTrying     bool          // connect at each delivery, even after the first connection failed
	DryRun         bool          // connect and look for a stream, but publish nothing
	Source         string        // ce-source, such as https://github.com/acme/web; default natsSource
}

// Envelope is the form of what is published: the event itself, or an envelope around it.
type Envelope string

// The envelopes. The zero value is NoEnvelope.
const (
	NoEnvelope   Envelope = "none"
	ActivityCore Envelope = "activity-core"
)

// subject moves a subject that is the type of an event to where activity-core listens.
func (e Envelope) subject(configured string) string {
	if e == ActivityCore && (configured == event.Type || configured == event.ReceivedType) {
		return event.ActivityPrefix + configured
	}
	return configured
}

// NATS publishes events to a JetStream stream. It never creates one.
type NATS struct {
	o       NATSOptions
	hosts   string // for messages
	servers string // digests of the addresses, for records
	secrets masks

	mu        sync.Mutex // one delivery at a time
	client    *natsClient
	connected bool  // the first connection was made; the client replaces it by itself
	err       error // why there is no first connection; it is tried once
}

// NewNATS checks the options. The sink connects at the first delivery, and only to the servers
// that the user named, because a server receives the credentials.
func NewNATS(o NATSOptions) (*NATS, error) {
	o.Subject = o.Envelope.subject(cmp.Or(o.Subject, event.Type))
	o.Source = cmp.Or(o.Source, natsSource)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, natsConnectTimeout)
	o.PublishTimeout = cmp.Or(o.PublishTimeout, natsPublishTimeout)
	if strings.ContainsAny(o.Subject, " \t\r\n*>") || strings.Contains("."+o.Subject+".", "..") {
		return nil, advice.New("write words joined by dots, without wildcards",
			"nats-subject %q is not a subject to publish to", o.Subject)
	}
	servers, err := parseServers(o.URLs)
	if err != nil {
		return nil, err
	}
	n := &NATS{o: o, hosts: strings.Join(servers.hosts, ", ")}
	for _, host := range servers.hosts {
		n.servers += fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ToLower(host))))[:serverDigits] + " "
	}
	client := &natsClient{
		servers:  servers.addresses,
		options:  newNATSOptions(o.Name, o.ConnectTimeout),
		timeout:  o.ConnectTimeout,
		silence:  o.ConnectTimeout / 5,
		patience: o.PublishTimeout / 4,
	}
	if client.tls, err = tlsConfig(o, servers.remote); err != nil {
		return nil, err
	}
	if n.secrets, err = authenticate(o, &client.options); err != nil {
		return nil, err
	}
	n.client = client
	return n, nil
}

// Deliver publishes m and waits for the stream's acknowledgement. The event id is the message
// id, by which the stream drops a repeat.
func (n *NATS) Deliver(ctx context.Context, m Message) []store.Delivery {
	if m.SentBefore("nats", n.o.Subject, n.servers) {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d := store.Delivery{Channel: "nats", Target: n.o.Subject, Servers: n.servers}
	status, err := n.deliver(ctx, m)
	d.Status = status
	if err != nil {
		d.Status, d.Error = store.Failed, n.secrets.mask(fmt.Sprintf("nats %s: %v", n.hosts, err))
	}
	return []store.Delivery{d}
}

// Check connects and looks for a stream on the subject, publishing nothing. An error that is
// ErrUnreachable may disappear by itself; one that is ErrStreamUnknown leaves open whether
// there is a stream; any other needs a fix.
func (n *NATS) Check(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.session(ctx, n.findStream)
	if err == nil {
		return nil
	}
	return n.maskError(err)
}

// maskError returns err as it may be shown, with the kind that it has.
func (n *NATS) maskError(err error) error {
	message, hint := err.Error(), ""
	if hinted, ok := errors.AsType[*advice.Error](err); ok {
		message, hint = hinted.Message, hinted.Hint
	}
	var known marked
	errors.As(err, &known)
	return marked{&advice.Error{
		Message: n.secrets.mask(fmt.Sprintf("%s: %s", n.hosts, message)),
		Hint:    n.secrets.mask(hint),
	}, known.mark}
}

// session connects and calls do with a ctx that ends at the deadline.
func (n *NATS) session(ctx context.Context, do func(context.Context) error) error {
	if (n.err == nil || n.o.KeepTrying) && !n.connected {
		n.err = n.explainConnect(n.client.connect(ctx))
		n.connected = n.err == nil
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
		if err := n.findStream(ctx); err != nil && !errors.Is(err, ErrStreamUnknown) {
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

// errSilentStream is the error of a stream that acknowledges nothing.
func errSilentStream(name string) error {
	return advice.New("set no_ack to false on it",
		"the stream %q has no_ack: true, so it acknowledges no message", name)
}

// findStream asks whether a stream captures the subject, and acknowledges messages.
func (n *NATS) findStream(ctx context.Context) error {
	name, err := n.streamName(ctx)
	if err == nil {
		var acknowledges bool
		if acknowledges, err = n.acknowledges(ctx, name); err == nil && !acknowledges {
			return errSilentStream(name)
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errNoAck):
		return marked{advice.New("run again", "JetStream did not answer within %v", n.o.PublishTimeout), ErrUnreachable}
	case isPermissionError(err) && strings.Contains(err.Error(), streamNames):
		hint := fmt.Sprintf("allow it to publish to %s, or rely on the first delivery", streamNames)
		return marked{advice.New(hint, "the user may not ask which stream captures the subject %q", n.o.Subject),
			ErrStreamUnknown}
	case isPermissionError(err) && strings.Contains(err.Error(), streamInfo):
		hint := fmt.Sprintf("allow it to publish to %s%s, or rely on the first delivery", streamInfo, name)
		return marked{advice.New(hint, "the user may not ask whether the stream %q acknowledges messages", name),
			ErrStreamUnknown}
	}
	return n.explainPublish(ctx, err)
}

// Close ends the connection.
func (n *NATS) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.client.close()
	return nil
}

// Subject returns the subject to which the sink publishes.
func (n *NATS) Subject() string { return n.o.Subject }

// encode returns what is published of m. An envelope takes the place of the CloudEvents
// headers, because it says the same and a CloudEvent's data is the event itself.
func (n *NATS) encode(m Message) (*nats.Msg, error) {
	if n.o.Envelope != ActivityCore {
		return &nats.Msg{Subject: n.o.Subject, Header: n.header(m), Data: m.JSON}, nil
	}
	data, err := event.Enclose(m.ID, m.Type, m.OccurredAt, m.JSON)
	header := nats.Header{}
	header.Set(jetstream.MsgIDHeader, headerValue(m.ID))
	header.Set("content-type", "application/json")
	return &nats.Msg{Subject: n.o.Subject, Header: header, Data: data}, err
}

// header makes m a CloudEvent in binary mode. The names are lower-case, as the CloudEvents
// NATS binding writes them.
func (n *NATS) header(m Message) nats.Header {
	header := nats.Header{}
	for name, value := range map[string]string{
		jetstream.MsgIDHeader: m.ID,
		"ce-specversion":      "1.0",
		"ce-id":               m.ID,
		"ce-source":           n.o.Source,
		"ce-type":             m.Type,
		"ce-subject":          m.Agent,
		"ce-time":             m.OccurredAt,
		"content-type":        "application/json",
	} {
		header.Set(name, headerValue(value))
	}
	return header
}

// headerValue percent-encodes what a CloudEvents header cannot carry: everything but visible
// ASCII, and the quote and percent sign.
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
