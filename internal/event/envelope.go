package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// What activity-core's envelope says about every event of this program.
const (
	// ActivityPrefix begins the subjects that activity-core listens to.
	ActivityPrefix  = "activity."
	envelopeVersion = "1.0"
	publisher       = "kaizen-agentic"
)

// maxEnvelope is the largest envelope in bytes: an event and what is around it.
const maxEnvelope = MaxSize + 4<<10

// Envelope is how activity-core takes an event: the payload is the attributes. See
// event-types/kaizen.schedule.prepared.md.
type Envelope struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	Version    string          `json:"version"`
	Timestamp  string          `json:"timestamp"`
	Publisher  string          `json:"publisher"`
	Attributes json.RawMessage `json:"attributes"`
}

// Enclose returns the envelope of an event as one line of ASCII. Payload is what Marshal
// returned; the envelope has its bytes unchanged.
func Enclose(id, kind, timestamp string, payload []byte) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // it would change the payload's bytes
	err := enc.Encode(Envelope{
		ID: id, Type: kind, Version: envelopeVersion, Timestamp: timestamp, Publisher: publisher, Attributes: payload,
	})
	if err != nil {
		return nil, fmt.Errorf("enclosing the event %q: %w", id, err)
	}
	return escapeASCII(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// Open returns the payload in an envelope of untrusted bytes. The kind is the event that the
// envelope must hold. Further members are ignored, because the envelope is activity-core's.
func Open(kind string, data []byte) ([]byte, error) {
	if len(data) > maxEnvelope {
		return nil, fmt.Errorf("envelope has %d bytes, more than the %d that an event needs", len(data), maxEnvelope)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("envelope is not valid UTF-8")
	}
	if _, err := objectKeys(data); err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	var e Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("envelope is not activity-core's JSON: %w", err)
	}
	return e.Attributes, e.check(kind)
}

func (e *Envelope) check(kind string) error {
	_, err := time.Parse(time.RFC3339, e.Timestamp)
	switch {
	case e.ID == "":
		return errors.New("envelope lacks the field \"id\"")
	case e.Type != kind:
		return fmt.Errorf("envelope has an event of type %q, must be %q", e.Type, kind)
	case e.Version != envelopeVersion:
		return fmt.Errorf("envelope has the version %q, must be %q", e.Version, envelopeVersion)
	case err != nil:
		return fmt.Errorf("envelope has the timestamp %q, must be an RFC 3339 time", e.Timestamp)
	case len(e.Attributes) == 0:
		return errors.New("envelope lacks the field \"attributes\"")
	}
	return nil
}
