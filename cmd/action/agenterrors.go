package main

import (
	"fmt"
	"strings"
)

// agentErrors collects the errors of agents. An error that many of them share, such as an
// unreadable ledger, is reported once.
type agentErrors struct {
	distinct []error
	agents   map[string][]string // by the text of their error
}

func (a *agentErrors) add(agent string, err error) {
	if a.agents == nil {
		a.agents = make(map[string][]string)
	}
	text := err.Error()
	if a.agents[text] == nil {
		a.distinct = append(a.distinct, err)
	}
	a.agents[text] = append(a.agents[text], agent)
}

// errors returns the errors in the order of their arrival, each with the agents that it
// affects.
func (a *agentErrors) errors() []error {
	var errs []error
	for _, err := range a.distinct {
		errs = append(errs, fmt.Errorf("%s: %w", someOf(a.agents[err.Error()]), err))
	}
	return errs
}

// someOf lists names; of a long list it lists only the first few.
func someOf(names []string) string {
	const few = 5
	if n := len(names) - few; n > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), n)
	}
	return strings.Join(names, ", ")
}
