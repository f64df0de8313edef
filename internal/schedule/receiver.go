package schedule

import "slices"

// ReceivesDispatch reports whether data, a workflow file of any repository, listens for repository_dispatch, and whether it does so
// for eventType: `types` is left out or names it. A file that can't be read as a workflow listens for nothing; an empty list of types
// is one that no event matches. Only a workflow on its repository's default branch counts, which the caller sees to.
func ReceivesDispatch(data []byte, eventType string) (listens, typeMatches bool) {
	root, problems := parseYAML(data, workflowLimits)
	if problems != nil {
		return false, false
	}
	const event = "repository_dispatch"
	w := workflow{on: root.get("on").resolve()}
	if !w.hasTrigger(event) {
		return false, false
	}
	types := w.on.get(event).get("types").resolve()
	isType := func(n *node) bool { return text(n) == eventType }
	switch {
	case types == nil, types.absent, types.kind == scalarNode && types.style == plainStyle && slices.Contains([]string{"null", "~"}, types.value):
		return true, true
	}
	return true, isType(types) || slices.ContainsFunc(types.items, isType)
}
