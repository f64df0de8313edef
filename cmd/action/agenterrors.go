package main

import (
	"fmt"
	"strings"
)

// agentErrors collects what went wrong with agents. What concerns many of them alike, such as a ledger out of reach, is told once.
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

// errors are the errors in the order in which they came, each with the agents that it concerns.
func (a *agentErrors) errors() []error {
	var errs []error
	for _, err := range a.distinct {
		errs = append(errs, fmt.Errorf("%s: %w", someOf(a.agents[err.Error()]), err))
	}
	return errs
}

// someOf lists names, and of many only the first few.
func someOf(names []string) string {
	const few = 5
	if n := len(names) - few; n > 1 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:few], ", "), n)
	}
	return strings.Join(names, ", ")
}
