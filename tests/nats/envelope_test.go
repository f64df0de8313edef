package nats_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// TestActivityCoreReceivesTheEnvelope has a durable consumer on activity.>, as activity-core
// has. The message must have exactly the members of its envelope, and the event's bytes.
func TestActivityCoreReceivesTheEnvelope(t *testing.T) {
	t.Parallel()
	s := start(t, jetStream())
	js, _ := admin(t, s)
	stream := addStream(t, js, func(c *jetstream.StreamConfig) {
		c.Name, c.Subjects = "ACTIVITY", []string{"activity.>", "org.>"}
	})
	consumer, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		Durable: "activity-core", FilterSubject: "activity.>", AckPolicy: jetstream.AckExplicitPolicy,
	})
	fixture.Must(t, err)
	m := message(t)
	for i, want := range []store.Status{store.Delivered, store.Duplicate} {
		n := sink(t, emit.NATSOptions{URLs: []string{s.ClientURL()}, Envelope: emit.ActivityCore})
		got := n.Deliver(t.Context(), m)[0]
		if got.Status != want || got.Target != "activity.kaizen.schedule.prepared" {
			t.Errorf("delivery %d: got %+v, want %s", i, got, want)
		}
	}
	msg, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
	fixture.Must(t, err)
	fixture.Must(t, msg.DoubleAck(t.Context()))
	if got := stored(t, stream); got != 1 {
		t.Errorf("%d messages stored, want the repeat dropped", got)
	}
	checkEnvelope(t, m, msg)
}

func checkEnvelope(t *testing.T, m emit.Message, msg jetstream.Msg) {
	t.Helper()
	var members map[string]json.RawMessage
	fixture.Must(t, json.Unmarshal(msg.Data(), &members))
	want := map[string]string{
		"id":         `"` + m.ID + `"`,
		"type":       `"kaizen.schedule.prepared"`,
		"version":    `"1.0"`,
		"timestamp":  `"2026-06-17T09:00:12Z"`,
		"publisher":  `"kaizen-agentic"`,
		"attributes": string(m.JSON),
	}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("the envelope has the members %v", got)
	}
	for name, value := range want {
		if got := string(members[name]); got != value {
			t.Errorf("%s is %s, want %s", name, got, value)
		}
	}
	if got := msg.Headers().Get("Nats-Msg-Id"); got != m.ID || msg.Subject() != "activity.kaizen.schedule.prepared" {
		t.Errorf("%s has the message id %q", msg.Subject(), got)
	}
	payload, err := event.Open(event.Type, msg.Data())
	fixture.Must(t, err)
	if _, err := event.Parse(payload); err != nil {
		t.Error(err)
	}
}
