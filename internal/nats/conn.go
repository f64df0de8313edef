package nats

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What a server may send at most, in bytes: a line, which INFO is, and an answer, of which a list of streams is the longest.
const (
	maxLine   = 64 << 10
	maxAnswer = 1 << 20
)

// closeWait is how long the end of a TLS connection may take.
const closeWait = 100 * time.Millisecond

const headerVersion = "NATS/1.0"

// serverInfo is what we need of INFO.
type serverInfo struct {
	TLSRequired  bool   `json:"tls_required"`
	TLSAvailable bool   `json:"tls_available"`
	Headers      bool   `json:"headers"`
	MaxPayload   int64  `json:"max_payload"`
	Nonce        string `json:"nonce"`
}

// conn is a connection that the server has accepted. Whoever calls it is alone; after an error other than ErrNoResponders,
// ErrPermission and ErrMaxPayload it can only be closed.
type conn struct {
	net.Conn
	r     *bufio.Reader
	info  serverInfo
	inbox string // what answers are sent below
	count int    // requests so far
	deaf  error  // why no answer can come
	asked bool   // the server wants a client certificate
}

// dial connects to one server within o.Timeout.
func dial(ctx context.Context, address string, o *Options) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, explainDial(err)
	}
	stop := interrupt(ctx, raw)
	defer stop()
	c := &conn{Conn: raw, r: bufio.NewReaderSize(raw, maxLine), inbox: "_INBOX." + rand.Text()}
	if err := c.open(address, o); err != nil {
		c.close()
		return nil, err
	}
	if !stop() {
		c.close()
		return nil, explainDial(ctx.Err())
	}
	return c, nil
}

// interrupt makes what waits for c fail when ctx ends. The function that it returns takes that back, and reports whether it was in time; a
// connection for which it was not fails at its next use.
func interrupt(ctx context.Context, c net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}

// explainDial is for what went wrong before the server said anything.
func explainDial(err error) error {
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout(): // the end of a context is one, too
		err = kindError{err, ErrTimeout}
	case errors.Is(err, syscall.ECONNREFUSED):
		err = kindError{err, ErrRefused}
	}
	return kindError{err, ErrUnreachable}
}

// open is the greeting: the server's INFO, TLS, our CONNECT, and the PONG that says we are in.
func (c *conn) open(address string, o *Options) error {
	line, err := c.readLine()
	if err != nil {
		return explainDial(err)
	}
	text, ok := bytes.CutPrefix(line, []byte("INFO "))
	if !ok || json.Unmarshal(text, &c.info) != nil {
		return kindError{errors.New("what answers there is no NATS server"), ErrUnreachable}
	}
	if !c.info.Headers {
		return ErrNoHeaders
	}
	if o.TLS != nil || c.info.TLSRequired {
		if err := c.secure(address, o.TLS); err != nil {
			return err
		}
	}
	connect, err := c.connectLine(o)
	if err != nil {
		return err
	}
	// A server that refuses us may close before it has read all of this, so that writing fails; what it said is to be read all the same.
	_, writeErr := fmt.Fprintf(c, "CONNECT %s\r\nSUB %s.* 1\r\nPING\r\n", connect, c.inbox)
	err = c.awaitPong()
	switch {
	case err == nil:
		return writeErr
	case c.refusesCertificate(err):
		return kindError{err, ErrClientCertificate}
	case errors.As(err, new(serverError)):
		return err
	}
	return explainDial(err)
}

// secure turns the connection into one with TLS. Bytes that came before the handshake were not sent under its protection.
func (c *conn) secure(address string, config *tls.Config) error {
	if !c.info.TLSRequired && !c.info.TLSAvailable {
		return ErrNoTLS
	}
	if c.r.Buffered() > 0 {
		if start, _ := c.r.Peek(4); string(start) == "-ERR" {
			return kindError{errors.New("the server refuses connections before TLS"), ErrUnreachable}
		}
		return kindError{errors.New("the server sent more than INFO before the handshake"), ErrTLS}
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.ServerName = host
	certificates := config.Certificates
	config.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		c.asked = true
		for i := range certificates {
			if asked.SupportsCertificate(&certificates[i]) == nil {
				return &certificates[i], nil
			}
		}
		return new(tls.Certificate), nil // none: whether that will do is the server's to say
	}
	secured := tls.Client(c.Conn, config)
	if err := secured.Handshake(); err != nil {
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			return explainDial(err)
		}
		if c.refusesCertificate(err) {
			err = kindError{err, ErrClientCertificate}
		}
		return kindError{err, ErrTLS}
	}
	c.Conn, c.r = secured, bufio.NewReaderSize(secured, maxLine)
	return nil
}

// refusesCertificate reports whether err is how the refusal of our certificate, or of none, by a server that asked for one reaches us: as an
// alert, which has no type, or after the handshake as the connection's end.
func (c *conn) refusesCertificate(err error) bool {
	if !c.asked {
		return false
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return true
	}
	for _, alert := range []string{"certificate required", "bad certificate", "unknown certificate", "expired certificate", "revoked certificate", "unsupported certificate"} {
		if strings.Contains(err.Error(), "remote error: tls: "+alert) {
			return true
		}
	}
	return false
}

// connectLine says who we are.
func (c *conn) connectLine(o *Options) ([]byte, error) {
	connect := struct {
		Verbose      bool   `json:"verbose"`
		Pedantic     bool   `json:"pedantic"`
		TLSRequired  bool   `json:"tls_required"`
		Name         string `json:"name,omitempty"`
		Lang         string `json:"lang"`
		Version      string `json:"version"`
		Protocol     int    `json:"protocol"`
		Headers      bool   `json:"headers"`
		NoResponders bool   `json:"no_responders"`
		Token        string `json:"auth_token,omitempty"`
		User         string `json:"user,omitempty"`
		Password     string `json:"pass,omitempty"`
		JWT          string `json:"jwt,omitempty"`
		NKey         string `json:"nkey,omitempty"`
		Signature    string `json:"sig,omitempty"`
	}{
		TLSRequired: o.TLS != nil, Name: o.Name, Lang: "go", Version: "1", Protocol: 1, Headers: true, NoResponders: true,
		Token: o.Token, User: o.User, Password: o.Password, JWT: o.JWT,
	}
	if o.Key != nil {
		if o.JWT == "" {
			connect.NKey = o.Key.Public()
			if c.info.Nonce == "" {
				return nil, kindError{errors.New("the server knows no users with keys"), ErrAuthorization}
			}
		}
		connect.Signature = base64.RawURLEncoding.EncodeToString(o.Key.Sign([]byte(c.info.Nonce)))
	}
	return json.Marshal(connect)
}

// awaitPong reads until the server has answered our PING, and so accepted all that was sent before.
func (c *conn) awaitPong() error {
	for {
		op, _, err := c.read()
		switch {
		case op == "PONG":
			return nil
		case errors.Is(err, ErrPermission):
			c.deaf = err // of our SUB: the server says it only once
		case err != nil:
			return err
		}
	}
}

// request sends a message and waits for its answer until ctx ends.
func (c *conn) request(ctx context.Context, subject, header string, data []byte) ([]byte, error) {
	if c.deaf != nil {
		return nil, c.deaf
	}
	if size := int64(len(header) + len(data)); c.info.MaxPayload > 0 && size > c.info.MaxPayload {
		return nil, fmt.Errorf("%w: %d bytes, the server takes %d", ErrMaxPayload, size, c.info.MaxPayload)
	}
	defer interrupt(ctx, c)()
	c.count++
	answerTo := c.inbox + "." + strconv.Itoa(c.count)
	var b bytes.Buffer
	if header == "" {
		fmt.Fprintf(&b, "PUB %s %s %d\r\n", subject, answerTo, len(data))
	} else {
		fmt.Fprintf(&b, "HPUB %s %s %d %d\r\n%s", subject, answerTo, len(header), len(header)+len(data), header)
	}
	b.Write(data)
	b.WriteString("\r\n")
	if _, err := c.Write(b.Bytes()); err != nil {
		return nil, kindError{err, errLost}
	}
	for {
		_, m, err := c.read()
		switch {
		case errors.Is(err, ErrPermission), errors.Is(err, ErrMaxPayload):
			return nil, err
		case err != nil:
			return nil, kindError{err, errLost}
		case m == nil || m.subject != answerTo: // an answer to an earlier request came too late
			continue
		case m.status == noResponders:
			return nil, ErrNoResponders
		}
		return m.data, nil
	}
}

// close does not wait for a server that reads no more: TLS would, for five seconds, to say that this is the end.
func (c *conn) close() {
	if secured, ok := c.Conn.(*tls.Conn); ok {
		raw := secured.NetConn()
		defer time.AfterFunc(closeWait, func() { _ = raw.Close() }).Stop()
	}
	_ = c.Close()
}
