// Package nats_test tests the NATS sink against a real, embedded server with JetStream.
// It is in a separate module, so that the server and the CloudEvents SDK are no
// dependencies of the action.
package nats_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// message is the contract's example on its way out.
func message(t *testing.T) emit.Message {
	t.Helper()
	data, err := os.ReadFile("../../testdata/conformance/valid/contract-example.json")
	if err != nil {
		t.Fatal(err)
	}
	e, err := event.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	line, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const id = "acme/kaizen-agentic/kaizen.kaizen-agentic.coach.2026-W25"
	return emit.Message{ID: id, Agent: "coach", Event: e, JSON: line}
}

// start runs a server with JetStream on a free port, or on that of o.
func start(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	if o.StoreDir == "" {
		o.StoreDir = t.TempDir()
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(s) })
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	return s
}

func stop(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func jetStream() *server.Options { return &server.Options{JetStream: true} }

// admin is a connection beside the one under test.
func admin(t *testing.T, s *server.Server, options ...nats.Option) (jetstream.JetStream, *nats.Conn) {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js, conn
}

// addStream makes a stream for the event.
func addStream(t *testing.T, js jetstream.JetStream, change func(*jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	config := jetstream.StreamConfig{Name: "KAIZEN", Subjects: []string{"kaizen.>"}}
	if change != nil {
		change(&config)
	}
	stream, err := js.CreateStream(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// stored is how many messages the stream holds.
func stored(t *testing.T, stream jetstream.Stream) uint64 {
	t.Helper()
	info, err := stream.Info(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return info.State.Msgs
}

// sink makes the sink under test and closes it at the end.
func sink(t *testing.T, o emit.NATSOptions) *emit.NATS {
	t.Helper()
	n, err := emit.NewNATS(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// authority signs the certificates of one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for 127.0.0.1, or whatever change makes of it, and its key,
// as PEM.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) (cert, key string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	private := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER)
}

// options are a JetStream server's with a certificate of a; mutual asks clients for one,
// too.
func (a *authority) options(t *testing.T, mutual bool, change func(*x509.Certificate)) *server.Options {
	t.Helper()
	cert, key := a.issue(t, change)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	o := jetStream()
	o.TLS, o.TLSTimeout = true, 5
	o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: a.pool()}
	if mutual {
		o.TLSVerify = true
		o.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return o
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// newNKey makes a key pair's seed and public key.
func newNKey(t *testing.T, prefix nkeys.PrefixByte) (pair nkeys.KeyPair, seed, public string) {
	t.Helper()
	pair, err := nkeys.CreatePair(prefix)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	public, err = pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return pair, string(raw), public
}

// operatorMode returns the options of a server with an operator, a system account and an
// account with JetStream, and the credentials of a user of that account.
func operatorMode(t *testing.T) (o *server.Options, creds string) {
	t.Helper()
	operator, _, operatorKey := newNKey(t, nkeys.PrefixByteOperator)
	account, _, accountKey := newNKey(t, nkeys.PrefixByteAccount)
	_, _, systemKey := newNKey(t, nkeys.PrefixByteAccount)
	_, userSeed, userKey := newNKey(t, nkeys.PrefixByteUser)

	operatorClaims := jwt.NewOperatorClaims(operatorKey)
	operatorClaims.SystemAccount = systemKey
	accountClaims := jwt.NewAccountClaims(accountKey)
	accountClaims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1,
	}
	resolver := &server.MemAccResolver{}
	for key, claims := range map[string]jwt.Claims{accountKey: accountClaims,
		systemKey: jwt.NewAccountClaims(systemKey)} {
		if err := resolver.Store(key, encode(t, claims, operator)); err != nil {
			t.Fatal(err)
		}
	}
	file, err := jwt.FormatUserConfig(encode(t, jwt.NewUserClaims(userKey), account), []byte(userSeed))
	if err != nil {
		t.Fatal(err)
	}
	o = jetStream()
	o.TrustedOperators, o.SystemAccount, o.AccountResolver = []*jwt.OperatorClaims{operatorClaims}, systemKey, resolver
	return o, string(file)
}

func encode(t *testing.T, claims jwt.Claims, by nkeys.KeyPair) string {
	t.Helper()
	token, err := claims.Encode(by)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// writeTemp is for the library's admin connection, which wants paths.
func writeTemp(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
