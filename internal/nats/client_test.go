package nats

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const info = `INFO {"server_id":"x","headers":true,"max_payload":1000,"nonce":"abc"}` + "\r\n"

// peer is the server's end of a connection.
type peer struct {
	net.Conn
	lines *bufio.Reader
}

func (p peer) say(format string, args ...any) { _, _ = fmt.Fprintf(p, format, args...) }

// hear reads lines until one begins with prefix, and returns that; "" at the end of the connection.
func (p peer) hear(prefix string) string {
	for {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			return ""
		}
		if strings.HasPrefix(line, prefix) {
			return strings.TrimSpace(line)
		}
	}
}

// greet lets the client in.
func (p peer) greet() {
	p.say("%s", info)
	p.hear("PING")
	p.say("PONG\r\n")
}

// question waits for a message and returns the subject that its answer goes to.
func (p peer) question() string {
	words := strings.Fields(p.hear("HPUB "))
	if len(words) < 3 {
		return ""
	}
	return words[2]
}

// answer sends data to a subject.
func (p peer) answer(subject, data string) { p.say("MSG %s 1 %d\r\n%s\r\n", subject, len(data), data) }

// serve runs a server whose n-th connection is served by the n-th script, and the further ones by the last.
func serve(t *testing.T, scripts ...func(peer)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for i := 0; ; i = min(i+1, len(scripts)-1) {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			script := scripts[i]
			go func() {
				defer func() { _ = c.Close() }()
				script(peer{c, bufio.NewReader(c)})
			}()
		}
	}()
	return listener.Addr().String()
}

// client connects to the addresses with o and is closed at the end.
func client(t *testing.T, o Options, addresses ...string) *Client {
	t.Helper()
	o.Servers, o.Timeout, o.Patience = addresses, 5*time.Second, cmp.Or(o.Patience, 5*time.Second)
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

var header = []Header{{"Nats-Msg-Id", "1"}}

// wait ends a test whose server and client wait for each other.
func wait(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestRequest(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	address := serve(t, func(p peer) {
		p.greet()
		words := strings.Fields(p.hear("HPUB "))
		text := make([]byte, len("NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\nhello\r\n"))
		_, _ = io.ReadFull(p.lines, text)
		sent <- words[1] + " " + words[3] + " " + words[4] + " " + string(text)
		p.say("PING\r\n")
		if p.hear("PONG") == "" {
			return
		}
		p.answer(words[2]+"0", "of another") // more than one subject begins alike
		p.say("+OK\r\nINFO {\"max_payload\":2000}\r\n")
		p.answer(words[2], "world")
		_, _ = io.Copy(io.Discard, p)
	})
	c := client(t, Options{}, address)
	got, err := c.Request(wait(t), "a.b", header, []byte("hello"))
	if err != nil || string(got) != "world" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, want := <-sent, "a.b 28 33 NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\nhello\r\n"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if c.MaxPayload() != 2000 {
		t.Errorf("the largest message is %d", c.MaxPayload())
	}
}

// A connection that ends, however it ends, is made again, and the message sent again.
func TestRequestAfterALostConnection(t *testing.T) {
	t.Parallel()
	const want = "here"
	good := func(p peer) {
		p.greet()
		p.answer(p.question(), want)
		_, _ = io.Copy(io.Discard, p)
	}
	closed := func(p peer) { p.greet(); p.question() }
	refuse := func(text string) func(peer) {
		return func(p peer) { p.say("%s", info); p.hear("PING"); p.say("-ERR '%s'\r\n", text) }
	}
	tests := []struct {
		name string
		bad  []func(peer)
	}{
		{"closed at once", []func(peer){func(p peer) { p.greet() }}},
		{"closed after the message", []func(peer){closed}},
		{"reset", []func(peer){func(p peer) { p.greet(); p.question(); _ = p.Conn.(*net.TCPConn).SetLinger(0) }}},
		{"stale", []func(peer){func(p peer) { p.greet(); p.question(); p.say("-ERR 'Stale Connection'\r\n") }}},
		{"half an answer", []func(peer){func(p peer) { p.greet(); p.say("MSG %s 1 50\r\nhalf", p.question()) }}},
		{"rubbish", []func(peer){func(p peer) { p.greet(); p.question(); p.say("rubbish\r\n") }}},
		{"and twice before INFO", []func(peer){closed, func(peer) {}, func(peer) {}}},
		{"and the server is full", []func(peer){closed, refuse("maximum connections exceeded")}},
		{"and the server is slow", []func(peer){closed, refuse("Authentication Timeout")}},
		{"and refused once", []func(peer){closed, refuse("Authorization Violation")}},
		{"and no headers at first", []func(peer){closed, func(p peer) { p.say("INFO {}\r\n") }}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Options{}, serve(t, append(tt.bad, good)...))
			if err := c.Connect(wait(t)); err != nil {
				t.Fatal(err)
			}
			got, err := c.Request(wait(t), "a", header, nil)
			if err != nil || string(got) != want || c.Lost() != nil {
				t.Errorf("got %q, %v, lost %v", got, err, c.Lost())
			}
		})
	}
}

// Who is refused as a user, and refused again, has not met a restart.
func TestRequestGivesUpWhereTheUserIsRefused(t *testing.T) {
	t.Parallel()
	c := client(t, Options{}, serve(t,
		func(p peer) { p.greet(); p.question() },
		func(p peer) { p.say("%s", info); p.hear("PING"); p.say("-ERR 'Authorization Violation'\r\n") }))
	if _, err := c.Request(wait(t), "a", header, nil); !errors.Is(err, ErrAuthorization) {
		t.Errorf("got %v", err)
	}
}

// A server that is connected and says nothing is left for the next one.
func TestRequestLosesPatience(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(p peer) { p.greet(); p.hear("never") })
	good := serve(t, func(p peer) { p.greet(); p.answer(p.question(), "here"); p.hear("never") })
	c := client(t, Options{Patience: 50 * time.Millisecond}, silent, good)
	if got, err := c.Request(wait(t), "a", header, nil); err != nil || string(got) != "here" || c.Lost() != nil {
		t.Errorf("got %q, %v, lost %v", got, err, c.Lost())
	}
}

// An answered request leaves the connection as it was: what ends its context later, or is answered twice, does not touch the next.
func TestRequestsShareAConnection(t *testing.T) {
	t.Parallel()
	connections := make(chan string, 5)
	c := client(t, Options{}, serve(t, func(p peer) {
		p.say("%s", info)
		connections <- p.hear("SUB ")
		p.hear("PING")
		p.say("PONG\r\n")
		first := p.question()
		p.say("HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", first)
		second := p.question()
		p.answer(first, "late")
		p.answer(second, "second")
		p.say("HMSG %s 1 16 21\r\nNATS/1.0 100\r\n\r\nthird\r\n", p.question())
		p.hear("never")
	}))
	ctx, cancel := context.WithCancel(wait(t))
	if _, err := c.Request(ctx, "a", header, nil); !errors.Is(err, ErrNoResponders) {
		t.Errorf("got %v", err)
	}
	cancel()
	for _, want := range []string{"second", "third"} {
		ctx, cancel := context.WithCancel(wait(t))
		if got, err := c.Request(ctx, "a", header, nil); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		cancel()
	}
	if n := len(connections); n != 1 {
		t.Errorf("%d connections", n)
	}
	other := client(t, Options{}, c.o.Servers...)
	if err := other.Connect(wait(t)); err != nil {
		t.Fatal(err)
	}
	if a, b := <-connections, <-connections; a == b || !strings.HasPrefix(a, "SUB _INBOX.") {
		t.Errorf("two connections subscribe to %q and %q", a, b)
	}
}

func TestRequestFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		serve   func(peer)
		subject string
		headers []Header
		size    int
		want    error
		text    string
	}{
		{"nobody listens", func(p peer) { p.greet(); p.say("HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", p.question()) }, "a", header, 1, ErrNoResponders, ""},
		{"not permitted", func(p peer) {
			p.greet()
			for p.question() != "" {
				p.say("-ERR 'Permissions Violation for Publish to \"a\"'\r\n")
			}
		}, "a", header, 1, ErrPermission, `to "a"`},
		{"deaf", func(p peer) {
			p.say("%s", info)
			p.hear("PING")
			p.say("-ERR 'Permissions Violation for Subscription to \"_INBOX\"'\r\nPONG\r\n")
			p.hear("never")
		}, "a", header, 1, ErrPermission, "Subscription"},
		{"too large", func(p peer) { p.greet(); p.hear("never") }, "a", header, 1000, ErrMaxPayload, "1028 bytes, the server takes 1000"},
		{"too large after all", func(p peer) { p.greet(); p.question(); p.say("-ERR 'Maximum Payload Violation'\r\n") }, "a", header, 1, ErrMaxPayload, ""},
		{"line end in a value", func(p peer) { p.greet() }, "a", []Header{{"A", "b\r\nC: d"}}, 1, nil, "is not a header"},
		{"line end in a name", func(p peer) { p.greet() }, "a", []Header{{"A\n", "b"}}, 1, nil, "is not a header"},
		{"line end in the subject", func(p peer) { p.greet() }, "a 1\r\nPUB b", header, 1, nil, "is not a subject"},
		{"empty subject", func(p peer) { p.greet() }, "", header, 1, nil, "is not a subject"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Options{}, serve(t, tt.serve))
			for range 2 { // the connection serves on, or another one does
				got, err := c.Request(wait(t), tt.subject, tt.headers, make([]byte, tt.size))
				if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got %q, %v, want %v", got, err, tt.want)
				}
			}
		})
	}
}

// A request that is cancelled ends at once, and its answer, should it come late, is not taken for that of the next.
func TestRequestCancelled(t *testing.T) {
	t.Parallel()
	reason := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := client(t, Options{}, serve(t,
		func(p peer) {
			p.greet()
			subject := p.question()
			cancel(reason)
			p.answer(subject, "late")
			p.hear("never")
		},
		func(p peer) { p.greet(); p.answer(p.question(), "second"); p.hear("never") }))
	if got, err := c.Request(ctx, "a", header, nil); err != nil && !errors.Is(err, reason) || err == nil && string(got) != "late" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := c.Request(ctx, "a", header, nil); !errors.Is(err, reason) {
		t.Errorf("got %v after the end", err)
	}
	if got, err := c.Request(wait(t), "a", header, nil); err != nil || string(got) != "second" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestLostIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := client(t, Options{}, serve(t,
		func(p peer) { p.greet(); p.question(); p.say("-ERR 'Slow Consumer'\r\n") },
		func(p peer) { p.greet(); p.question(); cancel(); p.hear("never") }))
	if _, err := c.Request(ctx, "a", header, nil); !errors.Is(err, context.Canceled) || c.Lost() == nil || !strings.Contains(c.Lost().Error(), "Slow Consumer") {
		t.Errorf("got %v, lost %v", err, c.Lost())
	}
	if _, err := c.Request(ctx, "a", header, nil); !errors.Is(err, context.Canceled) || c.Lost() != nil {
		t.Errorf("then got %v, lost %v", err, c.Lost())
	}
}

// What a server says before it lets us in.
func TestConnectFails(t *testing.T) {
	t.Parallel()
	refuse := func(text string) func(peer) {
		return func(p peer) { p.say("%s", info); p.hear("PING"); p.say("-ERR '%s'\r\n", text) }
	}
	key, err := ParseKey(userSeed)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		serve func(peer)
		o     Options
		want  []error
		text  string
	}{
		{"closed", func(peer) {}, Options{}, []error{ErrUnreachable}, "EOF"},
		{"closed after CONNECT", func(p peer) { p.say("%s", info); p.hear("PING") }, Options{}, []error{ErrUnreachable}, "EOF"},
		{"no INFO", func(p peer) { p.say("PING\r\n") }, Options{}, []error{ErrUnreachable}, "no NATS server"},
		{"INFO that is none", func(p peer) { p.say("INFO x\r\n") }, Options{}, []error{ErrUnreachable}, "no NATS server"},
		{"old", func(p peer) { p.say("INFO {\"max_payload\":1}\r\n") }, Options{}, []error{ErrNoHeaders}, "does not take headers"},
		{"not authorised", refuse("Authorization Violation"), Options{}, []error{ErrAuthorization}, "Authorization Violation"},
		{"expired", refuse("User Authentication Expired"), Options{}, []error{ErrAuthorization}, "Expired"},
		{"full", refuse("maximum connections exceeded"), Options{}, nil, "maximum connections exceeded"},
		{"no nonce", func(p peer) { p.say("INFO {\"headers\":true}\r\n") }, Options{Key: key}, []error{ErrAuthorization}, "no users with keys"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := serve(t, tt.serve)
			refused := freeAddress(t)
			for _, list := range [][]string{{address}, {refused, address}, {address, refused}} {
				err := client(t, tt.o, list...).Connect(wait(t))
				if err == nil {
					t.Fatal("connected")
				}
				for _, want := range tt.want {
					if !errors.Is(err, want) {
						t.Errorf("%v: got %v, want %v", list, err, want)
					}
				}
				if errors.Is(err, ErrClientCertificate) {
					t.Errorf("%v: got %v without TLS", list, err)
				}
				// A server that was reached says more than one that is down.
				if down := errors.Is(err, ErrUnreachable); !down && !strings.Contains(err.Error(), tt.text) || down && len(list) == 1 && !strings.Contains(err.Error(), tt.text) {
					t.Errorf("%v: got %v, want %q", list, err, tt.text)
				}
			}
		})
	}
}

// Of several servers the first that says why it refuses is the one that is told.
func TestFirstRefusalIsTold(t *testing.T) {
	t.Parallel()
	refuse := func(text string) string {
		return serve(t, func(p peer) { p.say("%s", info); p.hear("PING"); p.say("-ERR '%s'\r\n", text) })
	}
	if err := client(t, Options{}, freeAddress(t), refuse("first"), refuse("second")).Connect(wait(t)); err == nil || err.Error() != "first" {
		t.Errorf("got %v", err)
	}
}

// The seed proves a JWT's user or the key's own, never both.
func TestConnectSaysWhoWeAre(t *testing.T) {
	t.Parallel()
	key, err := ParseKey(userSeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		o         Options
		want, not string
	}{
		{Options{Key: key}, `"nkey":"` + userPublic + `"`, `"jwt"`},
		{Options{Key: key, JWT: testJWT}, `"jwt":"` + testJWT + `"`, `"nkey"`},
		{Options{Token: "t"}, `"auth_token":"t"`, `"sig"`},
		{Options{User: "u", Password: "p"}, `"user":"u","pass":"p"`, `"auth_token"`},
		{Options{Name: "n"}, `"name":"n"`, `"user"`},
	} {
		connect := make(chan string, 1)
		c := client(t, tt.o, serve(t, func(p peer) { p.say("%s", info); connect <- p.hear("CONNECT "); p.hear("PING"); p.say("PONG\r\n") }))
		if err := c.Connect(wait(t)); err != nil {
			t.Fatal(err)
		}
		if got := <-connect; !strings.Contains(got, tt.want) || strings.Contains(got, tt.not) {
			t.Errorf("got %s, want %s and no %s", got, tt.want, tt.not)
		}
	}
}

// secureServer serves TLS after INFO with a certificate for 127.0.0.1, and returns what clients trust.
func secureServer(t *testing.T, change func(*tls.Config), script func(peer)) (address string, trust *tls.Config) {
	t.Helper()
	authority := httptest.NewTLSServer(nil)
	t.Cleanup(authority.Close)
	config := &tls.Config{Certificates: authority.TLS.Certificates}
	change(config)
	address = serve(t, func(p peer) {
		p.say("INFO {\"headers\":true,\"max_payload\":1000,\"tls_required\":true}\r\n")
		secured := tls.Server(p.Conn, config)
		if secured.Handshake() == nil {
			script(peer{secured, bufio.NewReader(secured)})
		}
	})
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate())
	return address, &tls.Config{RootCAs: roots}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	same := func(*tls.Config) {}
	ask := func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }
	demand := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	good := func(p peer) { p.hear("PING"); p.say("PONG\r\n"); p.hear("never") }
	tests := []struct {
		name   string
		change func(*tls.Config)
		script func(peer)
		host   string
		want   error // nil for connected
	}{
		{"good", same, good, "127.0.0.1", nil},
		{"asked for a certificate", ask, good, "127.0.0.1", nil},
		{"a certificate is demanded", demand, good, "127.0.0.1", ErrClientCertificate},
		{"asked and closed", ask, func(peer) {}, "127.0.0.1", ErrClientCertificate},
		{"closed", same, func(peer) {}, "127.0.0.1", ErrUnreachable},
		{"another name", same, good, "localhost", ErrTLS},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address, trust := secureServer(t, tt.change, tt.script)
			_, port, _ := net.SplitHostPort(address)
			err := client(t, Options{TLS: trust}, net.JoinHostPort(tt.host, port)).Connect(wait(t))
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// A server that sends without end and never reads keeps nobody whose time is over.
func TestCloseDoesNotWait(t *testing.T) {
	t.Parallel()
	address, trust := secureServer(t, func(*tls.Config) {}, func(p peer) {
		p.hear("PING")
		p.say("PONG\r\n")
		for {
			if _, err := io.WriteString(p, strings.Repeat("PING\r\n", 1000)); err != nil {
				return
			}
		}
	})
	c := client(t, Options{TLS: trust}, address)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // until the client's PONGs fill all buffers
	defer cancel()
	if _, err := c.Request(ctx, "a", header, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	deadline, _ := ctx.Deadline()
	if late := time.Since(deadline); late > 3*time.Second { // TLS would wait for five
		t.Errorf("%v late", late)
	}
}

// freeAddress is one where nothing listens, nor will: it is the client's end of a connection, which no other test can be given.
func freeAddress(t *testing.T) string {
	t.Helper()
	c, err := net.Dial("tcp", serve(t, func(p peer) { p.hear("never") }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.LocalAddr().String()
}

// Where TLS is due, nothing but a handshake leaves, and nothing that came before it counts.
func TestNothingBeforeTLS(t *testing.T) {
	t.Parallel()
	secrets := Options{Token: "s3cr3t"}
	demanding := secrets
	demanding.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	tests := []struct {
		name string
		info string
		o    Options
		want error
		sent string // what the client's bytes begin with
	}{
		{"offered none", `INFO {"headers":true}` + "\r\n", demanding, ErrNoTLS, ""},
		{"available", `INFO {"headers":true,"tls_available":true}` + "\r\n", demanding, ErrTLS, "\x16\x03"},
		{"demanded by the server alone", `INFO {"headers":true,"tls_required":true}` + "\r\n", secrets, ErrTLS, "\x16\x03"},
		{"full", `INFO {"headers":true,"tls_required":true}` + "\r\n-ERR 'maximum connections exceeded'\r\n", demanding, ErrUnreachable, ""},
		{"more than INFO", `INFO {"headers":true,"tls_required":true}` + "\r\nPONG\r\n", demanding, ErrTLS, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 1)
			address := serve(t, func(p peer) {
				p.say("%s", tt.info)
				first := make([]byte, 2)
				n, _ := io.ReadFull(p, first)
				received <- string(first[:n])
				p.say("no handshake")
			})
			if err := client(t, tt.o, address).Connect(wait(t)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := <-received; got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
		})
	}
}
