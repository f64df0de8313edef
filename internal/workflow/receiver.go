package workflow

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// ReceivesDispatch reports whether a workflow file of any repository listens for
// repository_dispatch, and whether for eventType: `types` is missing or contains it. An
// invalid file does not listen, and an empty list of types matches no event. The file
// must be on the default branch, because GitHub ignores other branches.
func ReceivesDispatch(data []byte, eventType string) (listens, typeMatches bool) {
	root, problems := yamlnode.Parse(data, workflowLimits)
	if problems != nil {
		return false, false
	}
	const event = "repository_dispatch"
	w := File{on: root.Get("on").Resolve()}
	if !w.hasTrigger(event) {
		return false, false
	}
	types := w.on.Get(event).Get("types").Resolve()
	isType := func(n *yamlnode.Node) bool { return n.Text() == eventType }
	switch {
	case types == nil, types.Absent, types.Kind == yamlnode.Scalar && types.Style == yamlnode.Plain &&
		slices.Contains([]string{"null", "~"}, types.Value):
		return true, true
	}
	return true, isType(types) || slices.ContainsFunc(types.Items, isType)
}

// CheckStart reports what keeps data, a workflow file of any repository, from being
// started by workflow_dispatch with input as its only input, as the end of a sentence, and
// the next step. Both are "" if nothing does.
func CheckStart(data []byte, input string) (problem, hint string) {
	const event = "workflow_dispatch"
	declare := fmt.Sprintf("declare on: { %s: { inputs: { %s: { type: string, required: true } } } }", event, input)
	root, problems := yamlnode.Parse(data, workflowLimits)
	if problems != nil {
		return "is not a valid workflow", "correct it: " + problems[0].Message
	}
	w := File{on: root.Get("on").Resolve()}
	if !w.hasTrigger(event) {
		return "does not listen for " + event, declare
	}
	inputs := w.on.Get(event).Get("inputs").Resolve()
	declared := inputs.Get(input)
	if declared == nil {
		return "declares no input " + strconv.Quote(input), declare
	}
	if kind := declared.Get("type").Resolve().Text(); kind != "" && kind != "string" {
		return fmt.Sprintf("declares the input %q with the type %q", input, kind), "declare it with the type string"
	}
	for _, p := range inputs.Pairs {
		if p.Key.Text() != input && p.Value.Get("required").Text() == "true" && p.Value.Get("default") == nil {
			return "requires the input " + diag.Quote(p.Key.Text()), "give it a default: only " + input + " is sent"
		}
	}
	return "", ""
}
