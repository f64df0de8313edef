package bundleid

import (
	"strings"
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		bundle Bundle
		name   string
	}{
		{Bundle{Entry{Repo: "web", Agent: "coach"}, "2026-W48", ""}, "kaizen.web.coach.2026-W48"},
		{Bundle{Entry{Repo: "a.b.c", Agent: "x-1_y"}, "2026-11-23", ""}, "kaizen.a.b.c.x-1_y.2026-11-23"},
		{Bundle{Entry{Repo: "web", Agent: "coach"}, "2026-11", "123"}, "kaizen.web.coach.2026-11.run-123"},
		{Bundle{Entry{Repo: "web", Agent: "coach"}, "2026-11-26T0900Z", "20261126T101112Z"},
			"kaizen.web.coach.2026-11-26T0900Z.run-20261126T101112Z"},
		{Bundle{Entry{Repo: "receipt", Agent: "receipt"}, "2026-W48", ""}, "kaizen.receipt.receipt.2026-W48"},
		{Bundle{Entry{Repo: "kaizen", Agent: "run-1"}, "2026-W48", ""}, "kaizen.kaizen.run-1.2026-W48"},
		{Bundle{Entry{Repo: "web-abc123", Agent: "coach"}, "2026-W48", ""}, "kaizen.web-abc123.coach.2026-W48"},
		{Bundle{Entry{Repo: "-abc123", Agent: "coach"}, "2026-W48", ""}, "kaizen.-abc123.coach.2026-W48"},
	}
	for _, tt := range tests {
		if got := tt.bundle.Name(); got != tt.name {
			t.Errorf("Name() = %q, want %q", got, tt.name)
		}
		if got, ok := Parse(tt.name); !ok || got != tt.bundle {
			t.Errorf("Parse(%q) = %+v %t", tt.name, got, ok)
		}
		if got, ok := ParseReceipt(tt.bundle.ReceiptName()); !ok || got != tt.bundle {
			t.Errorf("ParseReceipt(%q) = %+v %t", tt.bundle.ReceiptName(), got, ok)
		}
		if repository, got, ok := ParseEventID(tt.bundle.EventID("acme/web")); !ok || got != tt.bundle ||
			repository != "acme/web" {
			t.Errorf("ParseEventID(%q) = %q %+v %t", tt.bundle.EventID("acme/web"), repository, got, ok)
		}
		if _, ok := Parse(tt.bundle.ReceiptName()); ok {
			t.Errorf("Parse takes the receipt %q for a bundle", tt.bundle.ReceiptName())
		}
		if _, ok := ParseReceipt(tt.name); ok {
			t.Errorf("ParseReceipt takes the bundle %q for a receipt", tt.name)
		}
	}
}

func TestNoNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "kaizen.", "kaizen.web.coach", "kaizen.web.2026-W48", "kaizen..coach.2026-W48", "kaizen.web..2026-W48",
		"web.coach.2026-W48",
		"kaizen.web.coach.2026-W99", "kaizen.web.coach.2026-W48.", "kaizen.web.coach.2026-W48.run-",
		"kaizen.web.coach.2026-W48.run-x",
		"kaizen.web.coach.2026-W48.partial", "kaizen.web.coach.run-1", "Kaizen.web.coach.2026-W48",
	} {
		if got, ok := Parse(name); ok {
			t.Errorf("Parse(%q) = %+v", name, got)
		}
	}
	for _, id := range []string{"", "kaizen.web.coach.2026-W48", "/kaizen.web.coach.2026-W48", "acme/web/",
		"acme/web/x"} {
		if repository, got, ok := ParseEventID(id); ok {
			t.Errorf("ParseEventID(%q) = %q %+v", id, repository, got)
		}
	}
}

// TestSources compares the names of sources with the same slug and agent. Those of one
// source never change, since receipts are found by them.
func TestSources(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, source := range []struct{ origin, path, digits string }{
		{"", "packages/web", "4fa8eb"}, {"", "packages/api", ""}, {"github.com/acme/web", ".", ""},
		{"github.com/acme/web", "packages/web", ""}, {"github.com/other/web", ".", ""}, {"./packages", "web", ""},
	} {
		digits := Source(source.origin, source.path)
		if source.digits != "" && digits != source.digits {
			t.Errorf("%+v: got %s", source, digits)
		}
		b := Bundle{Entry{"web", digits, "coach"}, "2026-W48", "7"}
		name := b.Name()
		if other := seen[name]; other != "" {
			t.Errorf("%+v has the name of %s", source, other)
		}
		seen[name] = source.origin + " " + source.path
		if want := "kaizen.web-" + digits + ".coach.2026-W48.run-7"; name != want {
			t.Errorf("%+v: name %s, want %s", source, name, want)
		}
		got, ok := Parse(name)
		if !ok || got.Name() != name || !got.Of("web", "coach") || !got.Of("web-"+digits, "coach") {
			t.Errorf("Parse(%q) = %+v %t", name, got, ok)
		}
		if got.Of("we", "coach") || got.Of("web", "other") || got.Of("web-"+digits[:3], "coach") ||
			got.Of("", "coach") {
			t.Errorf("%s is of another repository or agent", name)
		}
	}
	if b := (Bundle{Entry: Entry{Repo: "web-12345g", Agent: "coach"}}); b.Of("web", "coach") ||
		!b.Of("web-12345g", "coach") {
		t.Error("12345g are taken for digits")
	}
}

func TestPartial(t *testing.T) {
	t.Parallel()
	const bundle = "kaizen.web.coach.2026-W48"
	name := PartialName(bundle)
	if got, ok := CutPartial(name); name != bundle+".partial" || !ok || got != bundle {
		t.Errorf("%q, %q %t", name, got, ok)
	}
	if _, ok := CutPartial(ReceiptName(bundle)); ok {
		t.Error("a receipt is taken for a partial delivery")
	}
	for _, parse := range []func(string) (Bundle, bool){Parse, ParseReceipt} {
		if b, ok := parse(name); ok {
			t.Errorf("%q is read as %+v", name, b)
		}
	}
}

func TestReceived(t *testing.T) {
	t.Parallel()
	tests := []struct{ id, name string }{
		{"acme/web/kaizen.web.coach.2026-W48", "kaizen.web-DIGITS.coach.2026-W48.received"},
		{"Acme/Web/kaizen.web.coach.2026-W48", "kaizen.web-DIGITS.coach.2026-W48.received"},
		{"acme/web/kaizen.web-abc123.coach.2026-11.run-7", "kaizen.web-abc123-DIGITS.coach.2026-11.run-7.received"},
		{"web/kaizen.web.coach.2026-11-26T0900Z", "kaizen.web-SLUG.coach.2026-11-26T0900Z.received"},
	}
	replace := strings.NewReplacer("DIGITS", "2bce8445062b30ed", "SLUG", Sender("web"))
	for _, tt := range tests {
		repository, b, ok := ParseEventID(tt.id)
		if !ok {
			t.Fatal(tt.id)
		}
		name := ReceivedName(repository, b)
		if want := replace.Replace(tt.name); name != want {
			t.Errorf("%s: got %s, want %s", tt.id, name, want)
		}
		got, ok := ParseReceived(name)
		if !ok || got != b.In(repository) {
			t.Errorf("ParseReceived(%q) = %+v %t", name, got, ok)
		}
		for _, parse := range []func(string) (Bundle, bool){Parse, ParseReceipt} {
			if b, ok := parse(name); ok {
				t.Errorf("%q is read as %+v", name, b)
			}
		}
	}
	for _, name := range []string{"kaizen.web.coach.2026-W48.received", "kaizen.web-abc123.coach.2026-W48.received",
		"kaizen.-2bce8445062b30ed.coach.2026-W48.received", "kaizen.web-2bce8445062b30eg.coach.2026-W48.received",
		"kaizen.web-2bce8445062b30ed.coach.2026-W48", "kaizen.web-2bce8445062b30ed.received",
		"kaizen.web-2bce8445062b30ed.coach.2026-W48.received.receipt", ""} {
		if b, ok := ParseReceived(name); ok {
			t.Errorf("ParseReceived(%q) = %+v", name, b)
		}
	}
}

// TestSender compares repositories whose names were searched so that they have the digits of
// a source in common. The record of one must not be taken for that of the other.
func TestSender(t *testing.T) {
	t.Parallel()
	const victim, attacker = "acme/web", "acme/web-16608600"
	b, _ := Parse("kaizen.web.coach.2026-W48")
	if Source(victim, "") != Source(attacker, "") {
		t.Error("the names have no digits in common")
	}
	if name := ReceivedName(victim, b); name == ReceivedName(attacker, b) {
		t.Errorf("%s is also the record of %s", name, attacker)
	}
}

func TestPeriodStart(t *testing.T) {
	t.Parallel()
	tests := []struct{ period, start string }{
		{"2026-11-23", "2026-11-23T00:00:00Z"}, {"2026-11", "2026-11-01T00:00:00Z"},
		{"2026-W48", "2026-11-23T00:00:00Z"},
		{"2026-W53", "2026-12-28T00:00:00Z"}, {"2027-W01", "2027-01-04T00:00:00Z"},
		{"2026-11-26T0900Z", "2026-11-26T09:00:00Z"},
		{"2026-W99", ""}, {"2026-W00", ""}, {"2026-W4", ""}, {"2026-W+4", ""}, {"2026-W40.run-7", ""}, {"", ""},
		{"2026", ""},
		{"x-W01", ""}, {"2026-13", ""},
	}
	for _, tt := range tests {
		got, ok := PeriodStart(tt.period)
		if text := got.Format(time.RFC3339); ok != (tt.start != "") || ok && text != tt.start {
			t.Errorf("PeriodStart(%q) = %s %t, want %q", tt.period, text, ok, tt.start)
		}
	}
}

func TestLatestBefore(t *testing.T) {
	t.Parallel()
	tests := []struct {
		periods      []string
		period, want string
	}{
		{[]string{"2026-W46", "2026-W47", "2026-W48", "2026-W49"}, "2026-W48", "2026-W47"},
		{[]string{"2026-11-25", "2026-11-25T2300Z", "2026-11-26T0900Z"}, "2026-11-26", "2026-11-25T2300Z"},
		{[]string{"x", ""}, "2026-11-26", ""},
		{nil, "2026-W48", ""},
	}
	for _, tt := range tests {
		if got := LatestBefore(tt.periods, tt.period); got != tt.want {
			t.Errorf("LatestBefore(%q, %q) = %q, want %q", tt.periods, tt.period, got, tt.want)
		}
	}
}

// FuzzParse holds that what is parsed is formatted to the same text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"kaizen.web.coach.2026-W48", "kaizen.a.b.coach.2026-11-26T0900Z.run-12", "kaizen.web.coach.2026-11.receipt",
		"acme/web/kaizen.web.coach.2026-11-23", "kaizen.run-1.run-2.2026-11.run-3",
		"kaizen.web-0a1b2c.coach.2026-11.run-3", "kaizen.web-0a1b2c.coach.2026-W48.partial",
		"kaizen.web-0a1b2c3d4e5f6a7b.coach.2026-W48.run-7.received",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if b, ok := Parse(text); ok && b.Name() != text {
			t.Errorf("Parse(%q) = %+v, whose name is %q", text, b, b.Name())
		}
		if b, ok := ParseReceipt(text); ok && b.ReceiptName() != text {
			t.Errorf("ParseReceipt(%q) = %+v, whose receipt is %q", text, b, b.ReceiptName())
		}
		if b, ok := ParseReceived(text); ok && b.Name()+receivedSuffix != text {
			t.Errorf("ParseReceived(%q) = %+v", text, b)
		}
		if repository, b, ok := ParseEventID(text); ok {
			name := ReceivedName(repository, b)
			if got, ok := ParseReceived(name); !ok || got != b.In(repository) {
				t.Errorf("the record of %q is %q, read as %+v %t", text, name, got, ok)
			}
		}
		if repository, b, ok := ParseEventID(text); ok && b.EventID(repository) != text {
			t.Errorf("ParseEventID(%q) = %q %+v, whose id is %q", text, repository, b, b.EventID(repository))
		}
	})
}
