package render

import (
	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// stopReason says in a few words why a run ended early. Errors about a limit have a next
// step; anything else is a signal.
func stopReason(err error) string {
	if message, hint := advice.Split(err); hint != "" {
		return message
	}
	return "the run was cancelled"
}

// stopVerdict begins the summary of a run that ended early.
func stopVerdict(err error) string {
	if message, hint := advice.Split(err); hint != "" {
		return "❌ Stopped: " + message
	}
	return "❌ Cancelled"
}

// Stopped returns what a command reports that ended before it had a result. The outputs are
// those of a usage error.
func Stopped(why error) (actions.Outputs, actions.Summary) { return UsageError(why) }
