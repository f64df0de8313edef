package suggest_test

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// TestFixedWords loads the entry of every fixed word.
func TestFixedWords(t *testing.T) {
	t.Parallel()
	for word, entry := range suggest.FixedWords() {
		if entry == "" {
			t.Errorf("%q has no entry", word)
		}
		text := "version: \"1\"\nagents:\n  coach: " + entry + " # kaizen-ignore: cron-cadence\n"
		if _, findings := schedule.Load("f", []byte(text), schedule.Options{}); len(findings) > 0 {
			t.Errorf("%q: %s: %v", word, entry, findings)
		}
	}
}
