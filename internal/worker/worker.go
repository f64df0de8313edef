// Package worker is the consumer's side as a service: it pulls events from a JetStream stream,
// runs a program for each, and acknowledges an event when its program has succeeded. Several
// processes share one durable consumer. docs/service.md describes what it promises.
package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// Defaults of Options.
const (
	defaultAckWait  = 30 * time.Second
	defaultMostRuns = 10
	defaultPoll     = 20 * time.Second
)

// DefaultBackOff are the waits after the failures of an event; the last one repeats.
var DefaultBackOff = []time.Duration{2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}

// Options say what a service handles, and how.
type Options struct {
	NATS       *emit.NATS // servers, credentials, and the subject of the events
	Envelope   emit.Envelope
	Durable    string // name of the consumer that all processes share
	DeadLetter string // subject of events that are given up
	Create     bool   // create streams, consumer and bucket that are missing
	Workers    int    // programs at the same time

	// Identify checks an event and returns its id. The error is why it is refused.
	Identify func(payload []byte) (id string, err error)
	// Take does what comes before the program. An event that was handled before is only
	// acknowledged to its sender.
	Take func(ctx context.Context, payload []byte, handledBefore bool) Taken

	Program     Program
	StopTimeout time.Duration // for programs to finish after ctx ends
	MetricsAddr string        // "" serves no metrics

	Log func(format string, args ...any) // makes its text safe
	Now func() time.Time

	// Zero values of the following are the defaults, which docs/service.md states.
	AckWait  time.Duration // after which the server gives a silent process's events to another
	BackOff  []time.Duration
	MostRuns int
	Poll     time.Duration // of one request for an event
}

// Taken is the result of Options.Take. Without Refusal and Err the program may run.
type Taken struct {
	Event   []byte // for the program's standard input
	Dir     string // of the bundle, absolute; "" if the event has none
	Refusal error  // the event is not accepted, now and later
	Err     error  // a failure of a service or of the file system
}

// service is one process at work.
type service struct {
	Options
	conn     *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
	bucket   jetstream.KeyValue
	subject  string
	count    *metrics
}

// Run handles events until ctx ends, and then lets programs finish for StopTimeout. It returns
// nil after an orderly stop. Other errors have a next step.
func Run(ctx context.Context, o Options) error {
	s := newService(o)
	listener, err := s.listen()
	if err != nil {
		return err
	}
	if listener != nil {
		defer listener.Close() // also if nothing is served
	}
	// The connection outlives ctx, because what a stop hands back travels on it.
	if s.conn, err = o.NATS.Open(context.WithoutCancel(ctx), s.connection); err != nil {
		return err
	}
	defer s.conn.Close()
	if s.js, err = jetstream.New(s.conn); err != nil {
		return err
	}
	if err := s.setUp(ctx); err != nil {
		return err
	}
	defer s.serve(listener)()
	s.Log("handling events of %q as %q with %s", s.subject, s.Durable, advice.Count(s.Workers, "worker"))
	err = s.work(ctx)
	// What was handed back may still be in a buffer.
	if err := s.conn.FlushTimeout(askTimeout); err != nil {
		s.Log("warning: the last answers may not have reached the server: %v", err)
	}
	return err
}

func newService(o Options) *service {
	if o.AckWait == 0 {
		o.AckWait = defaultAckWait
	}
	if o.BackOff == nil {
		o.BackOff = DefaultBackOff
	}
	if o.MostRuns == 0 {
		o.MostRuns = defaultMostRuns
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	return &service{Options: o, subject: o.NATS.Subject(), count: newMetrics()}
}

// connection logs that the connection was lost or replaced.
func (s *service) connection(err error) {
	if err == nil {
		s.Log("connected again")
		return
	}
	s.Log("warning: NATS: %v", err)
}

// work runs the workers until ctx ends or one of them cannot continue.
func (s *service) work(outer context.Context) error {
	ctx, stop := context.WithCancelCause(outer)
	defer stop(nil)
	// Programs may run on for a while after ctx ends.
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	defer context.AfterFunc(ctx, func() {
		s.Log("stopping: programs have %v to finish", s.StopTimeout)
		time.AfterFunc(s.StopTimeout, kill)
	})()
	var workers sync.WaitGroup
	for range s.Workers {
		workers.Go(func() {
			if err := s.loop(ctx, hard); err != nil {
				stop(err)
			}
		})
	}
	workers.Wait()
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// loop handles one event after the other until ctx ends. The error is about the consumer.
func (s *service) loop(ctx, hard context.Context) error {
	for ctx.Err() == nil {
		msg, err := s.next(ctx)
		switch {
		case err == nil:
			s.handle(hard, msg)
		case ctx.Err() != nil || isQuiet(err):
		default:
			s.count.failedPulls.Add(1)
			if err := s.whyNoEvents(ctx, err); err != nil {
				return err
			}
			pause(ctx, pullWait)
		}
	}
	return nil
}

// whyNoEvents returns why no later request for an event can succeed, nil if one may, as while
// the server restarts. err is that of the latest one.
func (s *service) whyNoEvents(ctx context.Context, err error) error {
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	switch err := s.ifGone(ask, err); {
	case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound),
		errors.Is(err, jetstream.ErrStreamNotFound):
		return advice.New("create it again, or start once with --create", "the consumer %q is gone", s.Durable)
	case errors.Is(err, nats.ErrConnectionClosed): // the client does so when credentials are refused twice
		return advice.New("check the credentials, and start again", "the servers of NATS refuse this user now")
	}
	return nil
}

// ifGone returns err, or that the consumer is gone if this is why the server did not react.
func (s *service) ifGone(ctx context.Context, err error) error {
	if errors.Is(err, nats.ErrNoResponders) {
		if _, err := s.consumer.Info(ctx); isFinal(err) {
			return err
		}
	}
	return err
}

// pullWait is the pause after a request for an event failed, as while the server restarts.
const pullWait = time.Second

// next waits for an event.
func (s *service) next(ctx context.Context) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Poll)
	defer cancel()
	return s.consumer.Next(jetstream.FetchContext(ctx))
}

// isQuiet reports whether err only means that there was no event.
func isQuiet(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, jetstream.ErrNoMessages)
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

const (
	askTimeout = 5 * time.Second // for one answer of the server
	retryWait  = 100 * time.Millisecond
	mostWait   = 5 * time.Second
)

// persist calls do until it succeeds or ctx ends, because the server may restart meanwhile.
// A refusal of the server ends it, too. The log says once what takes long.
func (s *service) persist(ctx context.Context, what string, do func(context.Context) error) error {
	for wait, warned := retryWait, false; ; wait = min(2*wait, mostWait) {
		try, cancel := context.WithTimeout(ctx, askTimeout)
		err := do(try)
		cancel()
		if err == nil || ctx.Err() != nil || isFinal(err) {
			return err
		}
		if wait == mostWait && !warned {
			warned = true
			s.Log("warning: %s: the server does not do it, still trying: %v", what, err)
		}
		pause(ctx, wait)
	}
}

// isFinal reports whether the server has answered, so that the same request gets the same
// answer.
func isFinal(err error) bool {
	answer, ok := errors.AsType[jetstream.JetStreamError](err)
	if !ok || answer.APIError() == nil {
		return errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed) ||
			errors.Is(err, jetstream.ErrMsgAlreadyAckd) || errors.Is(err, errOvertaken)
	}
	const unavailable = 503 // no leader yet, shutting down, or no room
	return answer.APIError().Code != unavailable
}

// payload returns the event in a message.
func (s *service) payload(data []byte) ([]byte, error) {
	if s.Envelope != emit.ActivityCore {
		return data, nil
	}
	return event.Open(event.Type, data)
}

// name shortens an event for the log. The id of an event that was refused is not known.
func name(msg jetstream.Msg) string {
	if meta, err := msg.Metadata(); err == nil {
		return fmt.Sprintf("message %d", meta.Sequence.Stream)
	}
	return "message"
}
