package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// job is one message in the hands of a worker.
type job struct {
	*service
	msg     jetstream.Msg
	id      string // of the event; of a refused one the position of its message
	seq     uint64
	payload []byte
}

// handle takes a message through all its steps. It ends early when ctx ends: the message then
// goes to another process.
func (s *service) handle(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		s.Log("warning: a message is not from JetStream: %v", err)
		return
	}
	j := &job{service: s, msg: msg, id: name(msg), seq: meta.Sequence.Stream}
	defer j.keep()()
	if j.payload, err = s.payload(msg.Data()); err == nil {
		var id string
		if id, err = s.Identify(j.payload); err == nil {
			j.id = id
		} else {
			j.answered(s.Take(ctx, j.payload, false))
		}
	}
	if err != nil {
		j.refuse(err)
		return
	}
	verdict, r, err := s.claim(ctx, j.id, j.seq)
	if err != nil {
		s.Log("warning: %s: the bucket: %v", j.id, err)
		j.giveBack(ctx, s.BackOff[0])
		return
	}
	j.act(ctx, verdict, r)
}

// act does what was decided.
func (j *job) act(ctx context.Context, v verdict, r record) {
	switch v {
	case run:
		j.run(ctx, r)
	case wait:
		// The message in charge may be done long before that.
		j.giveBack(ctx, min(max(r.Until.Sub(j.Now()), time.Millisecond), j.AckWait))
	case repeat:
		if r.Seq != j.seq { // otherwise only the acknowledgement to the server was lost
			j.answered(j.Take(ctx, j.payload, true))
		}
		j.count.repeats.Add(1)
		j.Log("%s: repeat dropped", j.id)
		j.acknowledge(ctx)
	case exhausted:
		j.bury(ctx, r, "no run recorded a success")
	case buried:
		j.end("given up before")
	}
}

// keep tells the server that the message is in work until the returned function is called.
func (j *job) keep() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(j.AckWait / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				_ = j.msg.InProgress() // the next one may arrive
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// answered logs that an event that does not run could not be acknowledged to its sender.
func (j *job) answered(t Taken) {
	if t.Err != nil {
		j.Log("warning: %s: its sender may have no answer: %v", j.id, t.Err)
	}
}

// run fetches the bundle and runs the program.
func (j *job) run(ctx context.Context, r record) {
	begin := j.Now()
	taken := j.Take(ctx, j.payload, false)
	switch {
	case ctx.Err() != nil:
		j.handBack(r)
		return
	case taken.Refusal != nil:
		j.answered(taken)
		if r.State = dead; j.recordResult(ctx, r) {
			j.refuse(taken.Refusal)
		}
		return
	case taken.Err != nil:
		j.fail(ctx, r, taken.Err)
		return
	}
	j.count.running.Add(1)
	out := &output{log: func(line string) { j.Log("%s| %s", j.id, line) }}
	err := j.Program.run(ctx, taken, out)
	out.end()
	j.count.running.Add(-1)
	took := j.Now().Sub(begin)
	j.count.ran(took)
	switch {
	case err == nil:
		j.succeed(ctx, r, took)
	case ctx.Err() != nil:
		j.handBack(r)
	default:
		j.fail(ctx, r, err)
	}
}

// succeed records that the event is handled before it tells the server, so that the program
// does not run again if the process dies in between.
func (j *job) succeed(ctx context.Context, r record, took time.Duration) {
	r.State = done
	if ctx.Err() != nil { // the program was the last to finish
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
		defer cancel()
	}
	j.recordResult(ctx, r)
	if j.acknowledge(ctx) {
		j.count.handled.Add(1)
		j.Log("%s: handled in %v", j.id, took.Round(time.Millisecond))
	}
}

// acknowledge waits for the server's confirmation, so that a lost one is sent again.
func (j *job) acknowledge(ctx context.Context) bool {
	err := j.persist(ctx, j.id+": acknowledging", func(ctx context.Context) error {
		return j.ifGone(ctx, j.msg.DoubleAck(ctx))
	})
	if err != nil {
		j.Log("warning: %s: not acknowledged: %v", j.id, err)
	}
	return err == nil
}

// fail plans the next run, or gives the event up.
func (j *job) fail(ctx context.Context, r record, cause error) {
	j.count.failures.Add(1)
	if r.Runs >= j.MostRuns {
		j.bury(ctx, r, cause.Error())
		return
	}
	delay := j.BackOff[min(r.Runs, len(j.BackOff))-1]
	j.Log("warning: %s: run %d of %d failed, the next one is in %v: %v", j.id, r.Runs, j.MostRuns, delay, cause)
	r.State, r.Until = failed, j.Now().Add(delay)
	if j.recordResult(ctx, r) {
		j.giveBack(ctx, delay)
	}
}

// recordResult stores how a run ended. It returns false if another process has taken over the
// message, which is then not for this one to give back.
func (j *job) recordResult(ctx context.Context, r record) (isOurs bool) {
	err := j.settle(ctx, j.id, r)
	if err != nil {
		j.Log("warning: %s: recording that it is %s: %v", j.id, r.State, err)
	}
	return !errors.Is(err, errOvertaken)
}

// giveBack returns the message to the server: for later, or after the end of ctx at once,
// because this process stops.
func (j *job) giveBack(ctx context.Context, delay time.Duration) {
	give := func() error { return j.msg.NakWithDelay(delay) }
	if ctx.Err() != nil {
		give = j.msg.Nak
	}
	if err := give(); err != nil {
		j.Log("warning: %s: not given back, so it comes again after %v: %v", j.id, j.AckWait, err)
	}
}

// handBack returns the message at once, for another process: this one stops. The run does not
// count.
func (j *job) handBack(r record) {
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	r.State, r.Runs = returned, r.Runs-1
	if !j.recordResult(ctx, r) {
		return
	}
	j.count.returned.Add(1)
	j.Log("%s: handed back", j.id)
	if err := j.msg.Nak(); err != nil {
		j.Log("warning: %s: not given back, so it comes again after %v: %v", j.id, j.AckWait, err)
	}
}

// bury publishes an event that is given up to the dead-letter subject, and ends it when the
// stream there has it.
func (j *job) bury(ctx context.Context, r record, cause string) {
	cause = ascii(safetext.Shorten(safetext.OneLine(cause), maxCause))
	// A stream without room must not hold a worker.
	try, cancel := context.WithTimeout(ctx, buryWait)
	defer cancel()
	err := j.persist(try, j.id+": publishing the dead letter", func(ctx context.Context) error {
		_, err := j.js.PublishMsg(ctx, j.deadLetter(r, cause), jetstream.WithRetryAttempts(0))
		return err
	})
	if err != nil {
		delay := j.BackOff[0]
		j.Log("error: %s: %q does not take the event, tried again in %v: %v", j.id, j.DeadLetter, delay, err)
		j.giveBack(ctx, delay)
		return
	}
	j.count.dead.Add(1)
	j.Log("error: %s: given up after %d runs, and published to %q: %s", j.id, r.Runs, j.DeadLetter, cause)
	r.State = dead
	j.recordResult(ctx, r)
	j.end("given up")
}

// buryWait is how long one attempt to publish a dead letter lasts.
const buryWait = 4 * askTimeout

// maxCause bounds the header with the reason, in characters.
const maxCause = 300

// deadLetter is the message as it arrived, with headers that say why it is given up.
func (j *job) deadLetter(r record, cause string) *nats.Msg {
	header := nats.Header{}
	header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s.%d.%d", j.Durable, j.seq, r.Runs))
	header.Set("kaizen-event-id", ascii(j.id))
	header.Set("kaizen-consumer", j.Durable)
	header.Set("kaizen-runs", fmt.Sprint(r.Runs))
	header.Set("kaizen-reason", cause)
	return &nats.Msg{Subject: j.DeadLetter, Header: header, Data: j.msg.Data()}
}

// ascii makes a text fit for a header.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// refuse ends an event that is not accepted.
func (j *job) refuse(cause error) {
	j.count.refused.Add(1)
	j.Log("warning: %s: refused: %v", j.id, cause)
	j.end("refused")
}

// end tells the server not to deliver the message again.
func (j *job) end(reason string) {
	if err := j.msg.TermWithReason(reason); err != nil {
		j.Log("warning: %s: not ended, so it comes again: %v", j.id, err)
	}
}
