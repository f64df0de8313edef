package emit

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestClientRequest(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 1)
	address := serve(t, func(p peer) {
		p.accept()
		words := strings.Fields(p.await("HPUB "))
		text := make([]byte, len("NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n\x00\x00\r\n"))
		_, _ = io.ReadFull(p.lines, text)
		sent <- words[1] + " " + words[3] + " " + words[4] + " " + string(text)
		p.send("PING\r\n")
		if p.await("PONG") == "" {
			return
		}
		p.answer(words[2]+"0", "to a subject that begins alike")
		p.send("+OK\r\nINFO {\"max_payload\":2000}\r\n")
		p.answer(words[2], "world")
		p.drain()
	})
	c := newTestClient(t, natsClient{}, address)
	if got, err := requestText(bounded(t), c, 2); err != nil || got != "world" {
		t.Errorf("got %q, %v", got, err)
	}
	if got, want := <-sent, "a.b 28 30 NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n\x00\x00\r\n"; got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if c.maxPayload() != 2000 {
		t.Errorf("the largest message has %d bytes", c.maxPayload())
	}
}

// The client replaces a connection that ends, however it ends, and sends the message again.
func TestClientReconnects(t *testing.T) {
	t.Parallel()
	const want = "here"
	closed := func(p peer) { p.accept(); p.request() }
	then := func(text string) func(peer) { return func(p peer) { closed(p); p.send("%s", text) } }
	tests := []struct {
		name string
		bad  []func(peer)
	}{
		{"closed at once", []func(peer){peer.accept}},
		{"closed after the message", []func(peer){closed}},
		{"reset", []func(peer){func(p peer) { closed(p); _ = p.Conn.(*net.TCPConn).SetLinger(0) }}},
		{"stale", []func(peer){then("-ERR 'Stale Connection'\r\n")}},
		{"half an answer", []func(peer){func(p peer) { p.accept(); p.send("MSG %s 1 50\r\nhalf", p.request()) }}},
		{"not NATS", []func(peer){then("HTTP/1.1 400 Bad Request\r\n")}},
		{"huge message", []func(peer){then("MSG a 1 9223372036854775807\r\nx")}},
		{"huge message with headers", []func(peer){then("HMSG a 1 5 99999999999999\r\nx")}},
		{"longer than announced", []func(peer){then("MSG a 1 2\r\nhello\r\n")}},
		{"endless line", []func(peer){then("INFO " + strings.Repeat("x", maxNATSLine))}},
		{"and twice before the greeting", []func(peer){closed, func(peer) {}, func(peer) {}}},
		{"and the server is full", []func(peer){closed, refuse("maximum connections exceeded")}},
		{"and the server is slow", []func(peer){closed, refuse("Authentication Timeout")}},
		{"and refuses the user once", []func(peer){closed, refuse("Authorization Violation")}},
		{"and takes no headers once", []func(peer){closed, func(p peer) { p.send("INFO {}\r\n") }}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, natsClient{}, serve(t, append(tt.bad, answerOnce(want))...))
			if err := c.connect(bounded(t)); err != nil {
				t.Fatal(err)
			}
			got, err := requestText(bounded(t), c, 0)
			if err != nil || got != want || c.lost != nil {
				t.Errorf("got %q, %v, lost %v", got, err, c.lost)
			}
		})
	}
}

// A user that is refused twice is not refused by a restart.
func TestClientGivesUpWhenTheUserIsRefused(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, natsClient{}, serve(t,
		func(p peer) { p.accept(); p.request() }, refuse("Authorization Violation")))
	if _, err := requestText(bounded(t), c, 0); !isAuthorizationError(err) {
		t.Errorf("got %v", err)
	}
}

// The client leaves a server that accepts it and then stays silent for the next one.
func TestClientLosesPatience(t *testing.T) {
	t.Parallel()
	silent := serve(t, func(p peer) { p.accept(); p.drain() })
	c := newTestClient(t, natsClient{patience: 50 * time.Millisecond}, silent, serve(t, answerOnce("here")))
	if got, err := requestText(bounded(t), c, 0); err != nil || got != "here" || c.lost != nil {
		t.Errorf("got %q, %v, lost %v", got, err, c.lost)
	}
}

// expired is a context whose deadline is over and which has not ended yet.
type expired struct{ context.Context }

func (expired) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// A dial that ends with its context, but a moment before, does not say that the server is down.
func TestClientConnectsAtTheDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(errLate) })
	c := newTestClient(t, natsClient{}, serve(t, peer.accept))
	if err := c.connect(expired{ctx}); !errors.Is(err, errLate) {
		t.Errorf("got %v, want the cause of the end", err)
	}
}

// Servers that a server announces receive nothing, neither at once nor after a loss.
func TestClientIgnoresAnnouncedServers(t *testing.T) {
	t.Parallel()
	contacted := make(chan struct{}, 10)
	other := serve(t, func(peer) { contacted <- struct{}{} })
	announce := `INFO {"headers":true,"max_payload":1000,"connect_urls":["` + other + `"]}` + "\r\n"
	c := newTestClient(t, natsClient{}, serve(t,
		func(p peer) { p.send("%s", announce); p.await("PING"); p.send("-ERR 'try another'\r\n") },
		func(p peer) { p.send("%s", announce); p.await("PING"); p.send("PONG\r\n%s", announce); p.request() },
		answerOnce("here")))
	if o := c.options; o.AllowReconnect || !o.IgnoreDiscoveredServers {
		t.Error("nats.go connects to servers of its own choice")
	}
	dialer := &natsDialer{ctx: bounded(t), address: serve(t, func(p peer) { p.send("%s", smallInfo); p.drain() }),
		silence: time.Second}
	conn, err := dialer.Dial("tcp", other)
	fixture.Must(t, err)
	defer conn.Close()
	if got, err := requestText(bounded(t), c, 0); err != nil || got != "here" {
		t.Errorf("got %q, %v", got, err)
	}
	if len(contacted) > 0 {
		t.Error("the client connected to a server that was only announced")
	}
}

// An answered request leaves the connection as it was: neither the end of its context nor a
// second answer touches the next request.
func TestClientReusesTheConnection(t *testing.T) {
	t.Parallel()
	inboxes := make(chan string, 5)
	script := func(p peer) {
		p.accept()
		inboxes <- p.await("SUB ")
		first := p.request()
		p.send("HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", first)
		second := p.request()
		p.answer(first, "late")
		p.answer(second, "second")
		p.send("HMSG %s 1 16 21\r\nNATS/1.0 100\r\n\r\nthird\r\n", p.request())
		p.drain()
	}
	c := newTestClient(t, natsClient{}, serve(t, script))
	ctx, cancel := context.WithCancel(bounded(t))
	if _, err := requestText(ctx, c, 0); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("got %v", err)
	}
	cancel()
	for _, want := range []string{"second", "third"} {
		ctx, cancel := context.WithCancel(bounded(t))
		if got, err := requestText(ctx, c, 0); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		cancel()
	}
	if n := len(inboxes); n != 1 {
		t.Errorf("%d connections", n)
	}
	other := newTestClient(t, natsClient{}, c.servers...)
	if _, err := requestText(bounded(t), other, 0); !errors.Is(err, nats.ErrNoResponders) {
		t.Fatal(err)
	}
	if a, b := <-inboxes, <-inboxes; a == b || !strings.HasPrefix(a, "SUB _INBOX.") {
		t.Errorf("two connections subscribe to %q and %q", a, b)
	}
}

func TestClientRequestFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		peer func(peer)
		size int
		want error
		text string
	}{
		{"no responders", func(p peer) {
			p.accept()
			for inbox := p.request(); inbox != ""; inbox = p.request() {
				p.send("HMSG %s 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", inbox)
			}
		}, 1, nats.ErrNoResponders, ""},
		{"not permitted", func(p peer) {
			p.accept()
			for p.request() != "" {
				p.send("-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n")
			}
		}, 1, nats.ErrPermissionViolation, `to "a.b"`},
		{"may not receive answers", func(p peer) {
			p.accept()
			p.await("SUB ")
			p.send("-ERR 'Permissions Violation for Subscription to \"_INBOX\"'\r\n")
			p.drain()
		}, 1, nats.ErrPermissionViolation, "Subscription"},
		{"too large", func(p peer) { p.accept(); p.drain() }, 1000, nats.ErrMaxPayload, ""},
		{"too large for the server only", func(p peer) {
			p.accept()
			p.request()
			p.send("-ERR 'Maximum Payload Violation'\r\n")
			p.drain() // closing with unread data would reset the connection, and may lose the answer
		}, 1, nats.ErrMaxPayload, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newTestClient(t, natsClient{}, serve(t, tt.peer))
			for range 2 { // on the same connection or on another
				_, err := requestText(bounded(t), c, tt.size)
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			}
		})
	}
}

// A cancelled request ends at once, and the next one does not get its late answer.
func TestClientRequestCancelled(t *testing.T) {
	t.Parallel()
	reason := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := newTestClient(t, natsClient{}, serve(t,
		func(p peer) {
			p.accept()
			subject := p.request()
			cancel(reason)
			p.answer(subject, "late")
			p.drain()
		},
		answerOnce("second")))
	got, err := requestText(ctx, c, 0)
	if err != nil && !errors.Is(err, reason) || err == nil && got != "late" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := requestText(ctx, c, 0); !errors.Is(err, reason) {
		t.Errorf("got %v after the end", err)
	}
	if got, err := requestText(bounded(t), c, 0); err != nil || got != "second" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestClientReportsTheLoss(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newTestClient(t, natsClient{}, serve(t,
		func(p peer) { p.accept(); p.request(); p.send("-ERR 'Slow Consumer'\r\n") },
		func(p peer) { p.accept(); p.request(); cancel(); p.drain() }))
	_, err := requestText(ctx, c, 0)
	if !errors.Is(err, context.Canceled) || c.lost == nil || !strings.Contains(c.lost.Error(), "Slow Consumer") {
		t.Errorf("got %v, lost %v", err, c.lost)
	}
	if _, err := requestText(ctx, c, 0); !errors.Is(err, context.Canceled) || c.lost != nil {
		t.Errorf("then got %v, lost %v", err, c.lost)
	}
}

// What a server sends before it accepts the client.
func TestClientConnectFails(t *testing.T) {
	t.Parallel()
	keyed := newNATSOptions("", 5*time.Second)
	if _, err := authenticate(NATSOptions{NKey: userSeed}, &keyed); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		peer       func(peer)
		options    nats.Options
		want       string
		overridden bool // by the error of another server that is down
	}{
		{"closed", func(peer) {}, nats.Options{}, "EOF", true},
		{"closed after CONNECT", func(p peer) { p.send("%s", smallInfo); p.await("PING") }, nats.Options{}, "EOF",
			true},
		{"no greeting", func(p peer) { p.send("PING\r\n") }, nats.Options{}, "does not speak NATS", true},
		{"broken greeting", func(p peer) { p.send("INFO x\r\n") }, nats.Options{}, "does not speak NATS", true},
		{"endless greeting", func(p peer) { p.send("INFO %s", strings.Repeat("x", maxNATSLine)) },
			nats.Options{}, "a line of more than 65536 bytes", true},
		{"old", func(p peer) { p.send("INFO {\"max_payload\":1}\r\n") }, nats.Options{}, "takes no headers", false},
		{"not authorised", refuse("Authorization Violation"), nats.Options{}, "Authorization Violation", false},
		{"expired", refuse("User Authentication Expired"), nats.Options{}, "Expired", false},
		{"full", refuse("maximum connections exceeded"), nats.Options{}, "maximum connections exceeded", false},
		{"no nonce", func(p peer) { p.send("INFO {\"headers\":true}\r\n") }, keyed, "nkeys not supported", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address, down := serve(t, tt.peer), closedAddress(t)
			for _, list := range [][]string{{address}, {down, address}, {address, down}} {
				err := newTestClient(t, natsClient{options: tt.options}, list...).connect(bounded(t))
				want := tt.want
				if tt.overridden && list[0] == down {
					want = "connection refused"
				}
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%v: got %v, want %q", list, err, want)
				}
				if errors.Is(err, errClientCertificate) {
					t.Errorf("%v: got %v without TLS", list, err)
				}
			}
		})
	}
}

// Of several servers the first that says why it refuses gives the error.
func TestClientFirstRefusal(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, natsClient{}, closedAddress(t), serve(t, refuse("first")), serve(t, refuse("second")))
	if err := c.connect(bounded(t)); err == nil || err.Error() != "nats: first" {
		t.Errorf("got %v", err)
	}
}

// The seed proves a JWT's user or that of its own key, never both.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	seed, public := fixture.CanarySeed(t, "connect")
	jwt, secret := fixture.CanaryJWT(`"sub":"x"`, "connect"), fixture.Canary("", "connect")
	for _, tt := range []struct {
		o         NATSOptions
		want, not string
	}{
		{NATSOptions{NKey: seed}, `"nkey":"` + public + `"`, `"jwt"`},
		{NATSOptions{Creds: jwt + " " + seed}, `"jwt":"` + jwt + `"`, `"nkey"`},
		{NATSOptions{Token: secret}, `"auth_token":"` + secret + `"`, `"sig"`},
		{NATSOptions{User: "u", Password: secret}, `"user":"u","pass":"` + secret + `"`, `"auth_token"`},
		{NATSOptions{Name: "n"}, `"name":"n"`, `"user"`},
	} {
		connect := make(chan string, 1)
		address := serve(t, func(p peer) {
			p.send("%s", smallInfo)
			connect <- p.await("CONNECT ")
			p.await("PING")
			p.send("PONG\r\n")
		})
		options := newNATSOptions(tt.o.Name, 5*time.Second)
		if _, err := authenticate(tt.o, &options); err != nil {
			t.Fatal(err)
		}
		if err := newTestClient(t, natsClient{options: options}, address).connect(bounded(t)); err != nil {
			t.Fatal(err)
		}
		if got := <-connect; !strings.Contains(got, tt.want) || strings.Contains(got, tt.not) {
			t.Errorf("got %s, want %s and no %s", got, tt.want, tt.not)
		}
	}
}

// A server that sends without end and never reads does not delay the end of a request.
func TestClientDoesNotWaitForAServerThatNeverReads(t *testing.T) {
	t.Parallel()
	flood := func(p peer) {
		p.await("PING")
		p.send("PONG\r\n")
		for {
			if _, err := io.WriteString(p, strings.Repeat("PING\r\n", 1000)); err != nil {
				return
			}
		}
	}
	secured, trust := newTLSServer(t, false, nil, flood)
	plain := serve(t, func(p peer) { p.send("%s", smallInfo); flood(p) })
	for name, c := range map[string]*natsClient{
		"TLS":   newTestClient(t, natsClient{tls: trust}, secured),
		"plain": newTestClient(t, natsClient{}, plain),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second) // until the answers fill all buffers
			defer cancel()
			if _, err := requestText(ctx, c, 0); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			c.close()
			deadline, _ := ctx.Deadline()
			if late := time.Since(deadline); late > 3*time.Second { // TLS would wait for five
				t.Errorf("%v late", late)
			}
		})
	}
}

func TestClientTLS(t *testing.T) {
	t.Parallel()
	request := func(c *tls.Config) { c.ClientAuth = tls.RequestClientCert }
	require := func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }
	good := func(p peer) { p.await("PING"); p.send("PONG\r\n"); p.drain() }
	tests := []struct {
		name   string
		change func(*tls.Config)
		peer   func(peer)
		host   string
		want   error // nil for connected
	}{
		{"good", nil, good, "127.0.0.1", nil},
		{"requests a certificate", request, good, "127.0.0.1", nil},
		{"requires a certificate", require, good, "127.0.0.1", errClientCertificate},
		{"requests a certificate and closes", request, func(peer) {}, "127.0.0.1", errClientCertificate},
		{"closes", nil, func(peer) {}, "127.0.0.1", errLost},
		{"another name", nil, good, "localhost", errTLS},
	}
	for _, tt := range tests {
		for order, first := range map[string]bool{"greeting first": false, "handshake first": true} {
			t.Run(tt.name+", "+order, func(t *testing.T) {
				t.Parallel()
				address, trust := newTLSServer(t, first, tt.change, tt.peer)
				_, port, _ := net.SplitHostPort(address)
				c := newTestClient(t, natsClient{tls: trust, silence: 50 * time.Millisecond},
					net.JoinHostPort(tt.host, port))
				err := c.connect(bounded(t))
				if got := kindOf(err); got != tt.want {
					t.Errorf("got %v, want %v", err, tt.want)
				}
			})
		}
	}
}

// kindOf returns the first kind that err is; other errors are their own.
func kindOf(err error) error {
	for _, kind := range []error{errClientCertificate, errTLS} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	if err != nil && isConnectionError(err) {
		return errLost
	}
	return err
}

// Where TLS is required, nothing but a handshake leaves, and nothing before it counts.
func TestClientSendsNothingBeforeTLS(t *testing.T) {
	t.Parallel()
	demanding := &tls.Config{MinVersion: tls.VersionTLS12}
	tests := []struct {
		name, greeting string
		tls            *tls.Config
		want           error  // nil for any
		sent           string // the start of what the client sends
	}{
		{"no TLS offered", `INFO {"headers":true}` + "\r\n", demanding, errNoTLS, ""},
		{"available", `INFO {"headers":true,"tls_available":true}` + "\r\n", demanding, errTLS, "\x16\x03"},
		{"required by the server alone", tlsInfo, nil, errTLS, "\x16\x03"},
		{"full", tlsInfo + "-ERR 'maximum connections exceeded'\r\n", demanding, nil, ""},
		{"more than the greeting", tlsInfo + "PONG\r\n", demanding, errTLS, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			received := make(chan string, 1)
			address := serve(t, func(p peer) {
				p.send("%s", tt.greeting)
				first := make([]byte, 2)
				n, _ := io.ReadFull(p, first)
				received <- string(first[:n])
				p.send("no handshake")
			})
			options := newNATSOptions("", 5*time.Second)
			options.Token = "KZCANARY7s3cr3t"
			err := newTestClient(t, natsClient{tls: tt.tls, options: options}, address).connect(bounded(t))
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := <-received; got != tt.sent {
				t.Errorf("sent %q, want %q", got, tt.sent)
			}
		})
	}
}
