// Package nats_test tests the NATS sink against a real, embedded server with JetStream.
// It is in a separate module, so that the action does not depend on the server and the
// CloudEvents SDK.
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
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// message returns the contract's example as a message to deliver.
func message(t *testing.T) emit.Message {
	t.Helper()
	data, err := os.ReadFile("../../testdata/conformance/valid/contract-example.json")
	fixture.Must(t, err)
	e, err := event.Parse(data)
	fixture.Must(t, err)
	line, err := e.Marshal()
	fixture.Must(t, err)
	const id = "acme/kaizen-agentic/kaizen.kaizen-agentic.coach.2026-W25"
	return emit.Message{ID: id, Type: e.Event, Agent: "coach", OccurredAt: e.OccurredAt, JSON: line}
}

// start starts a server with the options, on a free port unless o has one.
func start(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.NoLog, o.NoSigs = "127.0.0.1", true, true
	if o.Port == 0 {
		o.Port = -1
	}
	if o.StoreDir == "" {
		o.StoreDir = fixture.TempDir(t)
	}
	s, err := server.NewServer(o)
	fixture.Must(t, err)
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

// admin returns a connection of the test itself, to set up streams.
func admin(t testing.TB, s *server.Server, options ...nats.Option) (jetstream.JetStream, *nats.Conn) {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL(), options...)
	fixture.Must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	fixture.Must(t, err)
	return js, conn
}

// addStream creates a stream for the event.
func addStream(t *testing.T, js jetstream.JetStream, change func(*jetstream.StreamConfig)) jetstream.Stream {
	t.Helper()
	config := jetstream.StreamConfig{Name: "KAIZEN", Subjects: []string{"kaizen.>"}}
	if change != nil {
		change(&config)
	}
	stream, err := js.CreateStream(t.Context(), config)
	fixture.Must(t, err)
	return stream
}

// stored returns the number of messages in the stream.
func stored(t *testing.T, stream jetstream.Stream) uint64 {
	t.Helper()
	info, err := stream.Info(context.Background())
	fixture.Must(t, err)
	return info.State.Msgs
}

// sink returns the sink under test, which is closed at the end of the test.
func sink(t *testing.T, o emit.NATSOptions) *emit.NATS {
	t.Helper()
	n, err := emit.NewNATS(o)
	fixture.Must(t, err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// authority signs the certificates of a test.
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
	fixture.Must(t, err)
	cert, err := x509.ParseCertificate(der)
	fixture.Must(t, err)
	return &authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fixture.Must(t, err)
	return key
}

// issue returns a certificate for 127.0.0.1 and its key, as PEM. Change may change the
// certificate before it is signed.
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
	private, key := fixture.CanaryKey(t, rand.Text())
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	fixture.Must(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}

// options returns the options of a server with a certificate from a. With mutual, clients
// need a certificate, too.
func (a *authority) options(t *testing.T, mutual bool, change func(*x509.Certificate)) *server.Options {
	t.Helper()
	cert, key := a.issue(t, change)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	fixture.Must(t, err)
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

// newNKey returns a new key pair, its seed and its public key. A user's seed is a canary.
func newNKey(t *testing.T, prefix nkeys.PrefixByte) (pair nkeys.KeyPair, seed, public string) {
	t.Helper()
	if prefix == nkeys.PrefixByteUser {
		seed, public = fixture.CanarySeed(t, rand.Text())
		pair, err := nkeys.FromSeed([]byte(seed))
		fixture.Must(t, err)
		return pair, seed, public
	}
	pair, err := nkeys.CreatePair(prefix)
	fixture.Must(t, err)
	raw, err := pair.Seed()
	fixture.Must(t, err)
	public, err = pair.PublicKey()
	fixture.Must(t, err)
	return pair, string(raw), public
}

// operatorMode returns the options of a server with an operator, a system account and an
// account with JetStream. Creds has the credentials of a user of that account.
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
		fixture.Must(t, resolver.Store(key, encode(t, claims, operator)))
	}
	userClaims := jwt.NewUserClaims(userKey)
	userClaims.Name = fixture.Canary("", "claims")
	file, err := jwt.FormatUserConfig(encode(t, userClaims, account), []byte(userSeed))
	fixture.Must(t, err)
	o = jetStream()
	o.TrustedOperators, o.SystemAccount, o.AccountResolver = []*jwt.OperatorClaims{operatorClaims}, systemKey, resolver
	return o, string(file)
}

func encode(t *testing.T, claims jwt.Claims, by nkeys.KeyPair) string {
	t.Helper()
	token, err := claims.Encode(by)
	fixture.Must(t, err)
	return token
}

// writeTemp writes text into a file, because the library needs paths.
func writeTemp(t *testing.T, text string) string {
	t.Helper()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{"pem": text})
	return filepath.Join(dir, "pem")
}
