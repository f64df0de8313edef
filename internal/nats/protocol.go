package nats

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// noResponders is the status of the answer that the server itself gives when nobody listens.
const noResponders = "503"

// message is a message to us.
type message struct {
	subject string
	status  string // of the header's first line, mostly empty
	data    []byte
}

// serverError is what a server says with -ERR.
type serverError struct{ text string }

func (e serverError) Error() string { return e.text }

// read returns the next operation of the server, with the message of MSG and HMSG. It answers PING, takes over INFO, and -ERR is its error.
func (c *conn) read() (op string, m *message, err error) {
	line, err := c.readLine()
	if err != nil {
		return "", nil, err
	}
	name, rest, _ := strings.Cut(string(line), " ")
	switch op = strings.ToUpper(name); op {
	case "PING":
		_, err = io.WriteString(c, "PONG\r\n")
	case "INFO":
		err = json.Unmarshal([]byte(rest), &c.info)
	case "-ERR":
		err = explainServer(unquote(strings.TrimSpace(rest)))
	case "MSG", "HMSG":
		m, err = c.readMessage(op, strings.Fields(rest))
	case "PONG", "+OK":
	default:
		err = fmt.Errorf("the server sent %s, which is not NATS", line)
	}
	return op, m, err
}

// explainServer gives what a server says a kind where one is known.
func explainServer(text string) error {
	lower := strings.ToLower(text)
	var kind error
	switch {
	case strings.Contains(lower, "permissions violation"):
		kind = ErrPermission
	case strings.Contains(lower, "maximum payload"):
		kind = ErrMaxPayload
	case strings.Contains(lower, "authentication timeout"): // the server was too slow, or we were
	case strings.Contains(lower, "authorization"), strings.Contains(lower, "authentication"): // violation, expired, revoked
		kind = ErrAuthorization
	}
	if kind == nil {
		return serverError{text}
	}
	return kindError{serverError{text}, kind}
}

// unquote takes away the one pair of quotes that the server puts around a text, in which there may be others.
func unquote(text string) string {
	if inner, ok := strings.CutPrefix(text, "'"); ok {
		return strings.TrimSuffix(inner, "'")
	}
	return text
}

// readLine reads up to the end of a line, which it leaves out. The bytes are good until the next read.
func (c *conn) readLine() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("reading from the server: %w", err)
	}
	return bytes.TrimRight(line, "\r\n"), nil
}

// readMessage reads what follows MSG subject sid [reply] size, or HMSG with the header's size before that of both.
func (c *conn) readMessage(op string, args []string) (*message, error) {
	sizes := 1
	if op == "HMSG" {
		sizes = 2
	}
	if len(args) != 2+sizes && len(args) != 3+sizes {
		return nil, fmt.Errorf("the server sent %s with %d arguments", op, len(args))
	}
	total, err := strconv.Atoi(args[len(args)-1])
	head := 0
	if sizes == 2 && err == nil {
		head, err = strconv.Atoi(args[len(args)-2])
	}
	if err != nil || head < 0 || head > total || total > maxAnswer {
		return nil, fmt.Errorf("the server sent %s of a size that is none, or above %d bytes", op, maxAnswer)
	}
	body := make([]byte, total+len("\r\n"))
	if _, err := io.ReadFull(c.r, body); err != nil {
		return nil, fmt.Errorf("reading from the server: %w", err)
	}
	if !bytes.HasSuffix(body, []byte("\r\n")) {
		return nil, errors.New("the server sent a message that is longer than it said")
	}
	m := &message{subject: args[0], data: body[head:total]}
	first, _, _ := strings.Cut(string(body[:head]), "\r\n")
	if status := strings.Fields(strings.TrimPrefix(first, headerVersion)); len(status) > 0 {
		m.status = status[0]
	}
	return m, nil
}
