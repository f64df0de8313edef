package nats_test

import (
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	cenats "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

const subject = "kaizen.schedule.prepared"

func TestTenDeliveriesAreStoredOnce(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	stream := addStream(t, js, nil)
	n := sink(t, emit.NATSOptions{URLs: []string{s.ClientURL()}})
	for i := range 10 {
		want := store.Delivery{Channel: "nats", Target: subject, Status: store.Duplicate}
		if i == 0 {
			want.Status = store.Delivered
		}
		if i == 5 {
			n = sink(t, emit.NATSOptions{URLs: []string{s.ClientURL()}}) // another run
		}
		got := n.Deliver(t.Context(), message(t))
		if len(got) == 1 {
			want.Servers = got[0].Servers
		}
		if len(got) != 1 || got[0] != want || want.Servers == "" {
			t.Errorf("delivery %d: got %+v, want %+v", i, got, want)
		}
	}
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored", got)
	}
}

// TestServerRestart checks that a sink still delivers after a restart of the server, and
// that the stream keeps its messages.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	o := jetStream()
	o.StoreDir = fixture.TempDir(t)
	s := start(t, o)
	js, _ := admin(t, s)
	addStream(t, js, nil)
	n := sink(t, emit.NATSOptions{URLs: []string{s.ClientURL()}, PublishTimeout: 4 * time.Second})
	if got := n.Deliver(t.Context(), message(t)); got[0].Status != store.Delivered {
		t.Fatalf("got %+v", got)
	}
	port := s.Addr().(*net.TCPAddr).Port
	again := func() *server.Server {
		return start(t, &server.Options{JetStream: true, StoreDir: o.StoreDir, Port: port})
	}
	stop(s)
	s = again()
	if got := n.Deliver(t.Context(), message(t)); got[0].Status != store.Duplicate {
		t.Errorf("got %+v, want a duplicate", got)
	}
	stop(s)
	result := make(chan []store.Delivery)
	go func() { result <- n.Deliver(t.Context(), message(t)) }() // while the server is down
	s = again()
	if got := <-result; got[0].Status != store.Duplicate {
		t.Errorf("got %+v, want a duplicate", got)
	}
	js, _ = admin(t, s)
	stream, err := js.Stream(t.Context(), "KAIZEN")
	fixture.Must(t, err)
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored", got)
	}
}

// TestServerRestartsWithoutTheUser checks that a delivery fails at once if the server no
// longer knows the user after a restart.
func TestServerRestartsWithoutTheUser(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	addStream(t, js, nil)
	n := sink(t, emit.NATSOptions{URLs: []string{s.ClientURL()}})
	if got := n.Deliver(t.Context(), message(t)); got[0].Status != store.Delivered {
		t.Fatalf("got %+v", got)
	}
	port := s.Addr().(*net.TCPAddr).Port
	stop(s)
	start(t, &server.Options{Authorization: "KZCANARY7s3cr3t", Port: port})
	const want = "unauthorised: the server refused an anonymous connection"
	got := n.Deliver(t.Context(), message(t))[0]
	if got.Status != store.Failed || !strings.Contains(got.Error, want) {
		t.Errorf("got %+v", got)
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	token := jetStream()
	token.Authorization = "KZCANARY7s3cr3t"
	user := jetStream()
	user.Username, user.Password = "kaizen", "KZCANARY7s3cr3t"
	pair, seed, public := newNKey(t, nkeys.PrefixByteUser)
	_, otherSeed, _ := newNKey(t, nkeys.PrefixByteUser)
	nkey := jetStream()
	nkey.Nkeys = []*server.NkeyUser{{Nkey: public}}
	operator, creds := operatorMode(t)
	_, otherCreds := operatorMode(t)
	tests := []authTest{
		{"token", token, nats.Token("KZCANARY7s3cr3t"), emit.NATSOptions{Token: "KZCANARY7s3cr3t"},
			emit.NATSOptions{Token: "KZCANARY7wr0ng"}, "refused nats-token"},
		{"user", user, nats.UserInfo("kaizen", "KZCANARY7s3cr3t"),
			emit.NATSOptions{User: "kaizen", Password: "KZCANARY7s3cr3t"},
			emit.NATSOptions{User: "kaizen", Password: "KZCANARY7wr0ng"}, "refused nats-user and nats-password"},
		{"nkey", nkey, nats.Nkey(public, pair.Sign), emit.NATSOptions{NKey: "\n" + seed + "\n"},
			emit.NATSOptions{NKey: otherSeed}, "refused nats-nkey"},
		{"creds", operator, nats.UserCredentialBytes([]byte(creds)), emit.NATSOptions{Creds: creds},
			emit.NATSOptions{Creds: otherCreds}, "refused nats-creds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, "KZCANARY7wr0ng", otherSeed, "eyJ")
		})
	}
}

// authTest is one way to authenticate: a server, an administrator, and options with good
// and with bad credentials.
type authTest struct {
	name    string
	server  *server.Options
	admin   nats.Option
	good    emit.NATSOptions
	bad     emit.NATSOptions
	refused string // part of the error for bad credentials
}

// run delivers with good, bad and no credentials. No error may contain a secret.
func (tt authTest) run(t *testing.T, secrets ...string) {
	t.Helper()
	s := start(t, tt.server)
	js, _ := admin(t, s, tt.admin)
	stream := addStream(t, js, nil)
	for _, try := range []struct {
		o      emit.NATSOptions
		status store.Status
		want   string
	}{
		{tt.good, store.Delivered, ""},
		{tt.bad, store.Failed, tt.refused},
		{emit.NATSOptions{}, store.Failed, "refused an anonymous connection"},
	} {
		try.o.URLs = []string{s.ClientURL()}
		got := sink(t, try.o).Deliver(t.Context(), message(t))[0]
		if got.Status != try.status || !strings.Contains(got.Error, try.want) {
			t.Errorf("got %+v, want %s with %q", got, try.status, try.want)
		}
		for _, secret := range secrets {
			if strings.Contains(got.Error, secret) {
				t.Errorf("the error %q has a secret", got.Error)
			}
		}
	}
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored", got)
	}
}

// handshakeFirst makes a server wait for the TLS handshake before it sends its greeting.
// It waits for the given time, or forever if that is 0.
func handshakeFirst(o *server.Options, wait time.Duration) *server.Options {
	o.TLSHandshakeFirst, o.TLSHandshakeFirstFallback = true, wait
	return o
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	cert, key := ca.issue(t, nil)
	otherCert, otherKey := other.issue(t, nil)
	plain := start(t, ca.options(t, false, nil))
	mutual := start(t, ca.options(t, true, nil))
	first := start(t, handshakeFirst(ca.options(t, false, nil), 0))
	firstMutual := start(t, handshakeFirst(ca.options(t, true, nil), 0))
	fallback := start(t, handshakeFirst(ca.options(t, false, nil), 50*time.Millisecond))
	expired := start(t, ca.options(t, false, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
	otherName := start(t, ca.options(t, false, renamed))
	clear := start(t, jetStream())
	clientCert := nats.ClientCert(writeTemp(t, cert), writeTemp(t, key))
	for _, s := range []*server.Server{plain, mutual, first, firstMutual, fallback} {
		options := []nats.Option{nats.RootCAs(writeTemp(t, ca.pem)), clientCert}
		if s == first || s == firstMutual {
			options = append(options, nats.TLSHandshakeFirst())
		}
		js, _ := admin(t, s, options...)
		addStream(t, js, nil)
	}
	tests := []deliveryTest{
		{"TLS", plain, emit.NATSOptions{CA: ca.pem}, ""},
		{"mutual TLS", mutual, emit.NATSOptions{CA: ca.pem, Cert: cert, Key: key}, ""},
		{"handshake first", first, emit.NATSOptions{CA: ca.pem}, ""},
		{"handshake first, mutual TLS", firstMutual, emit.NATSOptions{CA: ca.pem, Cert: cert, Key: key}, ""},
		{"handshake first, with fallback", fallback, emit.NATSOptions{CA: ca.pem}, ""},
		{"handshake first, unknown authority", first, emit.NATSOptions{}, "set nats-ca"},
		{"handshake first, no client certificate", firstMutual, emit.NATSOptions{CA: ca.pem},
			"set nats-cert and nats-key"},
		{"unknown authority", plain, emit.NATSOptions{},
			"TLS refused: the server's certificate is signed by an unknown authority: set nats-ca"},
		{"another authority", plain, emit.NATSOptions{CA: other.pem}, "unknown authority"},
		{"expired", expired, emit.NATSOptions{CA: ca.pem}, "renew the server's certificate"},
		{"another name", otherName, emit.NATSOptions{CA: ca.pem}, "a name in nats-url that the certificate is for"},
		{"no client certificate", mutual, emit.NATSOptions{CA: ca.pem}, "set nats-cert and nats-key"},
		{"another authority's client", mutual, emit.NATSOptions{CA: ca.pem, Cert: otherCert, Key: otherKey},
			"set nats-cert and nats-key"},
		{"server without TLS", clear, emit.NATSOptions{CA: ca.pem, Token: "KZCANARY7s3cr3t"},
			"the server offers no TLS"},
	}
	for _, tt := range tests {
		for _, scheme := range []string{"tls://", "nats://"} {
			t.Run(tt.name+" "+scheme, func(t *testing.T) {
				t.Parallel()
				tt.o.URLs = []string{scheme + tt.server.Addr().String()}
				tt.deliver(t, sink(t, tt.o))
			})
		}
	}
}

// renamed makes a certificate valid for another name only.
func renamed(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"nats.example"} }

// deliveryTest is a delivery to a server.
type deliveryTest struct {
	name   string
	server *server.Server
	o      emit.NATSOptions
	want   string // part of the error; "" if the message is delivered
}

func (tt deliveryTest) deliver(t *testing.T, n *emit.NATS) {
	t.Helper()
	got := n.Deliver(t.Context(), message(t))[0]
	ok := got.Status.OK()
	if tt.want != "" {
		ok = got.Status == store.Failed
	}
	if !ok || !strings.Contains(got.Error, tt.want) {
		t.Errorf("got %+v, want %q", got, tt.want)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	none := start(t, &server.Options{})
	_, conn := admin(t, none)
	_, err := conn.Subscribe("listening", func(*nats.Msg) {})
	fixture.Must(t, err)
	fixture.Must(t, conn.Flush())
	small := jetStream()
	small.MaxPayload = 300
	limited, denied := limitedServer(t), deniedServer(t)
	tests := []deliveryTest{
		{"no stream", start(t, jetStream()), emit.NATSOptions{},
			`no stream captures the subject "kaizen.schedule.prepared": create one`},
		{"no JetStream", none, emit.NATSOptions{}, "no JetStream: it is not enabled on the server"},
		{"no JetStream in the account", withoutJetStream(t), emit.NATSOptions{User: "u", Password: "KZCANARY7s3cr3t"},
			"no JetStream: it is not enabled for this account"},
		{"too large for the server", start(t, small), emit.NATSOptions{},
			"too large: the server takes messages of at most 300 bytes"},
		{"too large for the stream", limited, emit.NATSOptions{}, "too large: the stream takes only smaller messages"},
		{"stream full", limited, emit.NATSOptions{Subject: "full"},
			"the stream refused the event: maximum messages exceeded"},
		{"may not publish", denied, emit.NATSOptions{User: "silent", Password: "KZCANARY7s3cr3t"},
			"unauthorised: Permissions Violation for Publish"},
		{"may publish other subjects", denied, emit.NATSOptions{User: "publisher", Password: "KZCANARY7s3cr3t"},
			"allow the user to publish to"},
		{"may not receive the answer", denied, emit.NATSOptions{User: "deaf", Password: "KZCANARY7s3cr3t"},
			"to subscribe to _INBOX.>"},
		{"no acknowledgement", none, emit.NATSOptions{Subject: "listening", PublishTimeout: 200 * time.Millisecond},
			"no acknowledgement within 200ms: run again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.o.URLs = []string{tt.server.ClientURL()}
			n := sink(t, tt.o)
			tt.deliver(t, n)
			tt.deliver(t, n) // the second agent gets the same result
		})
	}
}

// deniedServer starts a server whose users lack permissions.
func deniedServer(t *testing.T) *server.Server {
	t.Helper()
	o := jetStream()
	o.Users = []*server.User{
		{Username: "admin", Password: "admin"},
		{Username: "silent", Password: "KZCANARY7s3cr3t", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{">"}}}},
		{Username: "publisher", Password: "KZCANARY7s3cr3t", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{"other.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}},
		{Username: "deaf", Password: "KZCANARY7s3cr3t", Permissions: &server.Permissions{
			Subscribe: &server.SubjectPermission{Deny: []string{">"}}}},
	}
	s := start(t, o)
	js, _ := admin(t, s, nats.UserInfo("admin", "admin"))
	addStream(t, js, nil)
	return s
}

// limitedServer starts a server with a stream for small messages and with a full stream.
func limitedServer(t *testing.T) *server.Server {
	t.Helper()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	addStream(t, js, func(c *jetstream.StreamConfig) { c.Subjects, c.MaxMsgSize = []string{subject}, 100 })
	addStream(t, js, func(c *jetstream.StreamConfig) {
		c.Name, c.Subjects, c.MaxMsgs, c.Discard = "FULL", []string{"full"}, 1, jetstream.DiscardNew
	})
	_, err := js.Publish(t.Context(), "full", nil)
	fixture.Must(t, err)
	return s
}

// withoutJetStream starts a server with JetStream and a user whose account lacks it.
func withoutJetStream(t *testing.T) *server.Server {
	t.Helper()
	o := jetStream()
	account := server.NewAccount("PLAIN")
	o.Accounts = []*server.Account{account}
	o.Users = []*server.User{{Username: "u", Password: "KZCANARY7s3cr3t", Account: account}}
	return start(t, o)
}

func TestDryRunPublishesNothing(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	stream := addStream(t, js, nil)
	tests := []struct {
		name   string
		o      emit.NATSOptions
		status store.Status
		want   string
	}{
		{"stream", emit.NATSOptions{URLs: []string{s.ClientURL()}}, store.DryRun, ""},
		{"no stream", emit.NATSOptions{URLs: []string{s.ClientURL()}, Subject: "other"}, store.Failed,
			`no stream captures the subject "other"`},
		{"no JetStream", emit.NATSOptions{URLs: []string{start(t, &server.Options{}).ClientURL()}},
			store.Failed, "no JetStream"},
	}
	for _, tt := range tests {
		err := sink(t, tt.o).Check(t.Context())
		if (err == nil) != (tt.want == "") || errors.Is(err, emit.ErrUnreachable) ||
			err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Check says %v", tt.name, err)
		}
		tt.o.DryRun = true
		got := sink(t, tt.o).Deliver(t.Context(), message(t))[0]
		if got.Status != tt.status || !strings.Contains(got.Error, tt.want) {
			t.Errorf("%s: got %+v, want %s with %q", tt.name, got, tt.status, tt.want)
		}
	}
	if got := stored(t, stream); got != 0 {
		t.Errorf("%d messages stored", got)
	}
}

// TestUserWhoMayNotAskForStreams checks that permission to publish is enough to deliver.
func TestUserWhoMayNotAskForStreams(t *testing.T) {
	t.Parallel()
	o := jetStream()
	o.Users = []*server.User{
		{Username: "admin", Password: "admin"},
		{Username: "publisher", Password: "KZCANARY7s3cr3t", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{subject}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}},
	}
	s := start(t, o)
	js, _ := admin(t, s, nats.UserInfo("admin", "admin"))
	stream := addStream(t, js, nil)
	options := emit.NATSOptions{URLs: []string{s.ClientURL()}, User: "publisher", Password: "KZCANARY7s3cr3t"}
	err := sink(t, options).Check(t.Context())
	if !errors.Is(err, emit.ErrStreamUnknown) || !strings.Contains(err.Error(), "$JS.API.STREAM.NAMES") {
		t.Errorf("Check says %v", err)
	}
	dry := options
	dry.DryRun = true
	if got := sink(t, dry).Deliver(t.Context(), message(t))[0]; got.Status != store.DryRun {
		t.Errorf("got %+v", got)
	}
	if got := sink(t, options).Deliver(t.Context(), message(t))[0]; got.Status != store.Delivered {
		t.Errorf("got %+v", got)
	}
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored", got)
	}
}

// TestStreamWithoutAcknowledgements checks that a stream with no_ack is named, where a
// delivery waits in vain and where nothing is published.
func TestStreamWithoutAcknowledgements(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	stream := addStream(t, js, func(c *jetstream.StreamConfig) { c.NoAck = true })
	options := emit.NATSOptions{URLs: []string{s.ClientURL()}, PublishTimeout: 500 * time.Millisecond}
	const want = `the stream "KAIZEN" has no_ack: true, so it acknowledges no message: set no_ack to false on it`
	err := sink(t, options).Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, emit.ErrUnreachable) {
		t.Errorf("Check says %v", err)
	}
	if got := stored(t, stream); got != 0 {
		t.Errorf("%d messages stored before the delivery", got)
	}
	got := sink(t, options).Deliver(t.Context(), message(t))[0]
	if got.Status != store.Failed || !strings.Contains(got.Error, want) {
		t.Errorf("got %+v", got)
	}
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored", got)
	}
}

// TestUserWhoMayNotDescribeTheStream checks that doctor cannot decide about no_ack without
// the permission.
func TestUserWhoMayNotDescribeTheStream(t *testing.T) {
	t.Parallel()
	o := jetStream()
	o.Users = []*server.User{
		{Username: "admin", Password: "admin"},
		{Username: "publisher", Password: "KZCANARY7s3cr3t", Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{subject, "$JS.API.STREAM.NAMES"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}},
	}
	s := start(t, o)
	js, _ := admin(t, s, nats.UserInfo("admin", "admin"))
	addStream(t, js, nil)
	options := emit.NATSOptions{URLs: []string{s.ClientURL()}, User: "publisher", Password: "KZCANARY7s3cr3t"}
	err := sink(t, options).Check(t.Context())
	if !errors.Is(err, emit.ErrStreamUnknown) || !strings.Contains(err.Error(), "$JS.API.STREAM.INFO.KAIZEN") {
		t.Errorf("Check says %v", err)
	}
	dry := options
	dry.DryRun = true
	if got := sink(t, dry).Deliver(t.Context(), message(t))[0]; got.Status != store.DryRun {
		t.Errorf("got %+v", got)
	}
}

// TestURLList checks that the first server of a list may be unreachable.
func TestURLList(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	// The client's end of a connection is an address on which no server listens, and
	// which no other test can get.
	taken, err := net.Dial("tcp", s.Addr().String())
	fixture.Must(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	address := "nats://" + taken.LocalAddr().String()
	js, _ := admin(t, s)
	addStream(t, js, nil)
	for _, list := range []string{address + ", " + s.ClientURL(), address + "\n" + s.ClientURL() + "\n"} {
		if got := sink(t, emit.NATSOptions{URLs: []string{list}}).Deliver(t.Context(),
			message(t))[0]; !got.Status.OK() {
			t.Errorf("got %+v", got)
		}
	}
}

// TestCloudEventsSDKReadsTheEvent checks that the CloudEvents SDK reads the message as an
// event whose data is exactly the payload.
func TestCloudEventsSDKReadsTheEvent(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, conn := admin(t, s)
	addStream(t, js, nil)
	received, err := conn.SubscribeSync(subject)
	fixture.Must(t, err)
	fixture.Must(t, conn.Flush())
	m := message(t)
	o := emit.NATSOptions{URLs: []string{s.ClientURL()}, Source: "https://github.com/acme/kaizen-agentic"}
	if got := sink(t, o).Deliver(t.Context(), m)[0]; got.Status != store.Delivered {
		t.Fatalf("got %+v", got)
	}
	msg, err := received.NextMsg(5 * time.Second)
	fixture.Must(t, err)
	e, err := binding.ToEvent(t.Context(), cenats.NewMessage(msg))
	fixture.Must(t, err)
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	for _, attribute := range []struct{ name, got, want string }{
		{"specversion", e.SpecVersion(), "1.0"},
		{"id", e.ID(), m.ID},
		{"source", e.Source(), "https://github.com/acme/kaizen-agentic"},
		{"type", e.Type(), subject},
		{"subject", e.Subject(), "coach"},
		{"time", e.Time().UTC().Format(time.RFC3339), "2026-06-17T09:00:12Z"},
		{"datacontenttype", e.DataContentType(), "application/json"},
		{"data", string(e.Data()), string(m.JSON)},
		{"Nats-Msg-Id", msg.Header.Get("Nats-Msg-Id"), m.ID},
	} {
		if attribute.got != attribute.want {
			t.Errorf("%s is %q, want %q", attribute.name, attribute.got, attribute.want)
		}
	}
	if len(e.Extensions()) > 0 {
		t.Errorf("extensions %v, want none", e.Extensions())
	}
}
