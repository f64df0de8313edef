package emit

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// streamNames is the subject on which JetStream lists streams
// (https://docs.nats.io/reference/jetstream/api/stream/names).
const streamNames = "$JS.API.STREAM.NAMES"

// streamInfo begins the subject on which JetStream describes a stream; its name follows.
const streamInfo = "$JS.API.STREAM.INFO."

// Errors of the JetStream API for which its package has no name
// (https://github.com/nats-io/nats-server/blob/main/server/errors.json).
const (
	jetStreamUnavailable jetstream.ErrorCode = 10008
	messageInProcess     jetstream.ErrorCode = 10158
)

const (
	noResponseWait    = 250 * time.Millisecond // before a message is sent again
	noResponseRetries = 2                      // before JetStream is asked why
	askWait           = 2 * time.Second        // for an answer about streams
)

// hasCode reports whether err is an error of the JetStream API with one of the codes.
func hasCode(err error, codes ...jetstream.ErrorCode) bool {
	refusal := apiError(err)
	for _, code := range codes {
		if refusal != nil && refusal.ErrorCode == code {
			return true
		}
	}
	return false
}

// apiError returns the error of the JetStream API in err, or nil.
func apiError(err error) *jetstream.APIError {
	if e, ok := errors.AsType[jetstream.JetStreamError](err); ok {
		return e.APIError()
	}
	return nil
}

// publish sends m until it is acknowledged or ctx ends. Sending it again is safe, because the
// stream drops a repeat. Without a responder the stream may only have no leader; and a stream
// that still processes the first message refuses the repeat.
func (n *NATS) publish(ctx context.Context, m Message) (*jetstream.PubAck, error) {
	for silent := 0; ; {
		ack, err := n.publishOnce(ctx, m)
		switch {
		case hasCode(err, messageInProcess):
		case errors.Is(err, jetstream.ErrNoStreamResponse) && (silent < noResponseRetries || n.mayExist(ctx)):
			silent++
		default:
			return ack, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(noResponseWait):
		}
	}
}

// publishOnce leaves the retries to publish: those of PublishMsg would count as one slow
// answer.
func (n *NATS) publishOnce(ctx context.Context, m Message) (ack *jetstream.PubAck, err error) {
	message, err := n.encode(m)
	if err != nil {
		return nil, err
	}
	err = n.client.do(ctx, func(ctx context.Context, js jetstream.JetStream) (err error) {
		ack, err = js.PublishMsg(ctx, message, jetstream.WithRetryAttempts(0))
		return err
	})
	return ack, err
}

// mayExist reports whether the stream that does not respond may exist: JetStream knows it, or
// cannot answer.
func (n *NATS) mayExist(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	_, err := n.streamName(ctx)
	return err == nil || ctx.Err() != nil || hasCode(err, jetStreamUnavailable)
}

// streamName looks for the stream that captures the subject.
func (n *NATS) streamName(ctx context.Context) (name string, err error) {
	err = n.client.do(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		name, err = js.StreamNameBySubject(ctx, n.o.Subject)
		return err
	})
	return name, err
}

// acknowledges asks whether a stream acknowledges messages: with no_ack it stores them
// and stays silent.
func (n *NATS) acknowledges(ctx context.Context, name string) (yes bool, err error) {
	err = n.client.do(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.Stream(ctx, name)
		if err == nil {
			yes = !stream.CachedInfo().Config.NoAck
		}
		return err
	})
	return yes, err
}

// accountInfo asks whether the account has JetStream.
func (n *NATS) accountInfo(ctx context.Context) error {
	return n.client.do(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.AccountInfo(ctx)
		return err
	})
}
