package nats_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/worker"
)

// lab is a service in this process, whose programs are shell commands.
type lab struct {
	t   *testing.T
	s   *server.Server
	js  jetstream.JetStream
	o   worker.Options
	log fixture.Log
	dir string
}

func newLab(t *testing.T, script string) *lab {
	t.Helper()
	l := &lab{t: t, s: start(t, jetStream()), dir: t.TempDir()}
	l.js, _ = admin(t, l.s)
	l.o = serviceOptions(process{Workers: 1, Create: true, Args: []string{"/bin/sh", "-c", script}})
	l.o.Program.Env = []string{"DIR=" + l.dir, "PATH=/usr/bin:/bin"}
	l.o.Log = l.log.Printf
	l.o.MostRuns = 3
	return l
}

// run runs the service until stop is called, which returns the service's error.
func (l *lab) run() (stop func() error) {
	l.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l.t.Cleanup(cancel)
	ended := l.runUntil(ctx)
	return func() error { cancel(); return <-ended }
}

// start runs the service until it ends by itself, or the test ends.
func (l *lab) start() (ended <-chan error) {
	l.t.Helper()
	return l.runUntil(l.t.Context())
}

func (l *lab) runUntil(ctx context.Context) (ended <-chan error) {
	l.t.Helper()
	var err error
	l.o.NATS, err = emit.NewNATS(emit.NATSOptions{URLs: []string{l.s.ClientURL()}})
	fixture.Must(l.t, err)
	end := make(chan error, 1)
	go func() { end <- worker.Run(ctx, l.o) }()
	return end
}

// waitFor waits until the log has a text.
func (l *lab) waitFor(text string) {
	l.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(l.log.Text(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("the log has no %q:\n%s", text, l.log.Text())
		}
	}
}

func (l *lab) publish(data []byte) {
	l.t.Helper()
	_, err := l.js.Publish(l.t.Context(), subject, data)
	fixture.Must(l.t, err)
}

// example is an event with an id.
func example(t *testing.T) []byte {
	t.Helper()
	m := message(t)
	e, err := event.Parse(m.JSON)
	fixture.Must(t, err)
	e.Bundle.ID = m.ID
	line, err := e.Marshal()
	fixture.Must(t, err)
	return line
}

// runs is how often the script began, which appends a line to a file.
func (l *lab) runs() int {
	data, _ := os.ReadFile(filepath.Join(l.dir, "runs"))
	return strings.Count(string(data), "\n")
}

const count = `echo x >>"$DIR/runs"; `

// TestServiceHandsBack stops a service whose program does not end in time. The next process
// runs it again at once, and that does not count as a failure.
func TestServiceHandsBack(t *testing.T) {
	t.Parallel()
	l := newLab(t, count+`test -e "$DIR/quick" || sleep 60`)
	l.o.StopTimeout, l.o.MostRuns, l.o.AckWait = 50*time.Millisecond, 1, time.Minute
	stop := l.run()
	l.waitFor("handling events")
	l.publish(example(t))
	for l.runs() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	l.waitFor("handed back")
	fixture.Must(t, os.WriteFile(filepath.Join(l.dir, "quick"), nil, 0o600))
	stop = l.run()
	l.waitFor("handled in")
	if err := stop(); err != nil || l.runs() != 2 {
		t.Errorf("%d runs, %v", l.runs(), err)
	}
}

// TestServiceGivesUp checks what the dead-letter subject gets, and that the same event runs
// again when a person sends it again.
func TestServiceGivesUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, count+`test -e "$DIR/fixed" || { echo "::error::no"; exit 7; }`)
	stop := l.run()
	l.waitFor("handling events")
	l.publish(example(t))
	l.waitFor("given up after 3 runs")
	stream, err := l.js.Stream(t.Context(), "KAIZEN_DEAD")
	fixture.Must(t, err)
	msg, err := stream.GetMsg(t.Context(), 1)
	fixture.Must(t, err)
	for name, want := range map[string]string{
		"kaizen-event-id": message(t).ID, "kaizen-consumer": "agents", "kaizen-runs": "3",
		"kaizen-reason": "exit status 7",
	} {
		if got := msg.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	fixture.Must(t, os.WriteFile(filepath.Join(l.dir, "fixed"), nil, 0o600))
	l.publish(msg.Data)
	l.waitFor("handled in")
	l.publish(msg.Data)
	l.waitFor("repeat dropped")
	if err := stop(); err != nil || l.runs() != 4 {
		t.Errorf("%d runs, %v", l.runs(), err)
	}
	if !strings.Contains(l.log.Text(), message(t).ID+"| ::error::no") {
		t.Errorf("the log lacks the program's output:\n%s", l.log.Text())
	}
}

// TestServiceWithoutADeadLetter keeps an event that the stream of dead letters does not take.
func TestServiceWithoutADeadLetter(t *testing.T) {
	t.Parallel()
	l := newLab(t, count+"exit 1")
	stop := l.run()
	l.waitFor("handling events")
	config := jetstream.StreamConfig{Name: "KAIZEN_DEAD", Subjects: []string{"kaizen.schedule.dead"}, MaxMsgSize: 10,
		MaxAge: 90 * 24 * time.Hour, Duplicates: 24 * time.Hour}
	_, err := l.js.UpdateStream(t.Context(), config)
	fixture.Must(t, err)
	l.publish(example(t))
	l.waitFor("does not take the event, tried again in")
	config.MaxMsgSize = -1
	_, err = l.js.UpdateStream(t.Context(), config)
	fixture.Must(t, err)
	l.waitFor("given up after 3 runs")
	if err := stop(); err != nil || l.runs() != 3 {
		t.Errorf("%d runs, %v", l.runs(), err)
	}
}

// TestServiceRefuses ends events that are invalid, and those that are refused later. The next
// event is handled as ever.
func TestServiceRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t, count)
	l.o.Take = func(_ context.Context, payload []byte, _ bool) worker.Taken {
		if strings.Contains(string(payload), "refused") {
			return worker.Taken{Refusal: errors.New("wrong digest")}
		}
		return worker.Taken{Event: payload}
	}
	stop := l.run()
	l.waitFor("handling events")
	l.publish([]byte(`{"event":"x"}`))
	l.waitFor("message 1: refused: event lacks the field")
	l.publish([]byte(strings.ReplaceAll(string(example(t)), "coach", "refused")))
	l.waitFor("refused: wrong digest")
	l.publish(example(t))
	l.waitFor("handled in")
	consumer, err := l.js.Consumer(t.Context(), "KAIZEN_SCHEDULE", "agents")
	fixture.Must(t, err)
	if info := consumer.CachedInfo(); info.NumAckPending != 0 || info.NumRedelivered != 0 {
		t.Errorf("%d events are left, %d came again", info.NumAckPending, info.NumRedelivered)
	}
	if err := stop(); err != nil || l.runs() != 1 {
		t.Errorf("%d runs, %v", l.runs(), err)
	}
}

// TestServiceRetriesTheOutside delays an event whose bundle cannot be fetched now.
func TestServiceRetriesTheOutside(t *testing.T) {
	t.Parallel()
	l := newLab(t, count)
	tries := 0
	l.o.Take = func(_ context.Context, payload []byte, _ bool) worker.Taken {
		if tries++; tries < 3 {
			return worker.Taken{Err: errors.New("the API does not answer")}
		}
		return worker.Taken{Event: payload}
	}
	stop := l.run()
	l.waitFor("handling events")
	l.publish(example(t))
	l.waitFor("run 2 of 3 failed, the next one is in 50ms: the API does not answer")
	l.waitFor("handled in")
	if err := stop(); err != nil || l.runs() != 1 {
		t.Errorf("%d runs, %v", l.runs(), err)
	}
}

// TestServiceReadsTheEnvelope handles what nats-envelope: activity-core publishes.
func TestServiceReadsTheEnvelope(t *testing.T) {
	t.Parallel()
	l := newLab(t, `cat >"$DIR/event"`)
	l.o.Envelope = emit.ActivityCore
	stop := l.run()
	l.waitFor("handling events")
	enclosed, err := event.Enclose(message(t).ID, event.Type, "2026-06-17T09:00:12Z", example(t))
	fixture.Must(t, err)
	l.publish(example(t)) // has no envelope
	l.waitFor("message 1: refused: envelope lacks")
	l.publish(enclosed)
	l.waitFor("handled in")
	if got := fixture.Read(t, filepath.Join(l.dir, "event")); got != string(example(t)) {
		t.Errorf("the program got %s", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestServiceSetUp names what is missing on the server, and what has other settings. Nothing is
// created or changed without --create.
func TestServiceSetUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, "true")
	l.o.Create = false
	expect := func(want string) {
		t.Helper()
		var err error
		l.o.NATS, err = emit.NewNATS(emit.NATSOptions{URLs: []string{l.s.ClientURL()}})
		fixture.Must(t, err)
		err = worker.Run(t.Context(), l.o)
		if !errors.Is(err, worker.ErrSetup) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	expect(`no stream captures the subject "kaizen.schedule.prepared": create one, or start once with --create`)
	_, err := l.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{subject}})
	fixture.Must(t, err)
	expect(`no stream captures the subject "kaizen.schedule.dead"`)
	_, err = l.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "D", Subjects: []string{"kaizen.schedule.dead"}})
	fixture.Must(t, err)
	expect(`there is no key-value bucket "kaizen-agents"`)
	_, err = l.js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "kaizen-agents"})
	fixture.Must(t, err)
	expect(`the stream "S" has no consumer "agents"`)
	_, err = l.js.CreateConsumer(t.Context(), "S", jetstream.ConsumerConfig{
		Durable: "agents", AckPolicy: jetstream.AckAllPolicy, MaxDeliver: 5, FilterSubject: subject,
	})
	fixture.Must(t, err)
	const other = `the consumer "agents" has other settings: ack_policy is AckAll, must be AckExplicit; ` +
		`ack_wait is 30s, must be 2s; max_deliver is 5, must be -1: change it, or use another --durable`
	expect(other)
	l.o.Create = true
	expect(other)
}

// TestServiceWithoutConsumer ends when its consumer or its stream was deleted. A supervisor
// then shows what a service that waits for ever would hide.
func TestServiceWithoutConsumer(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(l *lab) error{
		"consumer": func(l *lab) error { return l.js.DeleteConsumer(l.t.Context(), "KAIZEN_SCHEDULE", "agents") },
		"stream":   func(l *lab) error { return l.js.DeleteStream(l.t.Context(), "KAIZEN_SCHEDULE") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The service is between two requests, so that the server cannot name the reason.
			l := newLab(t, count+`while ! test -e "$DIR/deleted"; do sleep 0.01; done`)
			ended := l.start()
			l.waitFor("handling events")
			l.publish(example(t))
			for l.runs() == 0 {
				time.Sleep(5 * time.Millisecond)
			}
			fixture.Must(t, remove(l))
			fixture.Must(t, os.WriteFile(filepath.Join(l.dir, "deleted"), nil, 0o600))
			expectEnd(t, ended, `the consumer "agents" is gone: create it again`)
		})
	}
}

// TestServiceOfARefusedUser ends when the servers no longer take its credentials.
func TestServiceOfARefusedUser(t *testing.T) {
	t.Parallel()
	l := newLab(t, count)
	ended := l.start()
	l.waitFor("handling events")
	other := jetStream()
	other.Host, other.NoLog, other.NoSigs = "127.0.0.1", true, true
	other.Port, other.StoreDir = l.s.Addr().(*net.TCPAddr).Port, filepath.Dir(l.s.StoreDir())
	other.Username, other.Password = "kaizen", fixture.Canary("nats-", "password")
	fixture.Must(t, l.s.ReloadOptions(other))
	expectEnd(t, ended, "the servers of NATS refuse this user now: check the credentials")
}

// expectEnd waits for the error of a service.
func expectEnd(t *testing.T, ended <-chan error, want string) {
	t.Helper()
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	case <-time.After(30 * time.Second):
		t.Errorf("the service goes on without %q", want)
	}
}

// TestServiceMetrics asks a running service.
func TestServiceMetrics(t *testing.T) {
	t.Parallel()
	l := newLab(t, "true")
	l.o.MetricsAddr = ":0"
	stop := l.run()
	l.waitFor("handling events")
	l.publish(example(t))
	l.waitFor("handled in")
	_, rest, _ := strings.Cut(l.log.Text(), "metrics at ")
	address, _, _ := strings.Cut(rest, "\n")
	if !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Errorf("the address is %s", address)
	}
	answer, err := http.Get(address)
	fixture.Must(t, err)
	defer answer.Body.Close()
	body := make([]byte, 64<<10)
	n, _ := answer.Body.Read(body)
	if !strings.Contains(string(body[:n]), "schedule_events_total{result=\"handled\"} 1\n") {
		t.Errorf("got %s", body[:n])
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
