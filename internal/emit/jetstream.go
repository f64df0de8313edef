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

// Errors of the JetStream API that make a difference (nats-server, server/errors.json).
const (
	jetStreamUnavailable          = 10008
	jetStreamNotEnabledForAccount = 10039
	streamMessageExceedsMaximum   = 10054
	streamNotFound                = 10059
	jetStreamNotEnabled           = 10076
	messageInProcess              = 10158
)

const (
	noResponseWait    = 250 * time.Millisecond // before a message is sent again
	noResponseRetries = 2                      // before JetStream is asked why
	askWait           = 2 * time.Second        // for its answer
)

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

// publish sends m until it is acknowledged or ctx ends. Sending it again is safe, for the stream drops a repeat. Where nobody responds, the
// stream may only be without a leader, or its leader not yet known; and a stream that is still busy with what was sent before refuses the repeat.
func (n *NATS) publish(ctx context.Context, m Message) (pubAck, error) {
	headers := n.headers(m)
	for silent := 0; ; {
		var ack pubAck
		err := n.ask(ctx, n.o.Subject, headers, m.JSON, &ack)
		switch {
		case err == nil && ack.Stream == "":
			return ack, errors.New("what answered is no stream")
		case isJetStream(err, messageInProcess):
		case errors.Is(err, nats.ErrNoResponders) && (silent < noResponseRetries || n.mayExist(ctx)):
			silent++
		default:
			return ack, err
		}
		select {
		case <-ctx.Done():
			return ack, context.Cause(ctx)
		case <-time.After(noResponseWait):
		}
	}
}

// mayExist asks whether the stream that does not respond exists, which is likely where nobody can say.
func (n *NATS) mayExist(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	err := n.streamExists(ctx)
	return err == nil || ctx.Err() != nil || isJetStream(err, jetStreamUnavailable)
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
