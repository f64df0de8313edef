package gh

import (
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest/issues"
)

// All issues of up to 20 pages are listed. The error of a longer list comes after them.
func TestOpenIssues(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options      ghtest.Options
		open, listed int
		isComplete   bool
	}{
		{ghtest.Options{}, 0, 0, true},
		{ghtest.Options{}, 100, 100, true},
		{ghtest.Options{}, 2000, 2000, true},
		{ghtest.Options{}, 2001, 2000, false},
		{gitea, 1000, 1000, true},
		{gitea, 1001, 1000, false},
	} {
		list := &issues.Issues{Gitea: tt.options.Gitea}
		for range tt.open {
			list.Add(issues.Issue{State: "open"})
		}
		tt.options.Routes = list.Routes()
		server, _, clock := setup(t, tt.options)
		token := fixture.Canary("ghs_", "issues")
		server.AddToken(token, ghtest.Token{Kind: ghtest.Job, Access: map[string]ghtest.Permissions{
			"*": {Issues: "read"}}})
		listed := 0
		err := connect(t, server, clock, token).OpenIssues(t.Context(), "acme/web", func(Issue) bool {
			listed++
			return true
		})
		if listed != tt.listed || (err == nil) != tt.isComplete {
			t.Errorf("%d open issues, Gitea %t: %d listed, %v", tt.open, tt.options.Gitea, listed, err)
		}
		if err != nil && !strings.Contains(err.Error(), "more open issues than are searched") {
			t.Errorf("%d open issues: %v", tt.open, err)
		}
	}
}
