package advice_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	full := &advice.Error{Message: "the disk is full", Hint: "free some space", Err: io.ErrShortWrite}
	tests := []struct {
		err           error
		message, hint string
	}{
		{full, "the disk is full", "free some space"},
		{fmt.Errorf("storing %q: %w", "a: b", full), `storing "a: b": the disk is full`, "free some space"},
		{&advice.Error{Message: "outer: " + full.Error(), Err: full}, "outer: the disk is full", "free some space"},
		{&advice.Error{Message: "no: hint"}, "no: hint", ""},
		{errors.New("plain: text"), "plain: text", ""},
		{errors.Join(io.EOF, full), "EOF\nthe disk is full", "free some space"},
	}
	for _, tt := range tests {
		message, hint := advice.Split(tt.err)
		if message != tt.message || hint != tt.hint {
			t.Errorf("%v: got %q and %q", tt.err, message, hint)
		}
		if got := advice.Join(message, hint); got != tt.err.Error() {
			t.Errorf("%v: joined again: %q", tt.err, got)
		}
	}
	if !errors.Is(full, io.ErrShortWrite) {
		t.Error("the cause is lost")
	}
}

func TestSome(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{
		0: "",
		1: "a",
		3: "a, b, c",
		4: "a, b, c, d", // a name takes no more room than "and 1 more"
		5: "a, b, c and 2 more",
	} {
		if got := advice.Some(strings.Split("abcde", "")[:n], 3); got != want {
			t.Errorf("%d names: got %q, want %q", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n    int
		noun string
		want string
	}{
		{0, "agent", "0 agents"},
		{1, "agent", "1 agent"},
		{3, "agent", "3 agents"},
		{1, "entry", "1 entry"},
		{2, "entry", "2 entries"},
		{2, "day", "2 days"},
		{2, "key", "2 keys"},
	} {
		if got := advice.Count(tt.n, tt.noun); got != tt.want {
			t.Errorf("Count(%d, %q) is %q, want %q", tt.n, tt.noun, got, tt.want)
		}
	}
}
