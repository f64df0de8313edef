package transfer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// rawServer starts a server that answers every connection with these bytes and closes it.
func rawServer(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	fixture.Must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Read(make([]byte, 4096))
			io.WriteString(conn, answer)
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// tlsServer starts a TLS server whose certificate was made age ago. The transport trusts
// it.
func tlsServer(t *testing.T, age time.Duration, change func(server, client *tls.Config)) (string, *http.Transport) {
	t.Helper()
	cert, pool := fixture.Certificate(t, time.Now().Add(-age))
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	client := &tls.Config{RootCAs: pool}
	if change != nil {
		change(server, client)
	}
	transport := transfer.NewTransport()
	transport.TLSClientConfig = client
	return fixture.TLSServer(t, server).Listener.Addr().String(), transport
}

// proxied returns a transport that uses the proxy at host.
func proxied(host string) *http.Transport {
	t := transfer.NewTransport()
	t.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: host, User: url.UserPassword("user", "KZCANARY7hunter2")})
	return t
}

// plainHost starts a server that speaks HTTP without TLS, and returns its address.
func plainHost(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// closedHost returns an address on which no server listens.
func closedHost(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(nil)
	server.Close()
	return server.Listener.Addr().String()
}

var brokenServers = []struct {
	name    string
	start   func(t *testing.T) (host string, transport *http.Transport)
	message string // HOST is replaced by the server's address
	hint    string
	again   bool
}{
	{"plain HTTP", func(t *testing.T) (string, *http.Transport) {
		return plainHost(t), transfer.NewTransport()
	}, "the server at HOST does not speak TLS", "check the address and port", false},
	{"another protocol", func(t *testing.T) (string, *http.Transport) {
		return rawServer(t, "SSH-2.0-OpenSSH_9.9\r\n"), transfer.NewTransport()
	}, "the server at HOST does not speak TLS", "check the address and port", false},
	{"refused by an alert", func(t *testing.T) (string, *http.Transport) {
		return rawServer(t, "\x15\x03\x03\x00\x02\x02\x28"), transfer.NewTransport()
	}, "the server at HOST refuses the TLS connection: remote error: tls: handshake failure",
		"check the address and port, and which TLS", true},
	{"old TLS", func(t *testing.T) (string, *http.Transport) {
		return tlsServer(t, 0, func(server, _ *tls.Config) {
			server.MinVersion, server.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		})
	}, "the server at HOST refuses the TLS connection: remote error: tls: protocol version not supported",
		"which TLS versions", true},
	{"unknown authority", func(t *testing.T) (string, *http.Transport) {
		return tlsServer(t, 0, func(_, client *tls.Config) { client.RootCAs = x509.NewCertPool() })
	}, "the server's certificate is not accepted: x509: certificate signed by unknown authority", "SSL_CERT_FILE",
		false},
	{"expired", func(t *testing.T) (string, *http.Transport) { return tlsServer(t, 48*time.Hour, nil) },
		"the server's certificate is not accepted: x509: certificate has expired", "renew the certificate", false},
	{"another name", func(t *testing.T) (string, *http.Transport) {
		return tlsServer(t, 0, func(_, client *tls.Config) { client.ServerName = "example.com" })
	}, "the server's certificate is not accepted: x509: ", "an address that the certificate is for", false},
	{"proxy without credentials", func(t *testing.T) (string, *http.Transport) {
		return "example.invalid:443", proxied(rawServer(t, "HTTP/1.1 407 Say Please\r\nContent-Length: 0\r\n\r\n"))
	}, "asks for a user name and password", "HTTPS_PROXY", false},
	{"proxy forbids", func(t *testing.T) (string, *http.Transport) {
		return "example.invalid:443", proxied(rawServer(t, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
	}, "refuses the connection with status 403", "NO_PROXY", false},
	{"proxy fails", func(t *testing.T) (string, *http.Transport) {
		return "example.invalid:443", proxied(rawServer(t, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
	}, "refuses the connection with status 502", "NO_PROXY", true},
	{"no proxy there", func(t *testing.T) (string, *http.Transport) {
		return "example.invalid:443", proxied(closedHost(t))
	}, "the proxy cannot be reached: ", "HTTPS_PROXY", true},
	{"nothing listens", func(t *testing.T) (string, *http.Transport) {
		return closedHost(t), transfer.NewTransport()
	}, "no answer: dial tcp HOST: connect: connection refused", "run again later", true},
	{"closes the connection",
		func(t *testing.T) (string, *http.Transport) { return rawServer(t, ""), transfer.NewTransport() },
		"no answer: ", "run again later", true},
}

// TestBrokenServers sends requests to real servers, with a bare transport and with an
// http.Client, because the two return different errors.
func TestBrokenServers(t *testing.T) {
	t.Parallel()
	for _, tt := range brokenServers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			host, transport := tt.start(t)
			t.Cleanup(transport.CloseIdleConnections)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/?sig=KZCANARY7", nil)
			fixture.Must(t, err)
			_, bare := transfer.Send(transport, req, 100)
			_, client := (&http.Client{Transport: transport}).Do(req)
			if !transfer.NoAnswer(bare, host, time.Second).Undone {
				t.Errorf("%v: the server may have acted on the request", bare)
			}
			for _, err := range []error{bare, client} {
				if err == nil {
					t.Fatal("no error")
				}
				f := transfer.NoAnswer(err, host, time.Second)
				message, hint := advice.Split(f.Err)
				if want := strings.ReplaceAll(tt.message, "HOST", host); !strings.Contains(message, want) {
					t.Errorf("%v: message %q, want %q in it", err, message, want)
				}
				if !strings.Contains(hint, tt.hint) || f.Again != tt.again {
					t.Errorf("%v: hint %q, again %t; want %q, %t", err, hint, f.Again, tt.hint, tt.again)
				}
				if text := f.Err.Error(); fixture.CanaryIn("stream", []byte(text)) != "" {
					t.Errorf("the error holds a secret: %s", text)
				}
			}
		})
	}
}

// long is one byte longer than the limit of TestSend.
var long = strings.Repeat("x", 101)

var answers = []struct {
	name    string
	handler func(w http.ResponseWriter)
	want    string // the body, or the error
}{
	{"within the limit", func(w http.ResponseWriter) { io.WriteString(w, long[1:]) }, long[1:]},
	{"over it, announced", func(w http.ResponseWriter) { io.WriteString(w, long) },
		"the answer has at least 101 bytes, the limit is 100"},
	{"over it, unannounced", func(w http.ResponseWriter) {
		http.NewResponseController(w).Flush()
		io.WriteString(w, long+long)
	}, "the answer has at least 101 bytes, the limit is 100"},
	{"a long refusal", func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, long)
	}, long},
	{"a redirect", func(w http.ResponseWriter) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusFound)
	}, ""},
	{"cut", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "50")
		io.WriteString(w, "x")
	}, "the answer ended early: unexpected EOF: run again later"},
}

func TestSend(t *testing.T) {
	t.Parallel()
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					t.Errorf("a request for %s", r.URL.Path)
				}
				tt.handler(w)
			}))
			t.Cleanup(server.Close)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/", nil)
			fixture.Must(t, err)
			answer, err := transfer.Send(http.DefaultTransport, req, 100)
			got := ""
			if err != nil {
				f := transfer.NoAnswer(err, "", time.Second)
				if got = f.Err.Error(); f.Undone {
					t.Error("the server has the request")
				}
			} else if got = string(answer.Data); answer.ContentLength != int64(len(got)) {
				t.Errorf("content length %d", answer.ContentLength)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	f := transfer.NoAnswer(&url.Error{Op: "Get", URL: "https://h/?sig=KZCANARY7", Err: context.DeadlineExceeded}, "h",
		time.Minute)
	if want := "no complete answer within 1m0s: run again later"; f.Err.Error() != want || !f.Again {
		t.Errorf("got %v, %t", f.Err, f.Again)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"plain", `"plain"`},
		{"two\nlines \x1b[31m", `"two lines [31m"`},
		{"right\u202eto left", `"rightto left"`},
		{"token s3\u200bcret", `"token ***"`},
		{"token s3cret and s3cret", `"token *** and ***"`},
		{"https://h/x?SIG=abc%2f&a=b sig='x'", `"https://h/x?sig=***&a=b sig=***'x'"`},
		{strings.Repeat("ü", 201), `"` + strings.Repeat("ü", 200) + `…"`},
		{strings.Repeat("x", 195) + "s3cret", `"` + strings.Repeat("x", 195) + `***"`},
		{"bad \xff", `"bad �"`},
	} {
		if got := transfer.Quote(tt.text, "", "s3cret"); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.text, got, tt.want)
		}
	}
	for text, want := range map[string]string{"plain s3cret": "plain ***", "a\nb": "a b", `a "b"`: `"a \"b\""`} {
		err := fmt.Errorf("wrapped: %w", &url.Error{Op: "Get", URL: "https://h/?sig=x", Err: fmt.Errorf("%s", text)})
		if got := transfer.Reason(err, "s3cret"); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
