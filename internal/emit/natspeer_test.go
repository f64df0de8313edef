package emit

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// This file is a NATS server that does what a test scripts.

const (
	smallInfo = `INFO {"server_id":"x","headers":true,"max_payload":1000,"nonce":"abc"}` + "\r\n"
	tlsInfo   = `INFO {"headers":true,"max_payload":1000,"tls_required":true}` + "\r\n"
)

// peer is the server's end of a connection.
type peer struct {
	net.Conn
	t     *testing.T
	lines *bufio.Reader
}

func newPeer(t *testing.T, c net.Conn) peer { return peer{c, t, bufio.NewReader(c)} }

func (p peer) send(format string, args ...any) { _, _ = fmt.Fprintf(p, format, args...) }

// await returns the next line that begins with prefix; "" at the end of the connection.
// Only CONNECT may have a secret.
func (p peer) await(prefix string) string {
	for {
		line, err := p.lines.ReadString('\n')
		if how := fixture.CanaryIn("request", []byte(line)); how != "" && !strings.HasPrefix(line, "CONNECT ") {
			p.t.Errorf("the client sends a secret, %s, not in CONNECT", how)
		}
		if err != nil {
			return ""
		}
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
}

// drain reads until the client closes.
func (p peer) drain() { p.await("\x00") }

// accept lets the client in.
func (p peer) accept() {
	p.send("%s", smallInfo)
	p.await("PING")
	p.send("PONG\r\n")
}

// refuse ends the connection with an error.
func refuse(text string) func(peer) {
	return func(p peer) { p.send("%s", smallInfo); p.await("PING"); p.send("-ERR '%s'\r\n", text) }
}

// request waits for a message and returns the subject of its answer.
func (p peer) request() string {
	words := strings.Fields(p.await("HPUB "))
	if len(words) < 3 {
		return ""
	}
	return words[2]
}

func (p peer) answer(subject, data string) { p.send("MSG %s 1 %d\r\n%s\r\n", subject, len(data), data) }

// answerOnce accepts the client and answers one request.
func answerOnce(data string) func(peer) {
	return func(p peer) { p.accept(); p.answer(p.request(), data); p.drain() }
}

// serve serves the n-th connection with the n-th script, and further ones with the last.
func serve(t *testing.T, scripts ...func(peer)) (address string) {
	t.Helper()
	next := make(chan func(peer), len(scripts))
	for _, script := range scripts {
		next <- script
	}
	last := scripts[len(scripts)-1]
	return "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
		script := last
		select {
		case script = <-next:
		default:
		}
		script(newPeer(t, c))
	})
}

// newTLSServer serves TLS after its greeting with a certificate for 127.0.0.1, or before it. It
// returns what clients trust.
func newTLSServer(
	t *testing.T, first bool, change func(*tls.Config), script func(peer),
) (address string, trust *tls.Config) {
	t.Helper()
	authority := httptest.NewTLSServer(nil)
	t.Cleanup(authority.Close)
	config := &tls.Config{Certificates: authority.TLS.Certificates}
	if change != nil {
		change(config)
	}
	address = serve(t, func(p peer) {
		if !first {
			p.send("%s", tlsInfo)
		}
		secured := tls.Server(p.Conn, config)
		if secured.Handshake() != nil {
			return
		}
		p = newPeer(t, secured)
		if first {
			p.send("%s", tlsInfo)
		}
		script(p)
	})
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate())
	return address, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

// newTestClient returns a client of the addresses that is closed at the end. Zero fields of c
// get defaults.
func newTestClient(t *testing.T, c natsClient, addresses ...string) *natsClient {
	t.Helper()
	c.servers = addresses
	c.timeout = cmp.Or(c.timeout, 5*time.Second)
	c.silence = cmp.Or(c.silence, time.Second)
	c.patience = cmp.Or(c.patience, 5*time.Second)
	if c.options.SubChanLen == 0 {
		c.options = newNATSOptions("", c.timeout)
	}
	t.Cleanup(c.close)
	return &c
}

// requestText sends a request of the given size and returns its answer.
func requestText(ctx context.Context, c *natsClient, size int) (answer string, err error) {
	err = c.do(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		m := &nats.Msg{Subject: "a.b", Header: nats.Header{"Nats-Msg-Id": {"1"}}, Data: make([]byte, size)}
		got, err := js.Conn().RequestMsgWithContext(ctx, m)
		if err == nil {
			answer = string(got.Data)
		}
		return err
	})
	return answer, err
}

// bounded ends a test whose server and client wait for each other.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// closedAddress is one where nothing listens: the client's end of a connection, which no other
// test can get.
func closedAddress(t *testing.T) string {
	t.Helper()
	c, err := net.Dial("tcp", serve(t, peer.drain))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}
