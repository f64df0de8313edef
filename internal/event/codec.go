package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// MaxSize is the largest event in bytes. GitHub accepts a client_payload of at most
// 65,535 characters, and an event is ASCII.
const MaxSize = 65_535

const timeLayout = "2006-01-02T15:04:05Z"

// Validate checks e against the contract and returns all violations as one joined error.
func (e *Event) Validate() error {
	var errs []error
	check := func(ok bool, field, want string, got any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s must be %s, is %q", field, want, fmt.Sprint(got)))
		}
	}
	check(e.Event == Type, "event", Type, e.Event)
	check(e.Version == Version, "version", `"1"`, e.Version)
	check(isTime(e.OccurredAt), "occurred_at", "an RFC 3339 time", e.OccurredAt)
	check(spec.IsSlug(e.Repo), "repo", "a slug like kaizen-agentic", e.Repo)
	check(IsRoot(e.Root), "root", "an absolute path", e.Root)
	check(spec.IsAgent(e.Agent), "agent", "an agent name like coach", e.Agent)
	check(slices.Contains([]string{"daily", "weekly", "monthly"}, e.Cadence), "cadence", "daily, weekly or monthly",
		e.Cadence)
	check(e.PrepareCommand != "" && isLine(e.PrepareCommand), "prepare_command", "one command line", e.PrepareCommand)
	check(e.SessionClose != nil, "session_close", "a list", "null")
	for i, line := range e.SessionClose {
		check(line != "" && isLine(line), fmt.Sprintf("session_close[%d]", i), "one command line", line)
	}
	errs = append(errs, e.Bundle.validate()...)
	errs = append(errs, e.validateID()...)
	return errors.Join(errs...)
}

// validateID checks the event id, which must be that of this agent and period.
func (e *Event) validateID() []error {
	id, period := e.Bundle.ID, e.Bundle.Period
	if id == "" {
		return nil
	}
	repository, b, ok := bundleid.ParseEventID(id)
	switch {
	case !ok || !IsRepository(repository) && !spec.IsSlug(repository) || !isPlain(b.Repo):
		return []error{fmt.Errorf("bundle.id must be an event id like acme/web/kaizen.web.coach.2026-W48, is %q", id)}
	case b.Agent != e.Agent:
		return []error{fmt.Errorf("bundle.id must be of the agent %q, is %q", e.Agent, id)}
	case period != "" && b.Period != period:
		return []error{fmt.Errorf("bundle.id must be of the period %q, is %q", period, id)}
	}
	return nil
}

// isPlain reports whether s has the characters of a slug only. The length is not limited,
// because a bundle's name may have more in the slug's place.
func isPlain(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

func (b *Bundle) validate() (errs []error) {
	check := func(ok bool, field, want string, got any) {
		if !ok {
			errs = append(errs, fmt.Errorf("bundle.%s must be %s, is %q", field, want, fmt.Sprint(got)))
		}
	}
	check(b.Format == "markdown" || b.Format == "json", "format", "markdown or json", b.Format)
	check(b.Pointers != nil, "pointers", "a list", "null")
	for i, label := range b.Pointers {
		check(spec.IsAgent(label), fmt.Sprintf("pointers[%d]", i), "a label like scope", label)
	}
	check(b.Bytes >= 0, "bytes", "a size", b.Bytes)
	_, isPeriod := bundleid.PeriodStart(b.Period)
	check(b.Period == "" || isPeriod, "period", "a period like 2026-W48", b.Period)
	if a := b.Artifact; a != nil {
		check(IsRepository(a.Repository), "artifact.repository", "owner/name", a.Repository)
		check(a.RunID > 0, "artifact.run_id", "a run id", a.RunID)
		check(a.Name != "" && !strings.ContainsAny(a.Name, "\":<>|*?\r\n\\/"), "artifact.name", "an artifact name",
			a.Name)
		check(a.ID > 0, "artifact.id", "an artifact id", a.ID)
		check(isDigest(a.Digest), "artifact.digest", "sha256:<64 hex digits>", a.Digest)
		check(strings.HasPrefix(a.URL, "https://") || strings.HasPrefix(a.URL, "http://"), "artifact.url", "a URL",
			a.URL)
	}
	return errs
}

// isDigest reports whether s is the digest of a job artifact: sha256: and 64 lower-case
// hex digits.
func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// IsRoot reports whether s can be the event's root: an absolute path in UTF-8 without
// control characters.
func IsRoot(s string) bool { return isAbsolute(s) && isLine(s) }

// isAbsolute accepts absolute paths of Unix and of Windows, because the runner may have
// another operating system than the receiver.
func isAbsolute(s string) bool {
	drive := len(s) > 2 && s[1] == ':' && (s[2] == '\\' || s[2] == '/') && ('a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
	return strings.HasPrefix(s, "/") || drive
}

// isTime accepts every RFC 3339 time except leap seconds. The contract allows them all,
// although this program writes one form.
func isTime(s string) bool {
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return false
	}
	// time.Parse also accepts an hour of one digit, a comma before the fraction, and any
	// offset (https://go.dev/issue/54580).
	if s[len("2006-01-02T15")] != ':' || strings.Contains(s, ",") {
		return false
	}
	offset := s[len(s)-len("07:00"):]
	return strings.HasSuffix(s, "Z") || offset[:2] < "24" && offset[3:] < "60"
}

// isLine reports whether s is UTF-8 without control characters.
func isLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// Marshal validates e and encodes it as one line of ASCII, with the fields in the order
// of the contract. Every channel gets these bytes. Marshal escapes what a log or the
// runner could act on: control and bidirectional characters, and `##[`. The error is that
// of Validate, or says that the event has more than MaxSize bytes.
func (e *Event) Marshal() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("event for agent %q breaks the contract: %w", e.Agent, err)
	}
	line, err := encode(e)
	if err != nil {
		return nil, fmt.Errorf("encoding the event for agent %q: %w", e.Agent, err)
	}
	if len(line) > MaxSize {
		return nil,
			fmt.Errorf("event for agent %q has %d bytes, and the platform accepts %d: shorten session_close or drop "+
				"pointers in the manifest",
				e.Agent, len(line), MaxSize)
	}
	return line, nil
}

// encode returns v as JSON in one line of ASCII.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // the contract's example has <s>, not \u003cs\u003e
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return escapeASCII(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// Line returns valid JSON in one line of ASCII, as Marshal writes it. It changes neither the
// order of its members nor what they mean.
func Line(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	if err := json.Compact(&buf, data); err != nil {
		return nil, err
	}
	return escapeASCII(buf.Bytes()), nil
}

// escapeASCII escapes characters of valid JSON, where they can only be inside strings.
func escapeASCII(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		r, size := utf8.DecodeRune(in[i:])
		switch {
		case r == '[' && bytes.HasSuffix(out, []byte("##")), r == 0x7f:
			out = fmt.Appendf(out, `\u%04x`, r)
		case r < utf8.RuneSelf:
			out = append(out, in[i])
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		i += size
	}
	return out
}

// Parse reads an event from untrusted bytes, which must be one JSON object that fulfils
// the contract. It rejects unknown fields at the top level. Inside bundle it ignores
// them, because the contract may grow there.
func Parse(data []byte) (*Event, error) {
	var e Event
	if err := parse(data, requireFields, &e); err != nil {
		return nil, err
	}
	return &e, nil
}

// parse reads one event from untrusted bytes into e. require checks its fields.
func parse(data []byte, require func([]byte) error, e interface{ Validate() error }) error {
	if len(data) > MaxSize {
		return fmt.Errorf("event has %d bytes, more than the %d the platform carries", len(data), MaxSize)
	}
	if !utf8.Valid(data) {
		return errors.New("event is not valid UTF-8")
	}
	if err := require(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, e); err != nil {
		return fmt.Errorf("event is not the contract's JSON: %w", err)
	}
	if err := e.Validate(); err != nil {
		return fmt.Errorf("event breaks the contract: %w", err)
	}
	return nil
}

var (
	topFields = []string{"event", "version", "occurred_at", "repo", "root", "agent", "cadence", "prepare_command",
		"bundle", "session_close"}
	bundleFields = []string{"format", "agent_prompt_found", "has_memory", "has_metrics", "pointers", "bytes"}
)

// requireFields returns an error for fields that encoding/json would accept silently. A
// missing field would become a zero value, and a repeated or misspelled key would
// overwrite another one.
func requireFields(data []byte) error {
	if err := requireExactly(data, topFields); err != nil {
		return err
	}
	return requireBundleFields(data)
}

// requireExactly returns an error unless data is one JSON object with exactly these fields.
func requireExactly(data []byte, fields []string) error {
	top, err := objectKeys(data)
	if err != nil {
		return err
	}
	for _, key := range fields {
		if _, ok := top[key]; !ok {
			return fmt.Errorf("event lacks the field %q", key)
		}
		delete(top, key)
	}
	for _, key := range slices.Sorted(maps.Keys(top)) {
		return fmt.Errorf("event has the field %q, which version 1 does not know", key)
	}
	return nil
}

func requireBundleFields(data []byte) error {
	var raw struct {
		Bundle json.RawMessage `json:"bundle"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("event is not the contract's JSON: %w", err)
	}
	bundle, err := objectKeys(raw.Bundle)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	for _, key := range bundleFields {
		if _, ok := bundle[key]; !ok {
			return fmt.Errorf("event lacks the field %q", "bundle."+key)
		}
	}
	if _, ok := bundle["artifact"]; !ok {
		return nil
	}
	var stored struct {
		Artifact json.RawMessage `json:"artifact"`
	}
	if err := json.Unmarshal(raw.Bundle, &stored); err != nil {
		return fmt.Errorf("event is not the contract's JSON: %w", err)
	}
	if _, err := objectKeys(stored.Artifact); err != nil {
		return fmt.Errorf("bundle.artifact: %w", err)
	}
	return nil
}

// objectKeys returns the keys of data, which must be one JSON object.
func objectKeys(data []byte) (map[string]struct{}, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	switch tok, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("event is empty, not a JSON object")
	case err != nil:
		return nil, fmt.Errorf("event is not a JSON object: %w", err)
	case tok != json.Delim('{'):
		return nil, fmt.Errorf("event is %s, not a JSON object", kindOf(tok))
	}
	keys, folded := make(map[string]struct{}), make(map[string]struct{})
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("event is not valid JSON: %w", err)
		}
		key, _ := tok.(string)
		// encoding/json ignores the case of keys, so "Bytes" would silently override "bytes". In
		// both cases, because "ſ" is lower and becomes "S", and "K" (Kelvin) becomes "k".
		fold := strings.ToUpper(strings.ToLower(key))
		if _, ok := folded[fold]; ok {
			return nil, fmt.Errorf("event has the field %q twice", key)
		}
		folded[fold], keys[key] = struct{}{}, struct{}{}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("event is not valid JSON: %w", err)
		}
		if bytes.Equal(value, []byte("null")) {
			return nil, fmt.Errorf("field %q is null", key)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("event is not valid JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("event is followed by more data")
	}
	return keys, nil
}

// kindOf names the kind of JSON value that a token begins.
func kindOf(tok json.Token) string {
	switch tok.(type) {
	case json.Delim:
		return "a list"
	case string:
		return "a text"
	case float64:
		return "a number"
	case bool:
		return "true or false"
	}
	return "null"
}

// IsRepository reports whether s is a full repository name, owner/name.
func IsRepository(s string) bool { return bundleid.IsRepository(s) }
