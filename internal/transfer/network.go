package transfer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// NewTransport returns a copy of http.DefaultTransport that returns a *ProxyError when a
// proxy refuses to connect.
func NewTransport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &ProxyError{Host: proxy.Host, Status: resp.StatusCode}
	}
	return t
}

// ProxyError says that a proxy refused to connect to the server.
type ProxyError struct {
	Host   string // of the proxy; "" if unknown
	Status int
}

// Error returns the message and the hint.
func (e *ProxyError) Error() string { return advice.Join(e.message(), e.Advice()) }

func (e *ProxyError) message() string {
	proxy := strings.TrimSuffix("the proxy "+e.Host, " ")
	if e.Status == http.StatusProxyAuthRequired {
		return proxy + " asks for a user name and password"
	}
	return fmt.Sprintf("%s refuses the connection with status %d", proxy, e.Status)
}

// Advice returns the hint, which names the environment variables for a proxy.
func (e *ProxyError) Advice() string {
	if e.Status == http.StatusProxyAuthRequired {
		return "put them into the proxy settings (HTTPS_PROXY, HTTP_PROXY), or name the server in NO_PROXY"
	}
	return proxyHint
}

const proxyHint = "check the proxy settings (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)"

// NoAnswer turns the error of a request to host into a message, a hint and whether a
// retry may help. Timeout is the limit that the attempt had. Secrets are removed from the
// message.
func NoAnswer(err error, host string, timeout time.Duration, secrets ...string) *Failure {
	var never *unsent
	undone := errors.As(err, &never)
	fail := func(again bool, hint, format string, args ...any) *Failure {
		e := &advice.Error{Message: fmt.Sprintf(format, args...), Hint: hint}
		return &Failure{Err: e, Again: again, Undone: undone}
	}
	var (
		large *TooLarge
		proxy *ProxyError
		op    *net.OpError
		cert  *tls.CertificateVerificationError
		part  *truncated
	)
	switch reason := Reason(err, secrets...); {
	case errors.As(err, &large):
		return &Failure{Err: large}
	case errors.As(err, &proxy):
		return &Failure{Err: proxy, Again: Temporary(proxy.Status), Undone: undone}
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return fail(true, proxyHint, "the proxy cannot be reached: %s", reason)
	case isPlainText(err):
		return fail(false, "check the address and port", "the server at %s does not speak TLS", host)
	case errors.As(err, &cert):
		return fail(false, certificateHint(cert.Err), "the server's certificate is not accepted: %s",
			Reason(cert.Err, secrets...))
	case isHandshake(err):
		return fail(true, "check the address and port, and which TLS versions the server accepts",
			"the server at %s refuses the TLS connection: %s", host, reason)
	case errors.Is(err, context.DeadlineExceeded):
		return fail(true, RunAgain, "no complete answer within %s", timeout)
	case errors.As(err, &part):
		return fail(true, RunAgain, "%s", reason)
	default:
		return fail(true, RunAgain, "no answer: %s", reason)
	}
}

// isPlainText reports whether the server answered a TLS handshake in plain text. If that
// text is HTTP, http.Client returns ErrSchemeMismatch.
func isPlainText(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}

// isHandshake reports whether the TLS handshake failed in another way. Most of these
// errors have no exported type, so it compares their texts.
func isHandshake(err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") {
		return true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.HasPrefix(err.Error(), "tls: ") {
			return true
		}
	}
	return false
}

func certificateHint(err error) string {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		host      x509.HostnameError
	)
	switch {
	case errors.As(err, &authority):
		return "set SSL_CERT_FILE to a file with the certificate of its authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate, or set this machine's clock"
	case errors.As(err, &host):
		return "use an address that the certificate is for"
	default:
		return "give the server a certificate that is valid for its address"
	}
}
