package render

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// AgentErrors collects the errors of agents. An error that many of them share, such as an
// unreadable ledger, is reported once. The zero value is empty.
type AgentErrors struct {
	distinct []error
	agents   map[string][]string // by the text of their error
}

// Add adds the error of an agent.
func (a *AgentErrors) Add(agent string, err error) {
	if a.agents == nil {
		a.agents = make(map[string][]string)
	}
	text := err.Error()
	if a.agents[text] == nil {
		a.distinct = append(a.distinct, err)
	}
	a.agents[text] = append(a.agents[text], agent)
}

// Errors returns the errors in the order in which they were first added, each with the
// agents that it affects.
func (a *AgentErrors) Errors() []error {
	const named = 5
	var errs []error
	for _, err := range a.distinct {
		errs = append(errs, fmt.Errorf("%s: %w", advice.Some(a.agents[err.Error()], named), err))
	}
	return errs
}
