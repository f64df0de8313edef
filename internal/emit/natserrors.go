package emit

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/nats"
)

var errNoAck = errors.New("no acknowledgement in time")

// What an error of Check may be, beside its text.
var (
	ErrUnreachable = errors.New("no server can be reached")      // now; it may pass by itself
	ErrNotTold     = errors.New("the server does not tell that") // the user may not ask
)

// marked is an error that also Is mark, without its text.
type marked struct {
	error
	mark error
}

func (m marked) Is(target error) bool { return m.mark == target }
func (m marked) Unwrap() error        { return m.error }

// explainConnect says why there is no connection and what to do about it; nil is nil.
func (n *NATS) explainConnect(err error) error {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoHeaders):
		return fmt.Errorf("%w: update it, or allow headers there", err)
	case errors.Is(err, nats.ErrNoTLS):
		return errors.New("the server offers no TLS, which is required off this machine, so no credentials were sent: enable TLS on the server")
	case errors.As(err, &unknown):
		return errors.New("TLS refused: the server's certificate is signed by an unknown authority: set nats-ca to its certificate")
	case errors.As(err, &host):
		return fmt.Errorf("TLS refused: %w: use a name in nats-url that the certificate bears", host)
	case errors.As(err, &invalid):
		return fmt.Errorf("TLS refused: %w: renew the server's certificate", invalid)
	case errors.Is(err, nats.ErrClientCertificate):
		return errors.New("TLS refused: the server wants a client certificate that it trusts: set nats-cert and nats-key")
	case errors.Is(err, nats.ErrTLS):
		return fmt.Errorf("TLS refused: %w", err)
	case errors.Is(err, nats.ErrAuthorization):
		return fmt.Errorf("unauthorised: the server refused %s (%w)", n.authKind(), err)
	case errors.Is(err, nats.ErrRefused):
		return marked{errors.New("connection refused: nothing listens there: check nats-url and that the server runs"), ErrUnreachable}
	case errors.Is(err, nats.ErrTimeout):
		return marked{fmt.Errorf("no NATS server answered within %v: check nats-url and the firewall", n.o.ConnectTimeout), ErrUnreachable}
	case errors.Is(err, nats.ErrCancelled):
		return err
	default:
		return marked{fmt.Errorf("connecting failed: %w: check nats-url", err), ErrUnreachable}
	}
}

// authKind names the inputs that a refused connection was made with.
func (n *NATS) authKind() string {
	switch {
	case n.o.Creds != "":
		return "nats-creds: renew the file, or check the account"
	case n.o.NKey != "":
		return "nats-nkey: check that its public key is a user there"
	case n.o.Token != "":
		return "nats-token: check its value"
	case n.o.User != "":
		return "nats-user and nats-password: check both"
	default:
		return "an anonymous connection: set nats-creds, nats-nkey, nats-token or nats-user"
	}
}

// explainPublish says why there is no acknowledgement, or in a dry run no stream, and what to do about it.
func (n *NATS) explainPublish(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	refusal, isRefusal := errors.AsType[*jetStreamError](err)
	switch {
	case errors.Is(err, nats.ErrPermission):
		return fmt.Errorf("unauthorised: %w: allow the user to publish to %q and to subscribe to _INBOX.>", err, n.o.Subject)
	case errors.Is(cause, errNoAck) && n.client.Lost() != nil:
		return marked{fmt.Errorf("no acknowledgement within %v, the connection was lost (%w): run again, the stream drops a repeat", n.o.PublishTimeout, n.client.Lost()), ErrUnreachable}
	case errors.Is(cause, errNoAck):
		return marked{fmt.Errorf("no acknowledgement within %v: run again, the stream drops a repeat", n.o.PublishTimeout), ErrUnreachable}
	case cause != nil:
		return fmt.Errorf("cancelled before the acknowledgement (%w): run again, the stream drops a repeat", cause)
	case errors.Is(err, nats.ErrAuthorization):
		return n.explainConnect(err) // of another connection, after one was lost
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("too large: the server takes messages of at most %d bytes: raise its max_payload", n.client.MaxPayload())
	case isJetStream(err, streamMessageExceedsMaximum):
		return errors.New("too large: the stream takes only smaller messages: raise its max_msg_size")
	case errors.Is(err, nats.ErrNoResponders), isJetStream(err, streamNotFound, jetStreamNotEnabled, jetStreamNotEnabledForAccount):
		return n.explainNoStream(ctx)
	case isRefusal:
		return fmt.Errorf("the stream refused the event: %w", refusal)
	default:
		return fmt.Errorf("publishing failed: %w: run again, the stream drops a repeat", err)
	}
}

// explainNoStream tells a server without JetStream from one without a stream for the subject. A user who may not ask is told the latter.
func (n *NATS) explainNoStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	err := n.ask(ctx, accountInfo, nil, nil, &struct{}{})
	switch {
	case isJetStream(err, jetStreamNotEnabledForAccount):
		return errors.New("no JetStream: it is not enabled for this account: enable it there")
	case isJetStream(err, jetStreamNotEnabled), errors.Is(err, nats.ErrNoResponders):
		return errors.New("no JetStream: it is not enabled on the server: enable it there")
	}
	return fmt.Errorf("no stream captures the subject %q: create one on the server; this program never does", n.o.Subject)
}
