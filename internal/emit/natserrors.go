package emit

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

var errNoAck = errors.New("no acknowledgement in time")

// Kinds of errors of Check.
var (
	ErrUnreachable   = errors.New("no server can be reached")            // a later attempt may succeed
	ErrStreamUnknown = errors.New("the user may not ask for the stream") // there may be one
)

// marked is an error that also Is mark, without its text.
type marked struct {
	error
	mark error
}

func (m marked) Is(target error) bool { return m.mark == target }
func (m marked) Unwrap() error        { return m.error }

// serverText is the text of a server's error, as the server sent it.
func serverText(err error) string {
	text := strings.TrimPrefix(err.Error(), nats.ErrPermissionViolation.Error()+": ")
	return strings.TrimPrefix(text, "nats: ")
}

func isPermissionError(err error) bool { return errors.Is(err, nats.ErrPermissionViolation) }

// isAuthorizationError reports whether a server refused the user. A timeout is no refusal: one
// of the two sides was too slow.
func isAuthorizationError(err error) bool {
	if errors.Is(err, nats.ErrNkeysNotSupported) {
		return true
	}
	if isConnectionError(err) || !strings.HasPrefix(err.Error(), "nats: ") {
		return false
	}
	text := strings.ToLower(serverText(err))
	for _, refusal := range []string{"authorization", "user authentication", "account authentication"} {
		if strings.HasPrefix(text, refusal) {
			return true
		}
	}
	return false
}

// explainConnect says why there is no connection and what to do about it; nil is nil.
func (n *NATS) explainConnect(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errCancelled):
		return fmt.Errorf("cancelled while connecting: %w", err)
	case errors.Is(err, errNoHeaders):
		return advice.New("update it, or allow headers there", "%w", err)
	case errors.Is(err, errNoTLS):
		return advice.New("enable TLS on the server",
			"the server offers no TLS, which is required off this machine, so no credentials were sent")
	case errors.Is(err, errTLS), errors.Is(err, errClientCertificate):
		return explainTLS(err)
	case isAuthorizationError(err):
		input, hint := n.authInput()
		return advice.New(hint, "unauthorised: the server refused %s (%s)", input, serverText(err))
	}
	return marked{n.explainUnreachable(err), ErrUnreachable}
}

// explainTLS says why the handshake failed.
func explainTLS(err error) error {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return advice.New("set nats-ca to its certificate",
			"TLS refused: the server's certificate is signed by an unknown authority")
	case errors.As(err, &host):
		return advice.New("use a name in nats-url that the certificate is for", "TLS refused: %w", host)
	case errors.As(err, &invalid):
		return advice.New("renew the server's certificate", "TLS refused: %w", invalid)
	case errors.Is(err, errClientCertificate):
		return advice.New("set nats-cert and nats-key",
			"TLS refused: the server wants a client certificate that it trusts")
	}
	return advice.New("check the server's TLS settings", "TLS refused: %w", err)
}

// explainUnreachable covers what may pass by itself.
func (n *NATS) explainUnreachable(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return advice.New("check nats-url and that the server runs", "connection refused: nothing listens there")
	case isTimeout(err):
		return advice.New("check nats-url and the firewall", "no NATS server answered within %v", n.o.ConnectTimeout)
	}
	return advice.New("check nats-url", "connecting failed: %s", serverText(err))
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// authInput names the inputs that a refused connection was made with, and the next step.
func (n *NATS) authInput() (input, hint string) {
	switch {
	case n.o.Creds != "":
		return "nats-creds", "renew the file, or check the account"
	case n.o.NKey != "":
		return "nats-nkey", "check that its public key is a user there"
	case n.o.Token != "":
		return "nats-token", "check its value"
	case n.o.User != "":
		return "nats-user and nats-password", "check both"
	default:
		return "an anonymous connection",
			"set nats-creds, nats-nkey, nats-token or nats-user; a secret that does not exist is empty"
	}
}

// runAgain is the next step where a message may have arrived.
const runAgain = "run again, the stream drops a repeat"

// explainPublish says why there is no acknowledgement, or in a dry run no stream, and what to
// do about it.
func (n *NATS) explainPublish(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case isPermissionError(err):
		hint := fmt.Sprintf("allow the user to publish to %q and to subscribe to _INBOX.>", n.o.Subject)
		return advice.New(hint, "unauthorised: %s", serverText(err))
	case cause != nil:
		return n.explainEnd(ctx, cause)
	case isAuthorizationError(err):
		return n.explainConnect(err) // of another connection, after the first was lost
	case errors.Is(err, nats.ErrMaxPayload):
		return advice.New("raise its max_payload",
			"too large: the server takes messages of at most %d bytes", n.client.maxPayload())
	}
	return n.explainAnswer(ctx, err)
}

// explainAnswer says what an answer means that is no acknowledgement.
func (n *NATS) explainAnswer(ctx context.Context, err error) error {
	refusal := apiError(err)
	switch {
	case hasCode(err, jetstream.JSErrCodeStreamMessageExceedsMaximum):
		return advice.New("raise its max_msg_size", "too large: the stream takes only smaller messages")
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders),
		hasCode(err, jetstream.JSErrCodeStreamNotFound, jetstream.JSErrCodeJetStreamNotEnabled,
			jetstream.JSErrCodeJetStreamNotEnabledForAccount):
		return n.explainNoStream(ctx)
	case errors.Is(err, jetstream.ErrInvalidJSAck):
		return advice.New(fmt.Sprintf("check what else listens to %q", n.o.Subject),
			"the answer is no acknowledgement of a stream")
	case isJSONError(err):
		return advice.New("check what else listens to $JS.API.>", "the answer is not from JetStream")
	case refusal != nil:
		return advice.New("check the stream",
			"the stream refused the event: %s (error %d)", refusal.Description, refusal.ErrorCode)
	}
	return advice.New(runAgain, "publishing failed: %s", serverText(err))
}

func isJSONError(err error) bool {
	_, isSyntax := errors.AsType[*json.SyntaxError](err)
	_, isType := errors.AsType[*json.UnmarshalTypeError](err)
	return isSyntax || isType
}

// explainEnd says that the delivery ended without an acknowledgement: at its deadline, or
// because it was cancelled.
func (n *NATS) explainEnd(ctx context.Context, cause error) error {
	if !errors.Is(cause, errNoAck) {
		return advice.New(runAgain, "cancelled before the acknowledgement (%w)", cause)
	}
	loss := ""
	if n.client.lost == nil {
		if name, ok := n.silentStream(ctx); ok {
			return errSilentStream(name)
		}
	} else {
		loss = fmt.Sprintf(", the connection was lost (%s)", serverText(n.client.lost))
	}
	return marked{advice.New(runAgain, "no acknowledgement within %v%s", n.o.PublishTimeout, loss), ErrUnreachable}
}

// silentStream returns the stream of the subject if it acknowledges nothing. The deadline
// of ctx has passed.
func (n *NATS) silentStream(ctx context.Context) (name string, ok bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(askWait, n.o.PublishTimeout))
	defer cancel()
	name, err := n.streamName(ctx)
	if err != nil {
		return "", false
	}
	acknowledges, err := n.acknowledges(ctx, name)
	return name, err == nil && !acknowledges
}

// explainNoStream distinguishes a server without JetStream from one without a stream for the
// subject. A user who may not ask gets the second explanation.
func (n *NATS) explainNoStream(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	err := n.accountInfo(ctx)
	switch {
	case hasCode(err, jetstream.JSErrCodeJetStreamNotEnabledForAccount):
		return advice.New("enable it there", "no JetStream: it is not enabled for this account")
	case hasCode(err, jetstream.JSErrCodeJetStreamNotEnabled):
		return advice.New("enable it there", "no JetStream: it is not enabled on the server")
	}
	return advice.New("create one on the server; this program never does",
		"no stream captures the subject %q", n.o.Subject)
}
