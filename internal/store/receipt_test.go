package store

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// encode renders r unchecked.
func encode(t testing.TB, r *Receipt) []byte {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wrongReceipts are receipts that prove nothing about bundleName, by their errors.
func wrongReceipts(t testing.TB) map[string]func(*Receipt) {
	return map[string]func(*Receipt){
		"is for the bundle":   func(r *Receipt) { r.Name = "kaizen.web.coach.2026-W47" },
		"has the event id":    func(r *Receipt) { r.ID = "evil/web/" + bundleName },
		"holds no valid":      func(r *Receipt) { r.Event = json.RawMessage(`{"event":"kaizen.schedule.prepared"}`) },
		`of agent "other"`:    func(r *Receipt) { r.Event = eventOf(t, "other", nil) },
		`ended as "failed"`:   func(r *Receipt) { r.Deliveries[1].Status = Failed },
		`ended as "dry-run"`:  func(r *Receipt) { r.Deliveries[0].Status = DryRun },
		`ended as ""`:         func(r *Receipt) { r.Deliveries = []Delivery{{}} },
		`in "acme/other"`:     func(r *Receipt) { r.Event = eventOf(t, "coach", artifactIn("acme/other", bundleName)) },
		`of artifact "other"`: func(r *Receipt) { r.Event = eventOf(t, "coach", artifactIn(repository, "other")) },
	}
}

func artifactIn(repository, name string) *event.Artifact {
	return &event.Artifact{Repository: repository, RunID: 1, Name: name, ID: 2, Digest: digestOf(nil),
		URL: "https://github.com/"}
}

func TestReceiptRoundTrip(t *testing.T) {
	t.Parallel()
	want := receiptOf(t, bundleName)
	want.Event = eventOf(t, "coach", artifactIn("Acme/Web", bundleName)) // GitHub ignores the case here
	data, err := encodeReceipt(want, home{name: repository})
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseReceipt(data, home{name: repository}, bundleName)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Event, want.Event) {
		t.Errorf("the event's bytes changed:\n%s\n%s", got.Event, want.Event)
	}
	if got.ID != want.ID || got.Name != want.Name || len(got.Deliveries) != 2 ||
		got.Deliveries[1] != want.Deliveries[1] {
		t.Errorf("got %+v", got)
	}
}

func TestWrongReceipts(t *testing.T) {
	t.Parallel()
	for want, change := range wrongReceipts(t) {
		r := receiptOf(t, bundleName)
		change(r)
		if _, err := parseReceipt(encode(t, r), home{name: repository}, bundleName); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("parse: want %q, got %v", want, err)
		}
		if _, err := encodeReceipt(r, home{name: repository}); want != "is for the bundle" && err == nil {
			t.Errorf("%q: such a receipt can be stored", want)
		}
	}
	for name, data := range map[string]string{
		"empty": "", "null": "null", "list": "[]", "text": `"receipt"`, "html": "<html>",
		"not UTF-8": "{\"id\":\"\xff\"}",
		"more":      string(encode(t, receiptOf(t, bundleName))) + "{}",
	} {
		if _, err := parseReceipt([]byte(data), home{name: repository}, bundleName); err == nil {
			t.Errorf("%s is a receipt", name)
		}
	}
	many := receiptOf(t, bundleName)
	many.Deliveries = []Delivery{{Channel: "nats", Target: strings.Repeat("a", maxReceipt), Status: Delivered}}
	if _, err := encodeReceipt(many, home{name: repository}); err == nil ||
		!strings.Contains(err.Error(), "fewer targets") {
		t.Errorf("a receipt over the limit: %v", err)
	}
}

func TestSiblings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, other string
		want        bool
	}{
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach.2026-W47", true},
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach.2026-W48", false},
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach.2026-W47.run-5", false},
		{"kaizen.web.coach.2026-W48.run-5", "kaizen.web.coach.2026-W47", true},
		{"kaizen.web.coach.2026-W48.run-5", "kaizen.web.coach.2026-W48", false},
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach2.2026-W47", false},
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach.", false},
		{"kaizen.web.coach.2026-W48", "kaizen.web.coach.x.2026-W47", false}, // repository web.coach, agent x
		{"kaizen.a.b.coach.2026-W48", "kaizen.a.b.coach.2026-W47", true},
		{"plain", "other", false},
	} {
		if got := siblings(test.name)(test.other); got != test.want {
			t.Errorf("%s, %s: got %t", test.name, test.other, got)
		}
	}
}

// FuzzUnpackReceipt checks that whatever a server sends is refused, or is a receipt that
// can be stored again.
func FuzzUnpackReceipt(f *testing.F) {
	f.Add(receiptZip(f, bundleName, nil))
	for _, change := range wrongReceipts(f) {
		f.Add(receiptZip(f, bundleName, change))
	}
	f.Add([]byte("PK\x05\x06"))
	f.Add(deflated(f, File{ReceiptFile, encode(f, receiptOf(f, bundleName))}))
	f.Fuzz(func(t *testing.T, data []byte) {
		content, err := unzipOnly(data, ReceiptFile, maxReceipt)
		if err != nil {
			return
		}
		r, err := parseReceipt(content, home{}, bundleName)
		if err != nil {
			return
		}
		again, err := encodeReceipt(r, home{})
		if err != nil {
			t.Fatalf("accepted, but can't be stored: %v", err)
		}
		if _, err := parseReceipt(again, home{}, bundleName); err != nil {
			t.Fatalf("stored, but can't be read: %v", err)
		}
	})
}

// FuzzParseReceipt skips the zip's checksum, which random changes hardly ever pass.
func FuzzParseReceipt(f *testing.F) {
	f.Add(encode(f, receiptOf(f, bundleName)))
	for _, change := range wrongReceipts(f) {
		r := receiptOf(f, bundleName)
		change(r)
		f.Add(encode(f, r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseReceipt(data, home{name: repository}, bundleName)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\x1b") {
				t.Fatalf("the error holds raw control characters: %q", err)
			}
			return
		}
		if r.Name != bundleName || !strings.EqualFold(r.ID, bundleid.EventID(repository, bundleName)) {
			t.Fatalf("accepted the receipt of %q, %q", r.Name, r.ID)
		}
	})
}
