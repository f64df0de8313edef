package emit

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"time"
)

// A server whose greeting comes after the client's patience for it is still connected to.
func TestDialLateGreeting(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, natsClient{silence: 50 * time.Millisecond}, serve(t,
		func(p peer) {
			hello := make([]byte, 1)
			_, _ = io.ReadFull(p, hello) // the client lost its patience and tries a handshake
			p.send("%s", smallInfo)
			p.drain()
		},
		func(p peer) { p.accept(); p.drain() }))
	if err := c.connect(bounded(t)); err != nil {
		t.Error(err)
	}
}

// A server of another protocol waits for the client and answers the handshake in its own way.
func TestDialAnotherProtocol(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, natsClient{silence: 50 * time.Millisecond}, serve(t, func(p peer) {
		_, _ = io.ReadFull(p, make([]byte, 1))
		p.send("HTTP/1.1 400 Bad Request\r\n\r\n")
		p.drain()
	}))
	if err := c.connect(bounded(t)); err == nil || !strings.Contains(err.Error(), "does not speak NATS") {
		t.Errorf("got %v", err)
	}
}

// streams are what servers may send, and the error that ends it.
var streams = []struct {
	name, sent string
	want       string // a part of the error; "" if everything passes
}{
	{"operations", "PONG\r\n+OK\r\nINFO {}\r\n-ERR 'x'\r\n", ""},
	{"without CR", "PONG\n", ""},
	{"message", "MSG a.b 1 5\r\nhello\r\nPING\r\n", ""},
	{"message with reply", "MSG a.b 1 x.y 5\r\nhello\r\n", ""},
	{"empty message", "MSG a 1 0\r\n\r\nPING\r\n", ""},
	{"line ends inside", "MSG a 1 4\r\n\r\n\r\n\r\nPING\r\n", ""},
	{"header", "HMSG a 1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n", ""},
	{"lower case", "msg a 1 2\r\nhi\r\n", ""},
	{"tabs", "MSG\ta\t1\t2\r\nhi\r\n", ""},
	{"largest", "MSG a 1 1048576\r\n" + strings.Repeat("x", maxNATSMessage) + "\r\n", ""},
	{"too large", "MSG a 1 1048577\r\n", "invalid size, or of more than 1048576 bytes"},
	{"overflow", "MSG a 1 9223372036854775808\r\n", "invalid size"},
	{"negative size", "MSG a 1 -1\r\n\r\n", "invalid size"},
	{"no size", "MSG a 1 x\r\n\r\n", "invalid size"},
	{"size hidden behind CR", "MSG a 1 2\r99999999999\r\nhi\r\n", "ends twice"},
	{"message hidden behind a message", "MSG a 1 0\r\nxxMSG a 1 30\r\nMSG a 1 99999999999\r\n", "longer than announced"},
	{"longer than announced", "MSG a 1 2\r\nhello\r\n", "longer than announced"},
	{"endless line", "INFO " + strings.Repeat("x", maxNATSLine), "more than 65536 bytes"},
}

func newTestConn(sent string) *natsConn {
	return &natsConn{r: bufio.NewReaderSize(strings.NewReader(sent), maxNATSLine)}
}

func TestConnPassesOnBoundedMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := io.ReadAll(newTestConn(tt.sent))
			if tt.want == "" && (err != nil || string(got) != tt.sent) {
				t.Errorf("got %.100q, %v", got, err)
			}
			if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(got) == len(tt.sent)) {
				t.Errorf("got %.100q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// FuzzConn: whatever a server sends, a prefix of it is passed on, and reading ends.
func FuzzConn(f *testing.F) {
	for _, tt := range streams {
		f.Add([]byte(tt.sent))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		if got, _ := io.ReadAll(newTestConn(string(sent))); !bytes.HasPrefix(sent, got) {
			t.Errorf("%q became %q", sent, got)
		}
	})
}
