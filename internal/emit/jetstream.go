package emit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/nats"
)

// Subjects of the JetStream API (https://docs.nats.io/reference/reference-protocols/nats_api_reference).
const (
	streamNames = "$JS.API.STREAM.NAMES"
	accountInfo = "$JS.API.INFO"
)

// Errors of the JetStream API that are explained (nats-server, server/errors.json).
const (
	jetStreamNotEnabledForAccount = 10039
	streamMessageExceedsMaximum   = 10054
	streamNotFound                = 10059
	jetStreamNotEnabled           = 10076
)

// A stream that has no leader at the moment does not respond, so that is asked again.
const (
	noResponseWait    = 250 * time.Millisecond
	noResponseRetries = 2
)

// errLate ends an attempt to publish, after which there is another.
var errLate = errors.New("no answer yet")

// jetStreamError is an answer of JetStream that is an error.
type jetStreamError struct {
	Code        int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *jetStreamError) Error() string { return fmt.Sprintf("%s (error %d)", e.Description, e.Code) }

// isJetStream reports whether err is one of JetStream's with one of the codes.
func isJetStream(err error, codes ...int) bool {
	e, ok := errors.AsType[*jetStreamError](err)
	for _, code := range codes {
		if ok && e.Code == code {
			return true
		}
	}
	return false
}

// pubAck is a stream's acknowledgement.
type pubAck struct {
	Stream    string `json:"stream"`
	Duplicate bool   `json:"duplicate"`
}

// publish sends m until it is acknowledged or ctx ends. A message or its acknowledgement may be lost when the server restarts; sending
// it again is safe, for the stream drops a repeat.
func (n *NATS) publish(ctx context.Context, m Message) (pubAck, error) {
	var ack pubAck
	headers := n.headers(m)
	for silent := 0; ; {
		attempt, cancel := context.WithTimeoutCause(ctx, n.o.PublishTimeout/4, errLate)
		err := n.ask(attempt, n.o.Subject, headers, m.JSON, &ack)
		cancel()
		switch {
		case err == nil && ack.Stream == "":
			return ack, errors.New("what answered is no stream")
		case errors.Is(err, nats.ErrNoResponders) && silent < noResponseRetries:
			silent++
			select {
			case <-ctx.Done():
				return ack, context.Cause(ctx)
			case <-time.After(noResponseWait):
			}
		case !errors.Is(err, errLate):
			return ack, err
		}
	}
}

// streamExists asks for the streams that capture the subject.
func (n *NATS) streamExists(ctx context.Context) error {
	question, err := json.Marshal(map[string]string{"subject": n.o.Subject})
	if err != nil {
		return err
	}
	var answer struct {
		Streams []string `json:"streams"`
	}
	if err := n.ask(ctx, streamNames, nil, question, &answer); err != nil {
		return err
	}
	if len(answer.Streams) == 0 {
		return &jetStreamError{streamNotFound, "stream not found"}
	}
	return nil
}

// ask sends a request to JetStream and decodes the answer.
func (n *NATS) ask(ctx context.Context, subject string, headers []nats.Header, data []byte, answer any) error {
	text, err := n.client.Request(ctx, subject, headers, data)
	if err != nil {
		return err
	}
	var failure struct {
		Error *jetStreamError `json:"error"`
	}
	if err := json.Unmarshal(text, &failure); err != nil {
		return errors.New("what answered is not JetStream")
	}
	if failure.Error != nil {
		return failure.Error
	}
	return json.Unmarshal(text, answer)
}
