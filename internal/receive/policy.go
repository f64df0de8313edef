package receive

import (
	"fmt"
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// Policy says which events are accepted.
type Policy struct {
	// Allow are glob patterns of owner/repo. A pattern without a slash is one of slugs, for
	// events that name no repository. An event that matches none is refused.
	Allow []string
	// AllowAgents are glob patterns of agents; none allows all.
	AllowAgents []string
}

// NewPolicy checks the patterns. Without allow, all repositories of the owner of repository
// are allowed.
func NewPolicy(allow, allowAgents []string, repository string) (Policy, error) {
	owner, _, known := strings.Cut(repository, "/")
	if len(allow) == 0 {
		if !known {
			return Policy{}, advice.New("set allow, such as acme/*", "it is not known whose events are allowed")
		}
		allow = []string{owner + "/*"}
	}
	for _, p := range allow {
		if err := checkPattern(p, 1); err != nil {
			return Policy{}, fmt.Errorf("allow: %w", err)
		}
	}
	for _, p := range allowAgents {
		if err := checkPattern(p, 0); err != nil {
			return Policy{}, fmt.Errorf("allow-agents: %w", err)
		}
	}
	return Policy{allow, allowAgents}, nil
}

// checkPattern refuses a pattern that can never match.
func checkPattern(p string, slashes int) error {
	const hint = "use * for any characters but a slash, as in acme/* or acme/web-*"
	switch _, err := path.Match(p, ""); {
	case err != nil:
		return advice.New(hint, "%q is not a glob pattern", p)
	case strings.Count(p, "/") > slashes:
		return advice.New(hint, "%q has too many slashes", p)
	}
	return nil
}

// check returns why the policy refuses an event, nil if it accepts it.
func (p Policy) check(e *Event) *Refusal {
	if !matchesAny(p.Allow, e.Origin) {
		what := "the repository"
		switch {
		case e.Repository() != "":
		case e.Event.Bundle.ID == "":
			what = "the event has no bundle.id, and its slug"
		default:
			what = "the slug"
		}
		return refuse("not-allowed", fmt.Sprintf("add %s to allow to accept it", e.Origin),
			"%s %q is not among those that are allowed: %s", what, e.Origin, advice.Some(p.Allow, 5))
	}
	if len(p.AllowAgents) > 0 && !matchesAny(p.AllowAgents, e.Agent) {
		return refuse("agent-not-allowed", fmt.Sprintf("add %s to allow-agents to accept it", e.Agent),
			"the agent %q is not among those that are allowed: %s", e.Agent, advice.Some(p.AllowAgents, 5))
	}
	return nil
}

// matchesAny compares without regard to case, as the platforms do with the names of
// repositories.
func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(strings.ToLower(p), strings.ToLower(name)); ok {
			return true
		}
	}
	return false
}
