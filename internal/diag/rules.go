package diag

// Rule is one check. Users see its ID in findings, docs/rules.md and SARIF, and write it
// into `# kaizen-ignore:` comments.
type Rule struct {
	ID       string
	Severity Severity
	// Summary is one sentence, shown in docs/rules.md and SARIF.
	Summary string
}

// At returns a finding of this rule.
func (r Rule) At(file string, line, column int, message, hint string) Finding {
	return Finding{File: file, Line: line, Column: column, Rule: r.ID, Severity: r.Severity, Message: message,
		Hint: hint}
}

// The rules for a whole file.
var (
	Unreadable = Rule{"unreadable", Error, "The file is missing, is not a regular file, or cannot be read."}
	TooLarge   = Rule{"too-large", Error,
		"A manifest has at most 256 KiB, 10,000 keys and values, 40,000 characters of punctuation, and a depth of 32."}
	Encoding = Rule{"encoding", Error,
		"A manifest is UTF-8 text without control characters, and its spaces are plain spaces."}
	Syntax        = Rule{"yaml-syntax", Error, "A manifest is well-formed YAML."}
	OneDocument   = Rule{"one-document", Error, "A manifest is a single YAML document with content."}
	NoAlias       = Rule{"no-alias", Error, "Anchors, aliases, merge keys and explicit tags are not used."}
	UnknownKey    = Rule{"unknown-key", Error, "Only the documented keys are allowed."}
	DuplicateKey  = Rule{"duplicate-key", Error, "A mapping has each key once."}
	MissingKey    = Rule{"missing-key", Error, "version, agents, and in each entry cadence, are required."}
	WrongType     = Rule{"wrong-type", Error, "A value has the type its key asks for."}
	UnknownIgnore = Rule{"unknown-ignore", Warning,
		"A kaizen-ignore comment is well-formed, and names an existing rule that is a warning."}
)

// The rules for the values in a manifest.
var (
	Version     = Rule{"version", Error, `The version is the string "1".`}
	Repo        = Rule{"repo", Error, "The repo is a State Hub slug."}
	Timezone    = Rule{"timezone", Error, "The timezone is an IANA name."}
	FixedOffset = Rule{"fixed-offset", Warning,
		"The timezone names a place, so that it follows changes of the local clock."}
	ListForm    = Rule{"list-form", Error, "The agents are a mapping of names to settings."}
	EmptyAgents = Rule{"empty-agents", Error, "The mapping of agents has at least one entry."}
	Agent       = Rule{"agent", Error,
		"An agent's name is 1 to 64 letters, digits, hyphens and underscores, and neither all nor due."}
	DuplicateAgent = Rule{"duplicate-agent", Error, "An agent has one entry."}
	Cadence        = Rule{"cadence", Error, "The cadence is daily, weekly or monthly."}
	Cron           = Rule{"cron", Error, "The cron has five fields and matches at some time."}
	CronCadence    = Rule{"cron-cadence", Warning,
		"The cron matches at least once in every day, week or month of its cadence."}
	Path         = Rule{"path", Error, "A path is relative and stays inside the repository."}
	MissingFile  = Rule{"missing-file", Error, "Every path in the manifest exists, as a regular file or a directory."}
	PointerLabel = Rule{"pointer-label", Error,
		"A pointer's label is 1 to 64 letters, digits, hyphens and underscores."}
	SessionClose = Rule{"session-close", Error, "A session_close line is one command on one line."}
)

// The rules for the other files of the checkout.
var (
	MisspeltAgent = Rule{"misspelt-agent", Error,
		"An agent's name matches a prompt in the repository, without a typo."}
	NoPrompt        = Rule{"no-prompt", Warning, "Every enabled agent has a prompt, named or found by convention."}
	AmbiguousPrompt = Rule{"ambiguous-prompt", Warning,
		"Only one convention finds the prompt; if several do, the first one wins."}
	ConventionCollide = Rule{"convention-collision", Warning, "Two agents do not share one file by convention."}
	NameClash         = Rule{"name-clash", Warning,
		"No two manifests of a workspace give their bundles the same names."}
	IgnoredFile = Rule{"ignored-file", Warning,
		"No .gitignore file excludes an agent's memory or metrics."}
	EmptyPrompt   = Rule{"empty-prompt", Warning, "A prompt has text besides its front matter and comments."}
	LongPrompt    = Rule{"long-prompt", Warning, "A prompt has at most 30,000 characters."}
	GitLFS        = Rule{"git-lfs", Error, "The manifest and the files of a bundle are not Git LFS pointers."}
	LinkAsText    = Rule{"link-as-text", Warning, "A symbolic link is checked out as a link, not as text."}
	Secret        = Rule{"secret", Error, "The files of a bundle contain no secret."}
	HiddenUnicode = Rule{"hidden-unicode", Warning,
		"The files that an agent reads contain no invisible or direction-changing characters."}
	LargeFile   = Rule{"large-file", Warning, "A file of a bundle has at most 256 KiB."}
	LargeBundle = Rule{"large-bundle", Warning, "A bundle has at most 1 MiB."}
	InvalidUTF8 = Rule{"invalid-utf8", Warning, "The files of a bundle are UTF-8 text."}
	BadMetrics  = Rule{"bad-metrics", Warning, "Metrics are JSON as kaizen-agentic records them."}
	Changed     = Rule{"changed", Error,
		"A stored bundle and its source files match its sources.json."}
)

// The rules for the workflows that run this action.
var (
	WorkflowSchedule = Rule{"workflow-schedule", Warning,
		"Each item of on.schedule has a cron that the platform accepts."}
	WorkflowStep = Rule{"workflow-step", Warning,
		"A step with this action delivers something, follows a checkout, and has only inputs of this action."}
	CronCoverage  = Rule{"cron-coverage", Warning, "A workflow's cron ticks inside every period of the manifest."}
	CronOnTheHour = Rule{"cron-on-the-hour", Warning,
		"A cron off the hour is less likely to be delayed or dropped."}
	WorkflowPermission  = Rule{"workflow-permission", Warning, "The job has the permissions that its inputs need."}
	WorkflowConcurrency = Rule{"workflow-concurrency", Warning,
		"The scheduled workflow has a concurrency group that does not cancel."}
	Retention = Rule{"retention", Warning, "Receipts are kept for their period and one more."}
)

// Rules lists all rules in the order of docs/rules.md.
var Rules = []Rule{
	Unreadable, TooLarge, Encoding, Syntax, OneDocument, NoAlias, UnknownKey, DuplicateKey, MissingKey, WrongType,
	UnknownIgnore,
	Version, Repo, Timezone, FixedOffset, ListForm, EmptyAgents, Agent, DuplicateAgent, Cadence, Cron, CronCadence,
	Path, MissingFile, PointerLabel, SessionClose,
	MisspeltAgent, NoPrompt, AmbiguousPrompt, ConventionCollide, NameClash, IgnoredFile, EmptyPrompt, LongPrompt,
	GitLFS,
	LinkAsText,
	Secret, HiddenUnicode, LargeFile, LargeBundle, InvalidUTF8, BadMetrics, Changed,
	WorkflowSchedule, WorkflowStep, CronCoverage, CronOnTheHour, WorkflowPermission, WorkflowConcurrency, Retention,
}
