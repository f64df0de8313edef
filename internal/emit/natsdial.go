package emit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Reasons why a server is not connected to, beside those of net and crypto/tls.
var (
	errLateGreeting      = errors.New("the server sent its greeting late")
	errNotNATS           = errors.New("the server does not speak NATS")
	errNoHeaders         = errors.New("the server takes no headers: it is older than 2.2, or has no_header_support set")
	errNoTLS             = errors.New("the server offers no TLS")
	errTLS               = errors.New("TLS handshake failed")
	errClientCertificate = errors.New("the server refused the client certificate")
)

// natsDialer opens the connection to one server for nats.go: TCP, the server's greeting and
// TLS. nats.go can do the last two itself, but it reads a greeting of any length, ignores the
// context, and must know beforehand whether the server expects the TLS handshake first.
type natsDialer struct {
	ctx     context.Context // Dial has no parameter for it
	address string
	tls     *tls.Config   // required of the server; nil to use TLS only where the server requires it
	silence time.Duration // without a greeting, after which the handshake is tried first

	err             error // of Dial, which nats.go replaces in part
	greeted         bool  // the server sent a valid greeting
	wantCertificate bool  // the server asked for a client certificate
	raw             net.Conn
	stop            func() bool // takes back that the end of ctx closes raw
}

// Dial implements nats.CustomDialer.
func (d *natsDialer) Dial(_, _ string) (net.Conn, error) {
	conn, err := d.open(d.silence)
	if errors.Is(err, errLateGreeting) {
		conn, err = d.open(0)
	}
	d.err = err
	return conn, err
}

// SkipTLSHandshake keeps nats.go from a handshake of its own.
func (d *natsDialer) SkipTLSHandshake() bool { return true }

// release reports whether the connection survived; from now on the end of ctx leaves it open.
func (d *natsDialer) release() bool { return d.stop != nil && d.stop() }

// open connects and reads the greeting. When the server is silent for the given time, which
// is not checked if 0, it starts the TLS handshake before the greeting (handshake_first).
func (d *natsDialer) open(silence time.Duration) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(d.ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	d.raw, d.wantCertificate = raw, false
	d.stop = context.AfterFunc(d.ctx, func() { _ = raw.Close() })
	c := &natsConn{Conn: raw, raw: raw, r: bufio.NewReaderSize(raw, maxNATSLine)}
	if err := d.greet(c, silence); err != nil {
		_ = raw.Close()
		return nil, err
	}
	d.greeted = true
	return c, nil
}

// greet reads the server's INFO, before or after the TLS handshake, and leaves it to be read
// by nats.go.
func (d *natsDialer) greet(c *natsConn, silence time.Duration) error {
	handshakeFirst := silence > 0 && c.isSilent(silence)
	if handshakeFirst {
		err := d.secure(c)
		if plain, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			if string(plain.RecordHeader[:]) == "INFO " {
				return errLateGreeting
			}
			return errNotNATS
		}
		if err != nil {
			return err
		}
	}
	line, err := c.nextLine()
	if err != nil {
		return d.explain(err)
	}
	var info struct {
		TLSRequired  bool `json:"tls_required"`
		TLSAvailable bool `json:"tls_available"`
		Headers      bool `json:"headers"`
	}
	text, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok || json.Unmarshal(text, &info) != nil {
		return errNotNATS
	}
	if !info.Headers {
		return errNoHeaders
	}
	c.pending = line
	if handshakeFirst || d.tls == nil && !info.TLSRequired {
		return nil
	}
	if !info.TLSRequired && !info.TLSAvailable {
		return errNoTLS
	}
	if early := c.early(); early != nil {
		return early
	}
	return d.secure(c)
}

// secure turns c into a TLS connection.
func (d *natsDialer) secure(c *natsConn) error {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if d.tls != nil {
		config = d.tls.Clone()
	}
	host, _, err := net.SplitHostPort(d.address)
	if err != nil {
		return err
	}
	config.ServerName = host
	certificates := config.Certificates
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		d.wantCertificate = true
		for i := range certificates {
			if request.SupportsCertificate(&certificates[i]) == nil {
				return &certificates[i], nil
			}
		}
		return new(tls.Certificate), nil // none; the server decides whether that is enough
	}
	secured := tls.Client(c.raw, config)
	if err := secured.HandshakeContext(d.ctx); err != nil {
		return marked{d.explain(err), errTLS}
	}
	c.Conn, c.r = secured, bufio.NewReaderSize(secured, maxNATSLine)
	return nil
}

// explain marks err if it is how the refusal of our certificate reaches us: as an alert, which
// has no type, or after the handshake as the end of the connection.
func (d *natsDialer) explain(err error) error {
	if !d.wantCertificate {
		return err
	}
	refused := errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	for _, alert := range []string{
		"certificate required", "bad certificate", "unknown certificate", "expired certificate",
		"revoked certificate", "unsupported certificate",
	} {
		refused = refused || strings.Contains(err.Error(), "remote error: tls: "+alert)
	}
	if refused {
		return marked{err, errClientCertificate}
	}
	return err
}

// Limits of what a server may send, in bytes.
const (
	maxNATSLine    = 64 << 10 // INFO is the longest line
	maxNATSMessage = 1 << 20  // a list of streams is the longest answer
)

// tlsCloseWait is how long the goodbye of a TLS connection may take.
const tlsCloseWait = 100 * time.Millisecond

// natsConn passes on only lines and messages of a bounded size. nats.go allocates whatever
// size a server announces, and an absurd one ends the process.
type natsConn struct {
	net.Conn // encrypted if TLS is used
	raw      net.Conn
	r        *bufio.Reader // of Conn
	pending  []byte        // read from r, not passed on yet
	body     int           // bytes of a message that are still in r; its line end follows
	inBody   bool
}

// Read implements net.Conn.
func (c *natsConn) Read(p []byte) (int, error) {
	if len(c.pending) == 0 && c.body == 0 {
		line, err := c.next()
		if err != nil {
			return 0, err
		}
		c.pending = line
	}
	if len(c.pending) > 0 {
		n := copy(p, c.pending)
		c.pending = c.pending[n:]
		return n, nil
	}
	n, err := c.r.Read(p[:min(len(p), c.body)])
	c.body -= n
	return n, err
}

// next returns the next line, which is the end of a message or a new operation.
func (c *natsConn) next() ([]byte, error) {
	line, err := c.nextLine()
	if err != nil {
		return nil, err
	}
	if c.inBody {
		c.inBody = false
		if string(line) != "\r\n" {
			return nil, errors.New("the server sent a message that is longer than announced")
		}
		return line, nil
	}
	c.body, c.inBody, err = messageSize(line)
	return line, err
}

// nextLine reads a line with its end. The bytes are valid until the next read.
func (c *natsConn) nextLine() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("the server sent a line of more than %d bytes", maxNATSLine)
	}
	if err != nil {
		return nil, err
	}
	if i := bytes.IndexByte(line, '\r'); i >= 0 && i != len(line)-2 {
		return nil, errors.New("the server sent a line that ends twice")
	}
	return line, nil
}

// messageSize returns the size that line announces for the message after it; ok is false for
// an operation without a message.
func messageSize(line []byte) (size int, ok bool, err error) {
	args := strings.FieldsFunc(string(line), func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
	if len(args) == 0 {
		return 0, false, nil
	}
	if op := strings.ToUpper(args[0]); op != "MSG" && op != "HMSG" {
		return 0, false, nil
	}
	size, err = strconv.Atoi(args[len(args)-1])
	if err != nil || size < 0 || size > maxNATSMessage {
		return 0, true, fmt.Errorf("the server announced a message of invalid size, or of more than %d bytes",
			maxNATSMessage)
	}
	return size, true, nil
}

// isSilent reports whether the server sends nothing for the given time.
func (c *natsConn) isSilent(wait time.Duration) bool {
	_ = c.raw.SetReadDeadline(time.Now().Add(wait))
	_, err := c.r.Peek(1)
	_ = c.raw.SetReadDeadline(time.Time{})
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// early is an error if the server sent more than its greeting before the TLS handshake: those
// bytes are not protected.
func (c *natsConn) early() error {
	if c.r.Buffered() == 0 {
		return nil
	}
	if start, _ := c.r.Peek(4); string(start) == "-ERR" {
		return errors.New("the server refuses connections before TLS")
	}
	return marked{errors.New("the server sent more than its greeting before the handshake"), errTLS}
}

// Close does not wait for a server that stopped reading: TLS would, for five seconds, to say
// goodbye.
func (c *natsConn) Close() error {
	if c.Conn != c.raw {
		defer time.AfterFunc(tlsCloseWait, func() { _ = c.raw.Close() }).Stop()
	}
	return c.Conn.Close()
}
