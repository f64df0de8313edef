package main

import (
	"slices"
	"strings"
)

// option declares one flag and the action's input of the same name. A test compares
// action.yml, the README's table and --help with this list.
type option struct {
	name string
	// placeholder names the value in --help; "" means a boolean flag.
	placeholder string
	// initial is the value if flag, input and environment are unset.
	initial string
	help    string
	// commands take the option; nil is every command.
	commands []string
	// secret values are marked in the README's table.
	secret bool
	// list values may be given several times and are joined by newlines.
	list bool
	// notEmpty options have initial as their default in action.yml, too. So an input that is
	// empty was given, as with a secret that does not exist.
	notEmpty bool
	// flagOnly options exist on the command line only; action.yml has no such input.
	flagOnly bool
}

// The names of the options.
const (
	optTarget           = "target"
	optSchedule         = "schedule"
	optAgents           = "agents"
	optCadence          = "cadence"
	optFormat           = "format"
	optNow              = "now"
	optOut              = "out"
	optEmit             = "emit"
	optDryRun           = "dry-run"
	optForce            = "force"
	optFrom             = "from"
	optSecrets          = "secrets"
	optRetentionDays    = "retention-days"
	optLedgerBranch     = "ledger-branch"
	optAllowEvents      = "allow-events"
	optFailOn           = "fail-on"
	optBase             = "base"
	optToken            = "token"
	optDispatchTo       = "dispatch-to"
	optDispatchToken    = "dispatch-token"
	optNATSURL          = "nats-url"
	optNATSSubject      = "nats-subject"
	optNATSCreds        = "nats-creds"
	optNATSNKey         = "nats-nkey"
	optNATSToken        = "nats-token"
	optNATSUser         = "nats-user"
	optNATSPassword     = "nats-password"
	optNATSCA           = "nats-ca"
	optNATSCert         = "nats-cert"
	optNATSKey          = "nats-key"
	optTimezone         = "timezone"
	optEngagement       = "engagement"
	optBootstrapCadence = "bootstrap-cadence"
	optHostWorkspace    = "host-workspace"
)

// theToken is the value of dispatch-token that means the value of token.
const theToken = "token"

var (
	emitting    = []string{"prepare", "doctor"}
	reading     = []string{"prepare", "list", "validate", "doctor"}
	scaffolding = []string{"init"}
)

var options = []option{
	{name: optTarget, placeholder: "DIR",
		help: "checkout of the repository; default: the workspace, else the working directory"},
	{name: optSchedule, placeholder: "FILE", initial: ".kaizen/schedule.yml",
		help:     "the manifest, relative to the checkout",
		commands: reading},
	{name: optAgents, placeholder: "NAMES", initial: "due",
		help: "due, all, or names, separated by commas or newlines; the same as naming them after the command; " +
			"init: names only, the agents that get an entry",
		commands: []string{"init", "prepare", "list", "doctor"}},
	{name: optCadence, placeholder: "CADENCE",
		help:     "only entries of this cadence: daily, weekly or monthly",
		commands: []string{"prepare", "list", "doctor"}},
	{name: optFormat, placeholder: "FORMAT",
		help: "prepare: markdown (default) or json; validate: text (default), json or sarif; list: text (default), " +
			"json or scheduled-runs; doctor: text (default) or json",
		commands: reading},
	{name: optNow, placeholder: "TIME",
		help:     "RFC 3339 instant that replaces the clock, for replay and tests",
		commands: reading},
	{name: optOut, placeholder: "PATH",
		help: "prepare, list: directory of bundles and receipts, as an action in the workspace, default " +
			".kaizen/prepared in the checkout; validate: file for the report instead of standard output",
		commands: reading},
	{name: optEmit, placeholder: "LIST",
		help: "summary, artifact, dispatch, nats, stdout; default in Actions: summary, artifact, and dispatch or " +
			"nats where a target is given",
		commands: emitting},
	{name: optDryRun,
		help:     "show what would be stored and sent where, without storing or sending anything",
		commands: []string{"prepare"}},
	{name: optForce,
		help:     "prepare again a period that is already delivered, under an event id of its own",
		commands: []string{"prepare"}},
	{name: optFrom, placeholder: "PATH",
		help: "prepare: file with the JSON of kaizen-agentic schedule prepare --format json (- is standard input) to " +
			"emit, without preparing again; verify: a bundle's directory, or a directory of bundles; default " +
			".kaizen/prepared in the checkout",
		commands: []string{"prepare", "verify"}},
	{name: optSecrets, placeholder: "POLICY", initial: "fail",
		help: "what a secret in the files of a bundle does: fail stops its agent and fails validate, redact " +
			"replaces it and warns, off skips the scan",
		commands: []string{"prepare", "validate", "doctor"}},
	{name: optRetentionDays, placeholder: "DAYS",
		help:     "how long artifacts are kept, 1 to 90; default: long enough for the cadence",
		commands: emitting},
	{name: optLedgerBranch, placeholder: "BRANCH",
		help:     "branch whose receipts count; default: the repository's default branch",
		commands: []string{"prepare", "list", "doctor"}},
	{name: optAllowEvents, placeholder: "LIST",
		help: "events on which to run despite the risk; prepare otherwise runs on schedule, workflow_dispatch, " +
			"repository_dispatch and push to the ledger branch only, validate on all but pull_request_target",
		commands: []string{"prepare", "validate", "doctor"}},
	{name: optFailOn, placeholder: "SEVERITY", initial: "error",
		help:     "the least severe finding that fails the check: error or warning",
		commands: []string{"validate"}},
	{name: optBase, placeholder: "FILE",
		help: "base version of the manifest to compare with; - is standard input, as in git show " +
			"main:.kaizen/schedule.yml | action validate --base -; default on pull requests: that of the base commit",
		commands: []string{"validate"}, flagOnly: true},
	{name: optToken, placeholder: "TOKEN",
		help:     "GitHub token for the ledger and the base version; default: the job's, or GITHUB_TOKEN",
		commands: reading, secret: true},
	{name: optDispatchTo, placeholder: "TARGETS",
		help: "repositories (owner/repo) that get a repository_dispatch, and workflows " +
			"(owner/repo/.github/workflows/FILE.yml@BRANCH) that are started, separated by commas or newlines",
		commands: emitting, list: true},
	{name: optDispatchToken, placeholder: "TOKEN", initial: theToken, notEmpty: true,
		help: "token with contents: write on every dispatch-to repository, and actions: write where it names a " +
			"workflow; the word token means the input of that name",
		commands: emitting, secret: true},
	{name: optNATSURL, placeholder: "URLS",
		help:     "NATS servers, separated by commas or newlines",
		commands: emitting, list: true},
	{name: optNATSSubject, placeholder: "SUBJECT", initial: "kaizen.schedule.prepared",
		help:     "JetStream subject to publish to",
		commands: emitting},
	{name: optNATSCreds, placeholder: "TEXT",
		help:     "content of a NATS credentials file",
		commands: emitting, secret: true},
	{name: optNATSNKey, placeholder: "SEED", help: "NKey seed", commands: emitting, secret: true},
	{name: optNATSToken, placeholder: "TOKEN", help: "NATS token", commands: emitting, secret: true},
	{name: optNATSUser, placeholder: "NAME", help: "NATS user", commands: emitting},
	{name: optNATSPassword, placeholder: "TEXT", help: "password of nats-user", commands: emitting, secret: true},
	{name: optNATSCA, placeholder: "PEM",
		help:     "content of the CA certificate that signed the server's",
		commands: emitting},
	{name: optNATSCert, placeholder: "PEM",
		help:     "content of the client certificate for mutual TLS",
		commands: emitting},
	{name: optNATSKey, placeholder: "PEM",
		help:     "content of the client certificate's key",
		commands: emitting, secret: true},
	{name: optTimezone, placeholder: "ZONE", initial: "UTC",
		help:     "IANA name of the time zone of the crons, such as Europe/Berlin",
		commands: scaffolding, flagOnly: true},
	{name: optEngagement, placeholder: "SLUG",
		help:     "say in the manifest that it bootstraps this engagement",
		commands: scaffolding, flagOnly: true},
	{name: optBootstrapCadence, placeholder: "CADENCE",
		help:     "how often the entries run at first: hourly, daily or weekly; default: weekly",
		commands: scaffolding, flagOnly: true},
	{name: optHostWorkspace, placeholder: "DIR",
		help: "the workspace's path on the runner's host, from which the event's root is derived; set by action.yml"},
}

// taken reports whether command takes the option.
func (o option) taken(command string) bool {
	return o.commands == nil || slices.Contains(o.commands, command)
}

// input is the variable in which the runner passes the input. The runner replaces spaces
// by underscores and keeps hyphens:
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs.
func (o option) input() string { return "INPUT_" + strings.ToUpper(o.name) }
