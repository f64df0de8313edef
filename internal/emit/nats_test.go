package emit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

func TestNATSOptions(t *testing.T) {
	t.Parallel()
	const secret = "KZCANARY7-s3cr3t"
	good := []string{"tls://nats.example:4222"}
	tests := []struct {
		name string
		o    NATSOptions
		want string // a part of the error, "" for none
	}{
		{"plain", NATSOptions{URLs: good}, ""},
		{"list", NATSOptions{URLs: []string{"tls://a:1,nats://b\n c:3 ,\r\n"}}, ""},
		{"IPv6", NATSOptions{URLs: []string{"nats://[::1]:4222"}}, ""},
		{"token", NATSOptions{URLs: good, Token: secret}, ""},
		{"user", NATSOptions{URLs: good, User: "u", Password: secret}, ""},
		{"nkey", NATSOptions{URLs: good, NKey: "\n" + userSeed + "\n"}, ""},
		{"no URL", NATSOptions{URLs: []string{" , "}}, "nats-url is empty"},
		{"user in URL", NATSOptions{URLs: []string{"nats://u:" + secret + "@h:4222"}}, "user information"},
		{"token in URL", NATSOptions{URLs: []string{"tls://" + secret + "@h"}}, "user information"},
		{"odd user in URL", NATSOptions{URLs: []string{"nats://u:" + secret + "%zz@h"}}, "user information"},
		{"web socket", NATSOptions{URLs: []string{"wss://h:443"}}, "tls://host:4222"},
		{"path", NATSOptions{URLs: []string{"nats://h/x"}}, "is not a server"},
		{"port", NATSOptions{URLs: []string{"nats://h:x"}}, "is not a server"},
		{"wildcard", NATSOptions{URLs: good, Subject: "kaizen.>"}, "nats-subject"},
		{"space", NATSOptions{URLs: good, Subject: "a b"}, "nats-subject"},
		{"empty word", NATSOptions{URLs: good, Subject: "a..b"}, "nats-subject"},
		{"last dot", NATSOptions{URLs: good, Subject: "a."}, "nats-subject"},
		{"two kinds", NATSOptions{URLs: good, Token: secret, User: "u", Password: secret},
			"nats-token and nats-user are set"},
		{"user alone", NATSOptions{URLs: good, User: "u"}, "nats-password"},
		{"password alone", NATSOptions{URLs: good, Password: secret}, "nats-password"},
		{"creds path", NATSOptions{URLs: good, Creds: "/run/" + secret}, "nats-creds does not hold"},
		{"nkey path", NATSOptions{URLs: good, NKey: "/run/" + secret}, "nats-nkey is not a seed"},
		{"account's nkey", NATSOptions{URLs: good, NKey: accountSeed}, "not a user's seed"},
		{"CA path", NATSOptions{URLs: good, CA: "/etc/ca.pem"}, "nats-ca holds no certificate"},
		{"cert alone", NATSOptions{URLs: good, Cert: secret}, "nats-cert and nats-key belong together"},
		{"cert rubbish", NATSOptions{URLs: good, Cert: secret, Key: secret}, "not a certificate and its key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := NewNATS(tt.o)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), accountSeed)) {
				t.Errorf("%v holds a secret", err)
			}
		})
	}
}

// fakeNATS serves each connection with serve and returns its port.
func fakeNATS(t *testing.T, address string, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			}()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

const plainInfo = `INFO {"server_id":"x","version":"2.15.0","headers":true,"max_payload":1048576}` + "\r\n"

// deliverOnce delivers on a new connection and returns the one result.
func deliverOnce(t *testing.T, ctx context.Context, o NATSOptions) store.Delivery {
	t.Helper()
	n, err := NewNATS(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	got := n.Deliver(ctx, testMessage(t))
	if len(got) != 1 || got[0].Channel != "nats" || got[0].Target != "kaizen.schedule.prepared" {
		t.Fatalf("got %+v", got)
	}
	fixture.NoCanary(t, "the error", got[0].Error)
	return got[0]
}

// A server without TLS that is off loopback, or named with tls://, receives no credentials. The
// address 0.0.0.0 is not a loopback address, but it reaches this machine.
func TestNATSSendsNoCredentialsInTheClear(t *testing.T) {
	t.Parallel()
	for _, server := range []string{"nats://0.0.0.0:", "tls://127.0.0.1:", "0.0.0.0:"} {
		received := make(chan string, 1)
		port := fakeNATS(t, "0.0.0.0:0", func(c net.Conn) {
			_, _ = io.WriteString(c, plainInfo)
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			data, _ := io.ReadAll(c)
			received <- string(data)
		})
		d := deliverOnce(t, t.Context(), NATSOptions{URLs: []string{server + port}, Token: "KZCANARY7s3cr3t"})
		if d.Status != store.Failed || !strings.Contains(d.Error, "offers no TLS") {
			t.Errorf("%s: got %+v", server, d)
		}
		if got := <-received; got != "" {
			t.Errorf("%s: the server received %q", server, got)
		}
	}
}

func TestNATSRedactsWhatAServerEchoes(t *testing.T) {
	t.Parallel()
	// JSON escapes <, a message on one line has no double spaces, and nats.go trims quotes and
	// changes case: none of that may let a secret through.
	long := strings.Repeat("KZCANARY7s3cr3t", 20)
	for _, secret := range []string{
		"KZCANARY7s3cr3t", "<KZCANARY7s3cr3t", "two  KZCANARY7s3cr3t", "\"KZCANARY7s3cr3t",
		"two  \"KZCANARY7s3cr3t", "KZCANARY7s3cr3t'", "KZCANARY7S3cr3T", long,
	} {
		for name, echo := range map[string]func(connect string) string{
			"error": func(connect string) string {
				return "-ERR 'I read " + strings.ReplaceAll(connect, "'", "") +
					"'"
			},
			"as it is": func(string) string { return "-ERR 'bad token " + secret + "'" },
			"lower":    func(string) string { return "-ERR 'bad token " + strings.ToLower(secret) + "'" },
			"rubbish":  func(connect string) string { return connect },
			"invisible": func(string) string {
				return "-ERR 'bad token " +
					strings.ReplaceAll(secret, "3", "\u200b3") + "'"
			},
		} {
			port := fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
				_, _ = io.WriteString(c, plainInfo)
				line, _ := bufio.NewReader(c).ReadString('\n') // CONNECT with the token
				_, _ = io.WriteString(c, echo(strings.TrimSpace(line))+"\r\n")
			})
			d := deliverOnce(t, t.Context(), NATSOptions{URLs: []string{"127.0.0.1:" + port}, Token: secret})
			if name == "error" && strings.Contains(secret, "'") {
				continue // the server read another secret
			}
			shown := strings.Contains(strings.ToLower(d.Error), "s3cr3t")
			if d.Status != store.Failed || shown || !strings.Contains(d.Error, "***") {
				t.Errorf("%s of %s: got %+v, want the token masked", name, secret, d)
			}
		}
	}
}

func TestNATSRedactsTheJWT(t *testing.T) {
	t.Parallel()
	jwt := fixture.CanaryJWT(`"sub":"UAPB5"`, "echo")
	seed, _ := fixture.CanarySeed(t, "echo")
	port := fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
		_, _ = io.WriteString(c, plainInfo)
		line, _ := bufio.NewReader(c).ReadString('\n')
		_, _ = io.WriteString(c, line)
	})
	d := deliverOnce(t, t.Context(), NATSOptions{URLs: []string{"127.0.0.1:" + port}, Creds: jwt + " " + seed})
	shown := strings.Contains(d.Error, jwt) || strings.Contains(d.Error, seed)
	if d.Status != store.Failed || shown || !strings.Contains(d.Error, "***") {
		t.Errorf("got %+v, want the JWT masked", d)
	}
}

func TestNATSNotReached(t *testing.T) {
	t.Parallel()
	silent := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	half := func(c net.Conn) {
		_, _ = io.WriteString(c, plainInfo[:20])
		_, _ = io.Copy(io.Discard, c)
	}
	trickle := func(c net.Conn) {
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for range every.C {
			if _, err := io.WriteString(c, "I"); err != nil {
				return
			}
		}
	}
	html := func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n<html>") }
	reset := func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }
	tests := []struct{ name, address, want string }{
		{"refused", closedAddress(t), "connection refused: nothing listens there"},
		{"silent", "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", silent), "no NATS server answered within 500ms"},
		{"half a line", "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", half), "no NATS server answered within 500ms"},
		{"slow trickle", "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", trickle), "no NATS server answered within 500ms"},
		{"something else", "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", html), "check nats-url"},
		{"reset", "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", reset), "check nats-url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := NATSOptions{URLs: []string{tt.address}}
			if strings.Contains(tt.want, "500ms") {
				o.ConnectTimeout = 500 * time.Millisecond
			}
			checked, err := NewNATS(o)
			if err != nil {
				t.Fatal(err)
			}
			err = checked.Check(t.Context())
			if !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrStreamUnknown) ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check returned %v", err)
			}
			d := deliverOnce(t, t.Context(), o)
			named := strings.HasPrefix(d.Error, "nats "+tt.address+": ")
			if d.Status != store.Failed || !named || !strings.Contains(d.Error, tt.want) {
				t.Errorf("got %+v, want %q", d, tt.want)
			}
		})
	}
}

// A server may announce others of its cluster. The user did not name them, so the sink does not
// connect to them, and they receive no credentials.
func TestNATSStaysWithTheNamedServers(t *testing.T) {
	t.Parallel()
	other := fakeNATS(t, "127.0.0.1:0", func(net.Conn) { t.Error("another host was connected to") })
	port := fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
		_, _ = fmt.Fprintf(c, `INFO {"headers":true,"max_payload":1048576,"connect_urls":["127.0.0.1:%s"]}`+"\r\n",
			other)
		lines := bufio.NewScanner(c)
		for lines.Scan() && lines.Text() != "PING" {
		}
		_, _ = io.WriteString(c, "PONG\r\n") // then the connection ends
	})
	o := NATSOptions{URLs: []string{"127.0.0.1:" + port}, Token: "KZCANARY7s3cr3t",
		PublishTimeout: 600 * time.Millisecond}
	d := deliverOnce(t, t.Context(), o)
	if d.Status != store.Failed || !strings.Contains(d.Error, "run again") || strings.Contains(d.Error, "s3cr3t") {
		t.Errorf("got %+v", d)
	}
}

func TestNATSCancelledWhileConnecting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	port := fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
		cancel(errors.New("interrupted"))
		_, _ = io.Copy(io.Discard, c)
	})
	// Only the cancellation can end this within the time limit of the test.
	d := deliverOnce(t, ctx, NATSOptions{URLs: []string{"127.0.0.1:" + port}, ConnectTimeout: time.Hour})
	if d.Status != store.Failed || !strings.Contains(d.Error, "cancelled while connecting: interrupted") {
		t.Errorf("got %+v", d)
	}
}

func TestEnvelopeSubject(t *testing.T) {
	t.Parallel()
	tests := []struct {
		envelope         Envelope
		configured, want string
	}{
		{"", "", "kaizen.schedule.prepared"},
		{NoEnvelope, "kaizen.schedule.prepared", "kaizen.schedule.prepared"},
		{NoEnvelope, "a.b", "a.b"},
		{ActivityCore, "", "activity.kaizen.schedule.prepared"},
		{ActivityCore, "kaizen.schedule.prepared", "activity.kaizen.schedule.prepared"},
		{ActivityCore, "kaizen.schedule.received", "activity.kaizen.schedule.received"},
		{ActivityCore, "org.b", "org.b"},
	}
	for _, tt := range tests {
		n, err := NewNATS(NATSOptions{URLs: []string{"127.0.0.1"}, Envelope: tt.envelope, Subject: tt.configured})
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Subject(); got != tt.want {
			t.Errorf("%s, %q: got %s, want %s", tt.envelope, tt.configured, got, tt.want)
		}
	}
}

func TestHeaderValue(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"acme/web/kaizen.web.coach.2026-W48", "acme/web/kaizen.web.coach.2026-W48"},
		{"Euro € \"50%\"\r\nX: y", "Euro%20%E2%82%AC%20%2250%25%22%0D%0AX:%20y"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := headerValue(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// streamServer is a server with a stream. It answers a connection with answer(-1) and the n-th
// message with answer(n), in which it replaces @ by the subject of the answer; "close" ends the
// connection.
func streamServer(t *testing.T, answer func(n int) string) (address string) {
	t.Helper()
	var count atomic.Int64
	return "127.0.0.1:" + fakeNATS(t, "127.0.0.1:0", func(c net.Conn) {
		if answer(-1) == "close" {
			return
		}
		_, _ = io.WriteString(c, plainInfo)
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			words := strings.Fields(lines.Text())
			switch {
			case len(words) > 0 && words[0] == "PING":
				_, _ = io.WriteString(c, "PONG\r\n")
			case len(words) > 2 && (words[0] == "HPUB" || words[0] == "PUB"):
				text := answer(int(count.Add(1)) - 1)
				if text == "close" {
					return
				}
				_, _ = io.WriteString(c, strings.ReplaceAll(text, "@", words[2]))
			}
		}
	})
}

// reply is an answer with a body.
func reply(body string) string { return fmt.Sprintf("MSG @ 1 %d\r\n%s\r\n", len(body), body) }

const (
	stored       = `{"stream":"KAIZEN","seq":1}`
	storedBefore = `{"stream":"KAIZEN","seq":1,"duplicate":true}`
	inProcess    = `{"error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"}}`
	unavailable  = `{"error":{"err_code":10008,"description":"temporarily unavailable"}}`
	full         = `{"error":{"err_code":10077,"description":"maximum messages exceeded"}}`
	badDuplicate = `{"stream":"x","duplicate":"y"}`
	silence      = "HMSG @ 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
)

// Only the acknowledgement of a stream counts as delivered.
func TestNATSAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		answers []string // the last one also for all further messages
		status  store.Status
		want    string
	}{
		{"stored", []string{reply(stored)}, store.Delivered, ""},
		{"stored before", []string{reply(storedBefore)}, store.Duplicate, ""},
		{"silent at first", []string{"", reply(storedBefore)}, store.Duplicate, ""},
		{"lost at first", []string{"close", reply(storedBefore)}, store.Duplicate, ""},
		{"without a leader at first", []string{silence, silence, reply(stored)}, store.Delivered, ""},
		{"without a leader for long", []string{silence, silence, silence, reply(`{"streams":["KAIZEN"]}`),
			reply(stored)},
			store.Delivered, ""},
		{"without any leader", []string{silence, silence, silence, reply(unavailable), reply(stored)},
			store.Delivered, ""},
		{"without a stream", []string{silence, silence, silence, reply(`{"streams":[]}`), reply(`{}`)},
			store.Failed, "no stream captures"},
		{"without JetStream", []string{silence}, store.Failed, "no JetStream"},
		{"still in process", []string{reply(inProcess), reply(inProcess), reply(storedBefore)}, store.Duplicate, ""},
		{"empty", []string{reply("")}, store.Failed, "no acknowledgement of a stream"},
		{"text", []string{reply("OK")}, store.Failed, "no acknowledgement of a stream"},
		{"null", []string{reply("null")}, store.Failed, "no acknowledgement of a stream"},
		{"empty object", []string{reply("{}")}, store.Failed, "no acknowledgement of a stream"},
		{"no stream's name", []string{reply(`{"seq":1}`)}, store.Failed, "no acknowledgement of a stream"},
		{"another type", []string{reply(`{"stream":1}`)}, store.Failed, "no acknowledgement of a stream"},
		{"another type of duplicate", []string{reply(badDuplicate)}, store.Failed, "no acknowledgement of a stream"},
		{"error without a code", []string{reply(`{"stream":"x","error":{}}`)}, store.Failed,
			"the stream refused the event"},
		{"full", []string{reply(full)}, store.Failed, "maximum messages exceeded (error 10077)"},
		{"lost for good", []string{"close"}, store.Failed,
			"no acknowledgement within 2s, the connection was lost (EOF): run again"},
		{"silent for good", []string{""}, store.Failed, "no acknowledgement within 2s: run again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			address := streamServer(t, func(n int) string {
				if n < 0 {
					return "welcome"
				}
				return tt.answers[min(n, len(tt.answers)-1)]
			})
			d := deliverOnce(t, t.Context(), NATSOptions{URLs: []string{address}, PublishTimeout: 2 * time.Second})
			if d.Status != tt.status || !strings.Contains(d.Error, tt.want) {
				t.Errorf("got %+v, want %s with %q", d, tt.status, tt.want)
			}
		})
	}
}

// Check finds the stream of the subject, and one that acknowledges nothing.
func TestNATSCheck(t *testing.T) {
	t.Parallel()
	const names, info = `{"streams":["KAIZEN"]}`, `{"config":{"name":"KAIZEN","no_ack":%t}}`
	for _, tt := range []struct {
		name    string
		answers []string
		want    string // in the error, "" for none
	}{
		{"acknowledges", []string{reply(names), reply(fmt.Sprintf(info, false))}, ""},
		{"silent", []string{reply(names), reply(fmt.Sprintf(info, true))}, `the stream "KAIZEN" has no_ack: true`},
		{"none", []string{reply(`{"streams":[]}`), reply(`{}`)}, "no stream captures"},
		{"gone meanwhile", []string{reply(names),
			reply(`{"error":{"code":404,"err_code":10059,"description":"stream not found"}}`), reply(`{}`)},
			"no stream captures"},
	} {
		address := streamServer(t, func(n int) string {
			if n < 0 {
				return "welcome"
			}
			return tt.answers[min(n, len(tt.answers)-1)]
		})
		n, err := NewNATS(NATSOptions{URLs: []string{address}, PublishTimeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		err = n.Check(t.Context())
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) ||
			errors.Is(err, ErrUnreachable) || errors.Is(err, ErrStreamUnknown) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A server that is down for two deliveries takes the next one.
func TestNATSServerAwayForADelivery(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	address := streamServer(t, func(int) string {
		if away.Load() {
			return "close"
		}
		return reply(stored)
	})
	n, err := NewNATS(NATSOptions{URLs: []string{address}, PublishTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	for i, want := range []store.Status{store.Delivered, store.Failed, store.Failed, store.Delivered} {
		away.Store(want == store.Failed)
		if got := n.Deliver(t.Context(), testMessage(t)); got[0].Status != want {
			t.Errorf("delivery %d: got %+v, want %s", i, got, want)
		}
	}
}
