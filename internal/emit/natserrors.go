package emit

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
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

// explainConnect says why there is no connection and what to do about it.
func (n *NATS) explainConnect(err error) error {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var timeout net.Error
	switch {
	case errors.Is(err, nats.ErrSecureConnWanted):
		return errors.New("the server offers no TLS, which is required off this machine, so no credentials were sent: enable TLS on the server")
	case errors.As(err, &unknown):
		return errors.New("TLS refused: the server's certificate is signed by an unknown authority: set nats-ca to its certificate")
	case errors.As(err, &host):
		return fmt.Errorf("TLS refused: %w: use a name in nats-url that the certificate bears", host)
	case errors.As(err, &invalid):
		return fmt.Errorf("TLS refused: %w: renew the server's certificate", invalid)
	case refusesClient(err.Error()):
		return errors.New("TLS refused: the server wants a client certificate that it trusts: set nats-cert and nats-key")
	case errors.Is(err, nats.ErrTLS):
		return fmt.Errorf("TLS refused: %w", err)
	case isAuthError(err):
		return fmt.Errorf("unauthorised: the server refused %s (%w)", n.authKind(), err)
	case errors.Is(err, nats.ErrNoServers):
		return marked{errors.New("connection refused: nothing listens there: check nats-url and that the server runs"), ErrUnreachable}
	case errors.Is(err, nats.ErrTimeout), errors.As(err, &timeout) && timeout.Timeout():
		return marked{fmt.Errorf("no NATS server answered within %v: check nats-url and the firewall", n.o.ConnectTimeout), ErrUnreachable}
	default:
		return marked{fmt.Errorf("connecting failed: %w: check nats-url", err), ErrUnreachable}
	}
}

// refusesClient reports whether text is how a server's refusal of our certificate, or of none, reaches us. It comes after the handshake,
// as an alert or, when the connection is closed first, as its end; neither has a type.
func refusesClient(text string) bool {
	for _, sign := range []string{"tls: certificate required", "tls: bad certificate", "remote error: tls: unknown c", "closed by remote after TLS handshake"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func isAuthError(err error) bool {
	for _, target := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
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
func (n *NATS) explainPublish(ctx context.Context, js jetstream.JetStream, err error) error {
	var api *jetstream.APIError
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, nats.ErrPermissionViolation):
		// The server says so once a subscription, so the next delivery would wait for its deadline.
		n.err = fmt.Errorf("unauthorised: %w: allow the user to publish to %q and to subscribe to _INBOX.>", cause, n.o.Subject)
		return n.err
	case errors.Is(cause, errNoAck):
		return marked{fmt.Errorf("no acknowledgement within %v: run again, the stream drops a repeat", n.o.PublishTimeout), ErrUnreachable}
	case cause != nil:
		return fmt.Errorf("cancelled before the acknowledgement (%w): run again, the stream drops a repeat", cause)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("too large: the server takes messages of at most %d bytes: raise its max_payload", n.conn.MaxPayload())
	case errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum):
		return errors.New("too large: the stream takes only smaller messages: raise its max_msg_size")
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, nats.ErrNoResponders),
		errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return n.explainNoStream(ctx, js)
	case errors.As(err, &api):
		return fmt.Errorf("the stream refused the event: %s (error %d)", api.Description, api.ErrorCode)
	default:
		return fmt.Errorf("publishing failed: %w: run again, the stream drops a repeat", err)
	}
}

// explainNoStream tells a server without JetStream from one without a stream for the subject. A user who may not ask is told the latter.
func (n *NATS) explainNoStream(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return errors.New("no JetStream: it is not enabled for this account: enable it there")
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return errors.New("no JetStream: it is not enabled on the server: enable it there")
	}
	return fmt.Errorf("no stream captures the subject %q: create one on the server; this program never does", n.o.Subject)
}
