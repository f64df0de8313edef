package nats

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
)

// operations are what a server may send, and what becomes of it.
var operations = []struct {
	name, sent string
	op         string
	message    *message
	err        string // a part of it
	kind, not  error
}{
	{name: "PONG", sent: "PONG\r\n", op: "PONG"},
	{name: "lower case", sent: "pong\r\n", op: "PONG"},
	{name: "without CR", sent: "PONG\n", op: "PONG"},
	{name: "+OK", sent: "+OK\r\n", op: "+OK"},
	{name: "PING", sent: "PING\r\n", op: "PING"},
	{name: "INFO", sent: `INFO {"max_payload":7}` + "\r\n", op: "INFO"},
	{name: "INFO that is none", sent: "INFO {\r\n", err: "unexpected end of JSON"},
	{name: "message", sent: "MSG a.b 1 5\r\nhello\r\n", op: "MSG", message: &message{"a.b", "", []byte("hello")}},
	{name: "message to answer", sent: "MSG a.b 1 x.y 5\r\nhello\r\n", op: "MSG", message: &message{"a.b", "", []byte("hello")}},
	{name: "empty message", sent: "MSG a 1 0\r\n\r\n", op: "MSG", message: &message{"a", "", nil}},
	{name: "line ends inside", sent: "MSG a 1 4\r\n\r\n\r\n\r\n", op: "MSG", message: &message{"a", "", []byte("\r\n\r\n")}},
	{name: "header", sent: "HMSG a 1 18 20\r\nNATS/1.0\r\nA: b\r\n\r\nhi\r\n", op: "HMSG", message: &message{"a", "", []byte("hi")}},
	{name: "status", sent: "HMSG a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n", op: "HMSG", message: &message{"a", "503", nil}},
	{name: "another status", sent: "HMSG a 1 16 18\r\nNATS/1.0 100\r\n\r\nhi\r\n", op: "HMSG", message: &message{"a", "100", []byte("hi")}},
	{name: "status with text", sent: "HMSG a 1 30 30\r\nNATS/1.0 503 No Responders\r\n\r\n\r\n", op: "HMSG", message: &message{"a", "503", nil}},
	{name: "negative size", sent: "MSG a 1 -1\r\n\r\n", err: "of a size that is none"},
	{name: "no size", sent: "MSG a 1 x\r\n\r\n", err: "of a size that is none"},
	{name: "negative header", sent: "HMSG a 1 -5 3\r\nabc\r\n", err: "of a size that is none"},
	{name: "empty line", sent: "\r\n", err: "which is not NATS"},
	{name: "too few arguments", sent: "MSG a 1\r\n", err: "with 2 arguments"},
	{name: "too many arguments", sent: "HMSG a 1 b c 1 1\r\n", err: "with 6 arguments"},
	{name: "header longer than all", sent: "HMSG a 1 9 8\r\n", err: "of a size that is none"},
	{name: "huge", sent: "MSG a 1 99999999999\r\n", err: "above 1048576 bytes"},
	{name: "larger than said", sent: "MSG a 1 2\r\nhello\r\n", err: "longer than it said"},
	{name: "cut short", sent: "MSG a 1 5\r\nhel", err: "unexpected EOF"},
	{name: "end", sent: "", err: "EOF"},
	{name: "half a line", sent: "PON", err: "EOF"},
	{name: "endless line", sent: "INFO " + strings.Repeat("x", maxLine), err: "buffer full"},
	{name: "another protocol", sent: "HTTP/1.1 400 Bad Request\r\n", err: "HTTP/1.1 400 Bad Request, which is not NATS"},
	{name: "permission", sent: "-ERR 'Permissions Violation for Publish to \"a\"'\r\n", err: `Permissions Violation for Publish to "a"`, kind: ErrPermission},
	{name: "authorization", sent: "-ERR 'Authorization Violation'\r\n", err: "Authorization Violation", kind: ErrAuthorization},
	{name: "expired", sent: "-ERR 'User Authentication Expired'\r\n", err: "Expired", kind: ErrAuthorization},
	{name: "payload", sent: "-ERR 'Maximum Payload Violation'\r\n", err: "Maximum Payload Violation", kind: ErrMaxPayload},
	{name: "authentication timeout", sent: "-ERR 'Authentication Timeout'\r\n", err: "Authentication Timeout", not: ErrAuthorization},
	{name: "quotes inside", sent: "-ERR 'no user 'x''\r\n", err: "no user 'x'"},
	{name: "another error", sent: "-ERR 'Stale Connection'\r\n", err: "Stale Connection"},
	{name: "error without quotes", sent: "-ERR\r\n", err: ""},
}

// reading is a connection that holds what a server sent, and collects what is sent to it.
func reading(sent string) (*conn, *bytes.Buffer) {
	var out bytes.Buffer
	c := &conn{Conn: writeOnly{Writer: &out}, r: bufio.NewReaderSize(strings.NewReader(sent), maxLine)}
	return c, &out
}

type writeOnly struct {
	net.Conn
	io.Writer
}

func (w writeOnly) Write(p []byte) (int, error) { return w.Writer.Write(p) }

func TestRead(t *testing.T) {
	t.Parallel()
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, out := reading(tt.sent)
			op, m, err := c.read()
			if tt.op == "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || tt.kind != nil && !errors.Is(err, tt.kind) || tt.not != nil && errors.Is(err, tt.not) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || op != tt.op || (m == nil) != (tt.message == nil) {
				t.Fatalf("got %s, %+v, %v", op, m, err)
			}
			if m != nil && (m.subject != tt.message.subject || m.status != tt.message.status || !bytes.Equal(m.data, tt.message.data)) {
				t.Errorf("got %+v, want %+v", m, tt.message)
			}
			if want := map[string]string{"PING": "PONG\r\n"}[op]; out.String() != want {
				t.Errorf("answered %q", out)
			}
			if op == "INFO" && c.info.MaxPayload != 7 {
				t.Errorf("kept %+v", c.info)
			}
		})
	}
}

// FuzzRead: whatever a server sends, reading it ends, and no message is larger than allowed.
func FuzzRead(f *testing.F) {
	for _, tt := range operations {
		f.Add(tt.sent)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		c, _ := reading(sent)
		for range len(sent) + 1 {
			_, m, err := c.read()
			if m != nil && len(m.data) > maxAnswer {
				t.Fatalf("a message of %d bytes", len(m.data))
			}
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return
			}
		}
		t.Error("reading did not end")
	})
}
