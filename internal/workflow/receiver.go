package workflow

import (
	"slices"

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
