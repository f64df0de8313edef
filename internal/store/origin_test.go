package store

import (
	"strings"
	"testing"
)

// TestRejects checks each part of where a receipt comes from by itself. A part that is not
// known speaks against nothing, but the receipt is not trusted then.
func TestRejects(t *testing.T) {
	t.Parallel()
	from := origin{repository: 77, branch: "main"}
	own := source{repository: 77, headRepository: 77, branch: "main", event: "schedule", path: "k.yml"}
	for _, tt := range []struct {
		name    string
		change  func(*source)
		rejects string // a part of the reason; "" for none
		trusts  bool
	}{
		{"own", func(*source) {}, "", true},
		{"another repository", func(s *source) { s.repository = 78 }, "belongs to the repository with id 78", false},
		{"a fork", func(s *source) { s.headRepository = 78 }, "comes from a fork", true},
		{"a pull request", func(s *source) { s.event = "pull_request" }, "a run for pull_request", true},
		{"pull_request_target", func(s *source) { s.event = "pull_request_target" },
			"a run for pull_request_target", true},
		{"another branch", func(s *source) { s.branch = "next" }, `comes from branch "next"`, false},
		{"a tag", func(s *source) { s.branch, s.path = "", "k.yml@refs/tags/main" },
			`comes from "refs/tags/main"`, false},
		{"a pull", func(s *source) { s.branch, s.path = "", "k.yml@refs/pull/1/head" }, "refs/pull/1/head", false},
		{"unknown repository", func(s *source) { s.repository = 0 }, "", false},
		{"unknown branch", func(s *source) { s.branch = "" }, "", false},
		{"unknown head", func(s *source) { s.headRepository = 0 }, "", true},
		{"unknown head and event", func(s *source) { s.headRepository, s.event = 0, "" }, "", false},
	} {
		s := own
		tt.change(&s)
		reason := ""
		if err := from.rejects(s); err != nil {
			reason = err.Error()
		}
		if reason == "" != (tt.rejects == "") || !strings.Contains(reason, tt.rejects) {
			t.Errorf("%s: rejected because it %q, want %q", tt.name, reason, tt.rejects)
		}
		if got := from.trusts(s); got != tt.trusts {
			t.Errorf("%s: trusted %t", tt.name, got)
		}
	}
}
