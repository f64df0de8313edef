package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// ErrSetup marks what is missing on the server, or is there with other settings. It needs a
// person, unlike a server that does not answer.
var ErrSetup = errors.New("the server lacks something")

// setupError is an error that is ErrSetup.
type setupError struct{ error }

// Unwrap returns the error itself, for its hint.
func (e setupError) Unwrap() error { return e.error }

// Is implements errors.Is.
func (e setupError) Is(target error) bool { return target == ErrSetup }

func missing(hint, format string, args ...any) error {
	return setupError{advice.New(hint, format, args...)}
}

// What --create makes. Events live longer than the longest period, a month.
const (
	eventStream = "KAIZEN_SCHEDULE"
	deadStream  = "KAIZEN_DEAD"
	keepEvents  = 90 * 24 * time.Hour
	dropRepeats = 24 * time.Hour // of one message id
)

// setUp finds the streams, the consumer and the bucket, or creates them.
func (s *service) setUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 4*askTimeout)
	defer cancel()
	stream, err := s.stream(ctx, eventStream, s.subject)
	if err != nil {
		return err
	}
	if _, err := s.stream(ctx, deadStream, s.DeadLetter); err != nil {
		return err
	}
	if err := s.findBucket(ctx); err != nil {
		return err
	}
	return s.findConsumer(ctx, stream)
}

// stream returns the name of the stream that captures a subject.
func (s *service) stream(ctx context.Context, name, subject string) (string, error) {
	found, err := s.js.StreamNameBySubject(ctx, subject)
	switch {
	case err == nil:
		return found, nil
	case !errors.Is(err, jetstream.ErrStreamNotFound):
		return "", s.explain("looking for the stream of "+subject, err)
	case !s.Create:
		return "", missing("create one, or start once with --create", "no stream captures the subject %q", subject)
	}
	_, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, MaxAge: keepEvents, Duplicates: dropRepeats,
		Description: "Created by schedule-action.",
	})
	if err != nil {
		return "", s.explain(fmt.Sprintf("creating the stream %q", name), err)
	}
	s.Log("created the stream %q for %q", name, subject)
	return name, nil
}

// IsDurable reports whether s can be the name of the consumer, and with a prefix of the
// bucket.
func IsDurable(s string) bool {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	return s != "" && len(s) <= 64 && strings.Trim(s, allowed) == ""
}

// bucketName is the bucket of a durable consumer. Two consumers handle the same events, so
// they share no records.
func bucketName(durable string) string { return "kaizen-" + durable }

func (s *service) findBucket(ctx context.Context) (err error) {
	name := bucketName(s.Durable)
	s.bucket, err = s.js.KeyValue(ctx, name)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, jetstream.ErrBucketNotFound):
		return s.explain(fmt.Sprintf("looking for the bucket %q", name), err)
	case !s.Create:
		return missing("create it, or start once with --create", "there is no key-value bucket %q", name)
	}
	s.bucket, err = s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: name, TTL: keepEvents, Description: "Event ids that schedule-action has seen.",
	})
	if err != nil {
		return s.explain(fmt.Sprintf("creating the bucket %q", name), err)
	}
	s.Log("created the key-value bucket %q", name)
	return nil
}

func (s *service) findConsumer(ctx context.Context, stream string) (err error) {
	want := jetstream.ConsumerConfig{
		Durable: s.Durable, FilterSubject: s.subject, AckPolicy: jetstream.AckExplicitPolicy, AckWait: s.AckWait,
		MaxDeliver:  -1, // the bucket counts the runs
		Description: "Created by schedule-action.",
	}
	s.consumer, err = s.js.Consumer(ctx, stream, s.Durable)
	switch {
	case err == nil:
		return s.compare(s.consumer.CachedInfo().Config, want)
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return s.explain(fmt.Sprintf("looking for the consumer %q", s.Durable), err)
	case !s.Create:
		return missing("create it, or start once with --create",
			"the stream %q has no consumer %q", stream, s.Durable)
	}
	if s.consumer, err = s.js.CreateConsumer(ctx, stream, want); err != nil {
		return s.explain(fmt.Sprintf("creating the consumer %q", s.Durable), err)
	}
	s.Log("created the consumer %q of the stream %q", s.Durable, stream)
	return nil
}

// compare reports settings of a consumer with which events would be lost, or run too often.
func (s *service) compare(got, want jetstream.ConsumerConfig) error {
	var differences []string
	differ := func(name string, got, want any) {
		if got != want {
			differences = append(differences, fmt.Sprintf("%s is %v, must be %v", name, got, want))
		}
	}
	differ("ack_policy", got.AckPolicy, want.AckPolicy)
	differ("ack_wait", got.AckWait, want.AckWait)
	differ("max_deliver", got.MaxDeliver, want.MaxDeliver)
	differ("number of backoff waits", len(got.BackOff), 0)
	differ("headers_only", got.HeadersOnly, false)
	subjects := got.FilterSubjects
	if got.FilterSubject != "" {
		subjects = []string{got.FilterSubject}
	}
	if !slices.Equal(subjects, []string{want.FilterSubject}) {
		differences = append(differences, fmt.Sprintf("filter_subject is %q, must be %q", subjects, want.FilterSubject))
	}
	if len(differences) == 0 {
		return nil
	}
	return missing("change it, or use another --durable; this program changes no consumer",
		"the consumer %q has other settings: %s", s.Durable, strings.Join(differences, "; "))
}

// explain says what the server answered.
func (s *service) explain(what string, err error) error {
	answer, isAnswer := errors.AsType[jetstream.JetStreamError](err)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return missing("enable JetStream there", "%s: no JetStream", what)
	case isAnswer && answer.APIError() != nil:
		return missing("check it on the server", "%s: %s (error %d)", what, answer.APIError().Description,
			answer.APIError().ErrorCode)
	case errors.Is(err, nats.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return advice.New("allow the user to publish to $JS.API.> and to subscribe to _INBOX.>, or start again",
			"%s: JetStream did not answer within %v", what, askTimeout)
	}
	return advice.New("start again", "%s: %w", what, err)
}
