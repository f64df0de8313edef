// Package spec holds the rules for single values of the manifest: its keys, and which
// names, paths, commands, cadences and time zones are valid.
// schema/schedule.schema.json states the same rules for editors.
package spec

// The keys of a manifest and of an entry, in the order in which messages list them.
// Both lists are read-only.
var (
	ManifestKeys = []string{"version", "timezone", "repo", "agents"}
	EntryKeys    = []string{"cadence", "cron", "enabled", "prompt", "memory", "metrics", "pointers", "session_close"}
)
