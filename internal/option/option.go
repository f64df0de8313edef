// Package option declares the options of the program: the flags of the command line, which are
// also the inputs of the action, and reads their texts.
package option

import (
	"slices"
	"strings"
)

// Option declares one flag and the action's input of the same name. A test compares
// action.yml, the README's table and --help with this list.
type Option struct {
	Name string
	// Placeholder names the value in --help; "" means a boolean flag.
	Placeholder string
	// Initial is the value if flag, input and environment are unset.
	Initial string
	// OwnDefault options say in Help or Uses what the default is, because it is not Initial for
	// every command.
	OwnDefault bool
	// Help says what the option means to every command, and Uses what it means to some.
	Help string
	Uses []Use
	// Commands take the option; nil is every command.
	Commands []string
	// Secret values are marked in the README's table.
	Secret bool
	// List values may be given several times and are joined by newlines.
	List bool
	// ListFor are the commands for which the option is a List, although it is none for others.
	ListFor []string
	// NotEmpty options have initial as their default in action.yml, too. So an input that is
	// empty was given, as with a secret that does not exist.
	NotEmpty bool
	// FlagOnly options exist on the command line only; action.yml has no such input.
	FlagOnly bool
}

// Use says what an option means to some commands.
type Use struct {
	Commands []string
	Help     string
}

// The names of the options. Each is a flag, and an input unless the option is FlagOnly.
const (
	Target           = "target"
	Schedule         = "schedule"
	Agents           = "agents"
	Cadence          = "cadence"
	Format           = "format"
	Now              = "now"
	Out              = "out"
	Emit             = "emit"
	DryRun           = "dry-run"
	Force            = "force"
	From             = "from"
	Secrets          = "secrets"
	RetentionDays    = "retention-days"
	LedgerBranch     = "ledger-branch"
	AllowEvents      = "allow-events"
	FailOn           = "fail-on"
	Base             = "base"
	Token            = "token"
	DispatchTo       = "dispatch-to"
	DispatchToken    = "dispatch-token"
	NATSURL          = "nats-url"
	NATSSubject      = "nats-subject"
	NATSEnvelope     = "nats-envelope"
	NATSCreds        = "nats-creds"
	NATSNKey         = "nats-nkey"
	NATSToken        = "nats-token"
	NATSUser         = "nats-user"
	NATSPassword     = "nats-password"
	NATSCA           = "nats-ca"
	NATSCert         = "nats-cert"
	NATSKey          = "nats-key"
	Event            = "event"
	Allow            = "allow"
	AllowAgents      = "allow-agents"
	BundleToken      = "bundle-token"
	AcknowledgeTo    = "acknowledge-to"
	ArchiveDir       = "archive-dir"
	Durable          = "durable"
	Create           = "create"
	Workers          = "workers"
	RunTimeout       = "run-timeout"
	StopTimeout      = "stop-timeout"
	DeadLetter       = "dead-letter"
	PassEnv          = "pass-env"
	MetricsAddr      = "metrics-addr"
	Roster           = "roster"
	Evidence         = "evidence"
	Consumers        = "consumers"
	Ledger           = "ledger"
	Since            = "since"
	Days             = "days"
	Grace            = "grace"
	Receipts         = "receipts"
	PingURL          = "ping-url"
	Issue            = "issue"
	IssueToken       = "issue-token"
	Timezone         = "timezone"
	Engagement       = "engagement"
	BootstrapCadence = "bootstrap-cadence"
	Owner            = "owner"
	Root             = "root"
	StateHub         = "state-hub"
	Host             = "host"
	Match            = "match"
	Topic            = "topic"
	Visibility       = "visibility"
	Domain           = "domain"
	IncludeArchived  = "include-archived"
	IncludeForks     = "include-forks"
	Cursor           = "cursor"
	Previous         = "previous"
	Due              = "due"
	Page             = "page"
	Suggest          = "suggest"
	HostWorkspace    = "host-workspace"
)

// theToken is the value of dispatch-token and bundle-token that means the value of token.
const theToken = "token"

var (
	emitting    = []string{"prepare", "doctor"}
	scaffolding = []string{"init"}
	selecting   = []string{"prepare", "list", "doctor"}
	sending     = []string{"prepare", "doctor", "receive"}
	receiving   = []string{"receive"}
	reporting   = []string{"report"}
	discovering = []string{"discover"}
	checking    = []string{"prepare", "list", "validate", "doctor", "discover"}
	asking      = []string{"prepare", "list", "validate", "doctor", "discover", "receive", "report"}
)

// All lists the options in the order of --help.
var All = []Option{
	{Name: Target, Placeholder: "DIR",
		Help: "checkout of the repository; default: the workspace, else the working directory"},
	{Name: Schedule, Placeholder: "FILE", Initial: ".kaizen/schedule.yml",
		Help:     "the manifest, relative to the checkout",
		Commands: checking},
	{Name: Agents, Placeholder: "NAMES", Initial: "due", OwnDefault: true,
		Uses: []Use{
			{selecting, "due (default), all, or names, separated by commas or newlines"},
			{[]string{"prepare"}, "the same as naming them after the command"},
			{scaffolding, "names of the agents that get an entry, separated by commas or newlines; default: those " +
				"found"},
		},
		Commands: []string{"init", "prepare", "list", "doctor"}},
	{Name: Cadence, Placeholder: "CADENCE",
		Help:     "only entries of this cadence: daily, weekly or monthly",
		Commands: []string{"prepare", "list", "doctor", "discover"}},
	{Name: Format, Placeholder: "FORMAT",
		Uses: []Use{
			{[]string{"prepare"}, "markdown (default) or json"},
			{[]string{"validate"}, "text (default), json or sarif"},
			{[]string{"list"}, "text (default), json or scheduled-runs"},
			{[]string{"doctor"}, "text (default) or json"},
			{discovering, "json (default), text, scheduled-runs or matrix"},
		},
		Commands: checking},
	{Name: Now, Placeholder: "TIME",
		Help:     "RFC 3339 instant that replaces the clock, for replay and tests",
		Commands: asking},
	{Name: Out, Placeholder: "PATH",
		Uses: []Use{
			{selecting, "directory of bundles and receipts, as an action in the workspace, default " +
				".kaizen/prepared in the checkout"},
			{receiving, "directory of received bundles, default .kaizen/received"},
			{[]string{"validate", "discover"}, "file for the report instead of standard output"},
			{reporting, "files whose suffix decides the form: .html, .json, .csv or .ics"},
		},
		Commands: asking, ListFor: reporting},
	{Name: Emit, Placeholder: "LIST",
		Help: "summary, artifact, dispatch, nats, stdout; default in Actions: summary, artifact, and dispatch or " +
			"nats where a target is given",
		Commands: emitting},
	{Name: DryRun,
		Help:     "show what would be stored and sent where, without storing or sending anything",
		Commands: []string{"prepare"}},
	{Name: Force,
		Help:     "prepare again a period that is already delivered, under an event id of its own",
		Commands: []string{"prepare"}},
	{Name: From, Placeholder: "PATH",
		Uses: []Use{
			{[]string{"prepare"}, "file with the JSON of kaizen-agentic schedule prepare --format json (- is " +
				"standard input) to emit, without preparing again"},
			{[]string{"verify"}, "a bundle's directory, or a directory of bundles; default .kaizen/prepared in the " +
				"checkout"},
		},
		Commands: []string{"prepare", "verify"}},
	{Name: Secrets, Placeholder: "POLICY", Initial: "fail",
		Help: "what a secret in the files of a bundle does: fail stops its agent and fails validate, redact " +
			"replaces it and warns, off skips the scan",
		Commands: []string{"prepare", "validate", "doctor"}},
	{Name: RetentionDays, Placeholder: "DAYS",
		Help:     "how long artifacts are kept, 1 to 90 days; default, also for 0: long enough for the cadence",
		Commands: emitting},
	{Name: LedgerBranch, Placeholder: "BRANCH",
		Help:     "branch whose receipts count; default: the repository's default branch",
		Commands: []string{"prepare", "list", "doctor", "discover", "receive"}},
	{Name: AllowEvents, Placeholder: "LIST",
		Help: "events on which to run despite the risk",
		Uses: []Use{
			{emitting, "otherwise on schedule, workflow_dispatch, repository_dispatch and push to the ledger " +
				"branch only"},
			{receiving, "otherwise on repository_dispatch and workflow_dispatch only"},
			{[]string{"validate"}, "otherwise on all but pull_request_target"},
		},
		Commands: []string{"prepare", "validate", "doctor", "receive"}},
	{Name: FailOn, Placeholder: "WHAT", Initial: "error", OwnDefault: true,
		Uses: []Use{
			{[]string{"validate", "discover"}, "the least severe finding that fails the check, error (default) " +
				"or warning"},
			{discovering, "also never"},
			{reporting, "a list of missed, failed, unreceived and invalid, default: none"},
		},
		Commands: []string{"validate", "discover", "report"}},
	{Name: Base, Placeholder: "FILE",
		Help: "base version of the manifest to compare with; - is standard input, as in git show " +
			"main:.kaizen/schedule.yml | action validate --base -; default on pull requests: that of the base commit",
		Commands: []string{"validate"}, FlagOnly: true},
	{Name: Token, Placeholder: "TOKEN",
		Help: "token of the API; default: the job's, or GITHUB_TOKEN",
		Uses: []Use{
			{[]string{"prepare", "list", "doctor", "receive"}, "reads the ledger"},
			{[]string{"validate"}, "reads the base version"},
			{[]string{"discover", "report"}, "reads the repositories of the fleet"},
		},
		Commands: asking, Secret: true},
	{Name: DispatchTo, Placeholder: "TARGETS",
		Help: "repositories (owner/repo) that get a repository_dispatch, and workflows " +
			"(owner/repo/.github/workflows/FILE.yml@BRANCH) that are started, separated by commas or newlines",
		Commands: emitting, List: true},
	{Name: DispatchToken, Placeholder: "TOKEN", Initial: theToken, NotEmpty: true,
		Help: "token with contents: write on every repository of dispatch-to and acknowledge-to, and actions: write " +
			"where these name a workflow; the word token means the input of that name",
		Commands: sending, Secret: true},
	{Name: NATSURL, Placeholder: "URLS",
		Help:     "NATS servers, separated by commas or newlines",
		Commands: sending, List: true},
	{Name: NATSSubject, Placeholder: "SUBJECT", Initial: "kaizen.schedule.prepared",
		Uses: []Use{
			{emitting, "JetStream subject to publish to"},
			{receiving, "JetStream subject of the events that --durable receives"},
		},
		Commands: sending},
	{Name: NATSEnvelope, Placeholder: "FORM", Initial: "none",
		Help: "none, or activity-core: publish to activity.kaizen.schedule.prepared, unless nats-subject names " +
			"another subject, with the event as the attributes of activity-core's envelope",
		Uses:     []Use{{receiving, "of acknowledgements, and of the events of --durable"}},
		Commands: sending},
	{Name: NATSCreds, Placeholder: "TEXT",
		Help:     "content of a NATS credentials file",
		Commands: sending, Secret: true},
	{Name: NATSNKey, Placeholder: "SEED", Help: "NKey seed", Commands: sending, Secret: true},
	{Name: NATSToken, Placeholder: "TOKEN", Help: "NATS token", Commands: sending, Secret: true},
	{Name: NATSUser, Placeholder: "NAME", Help: "NATS user", Commands: sending},
	{Name: NATSPassword, Placeholder: "TEXT", Help: "password of nats-user", Commands: sending, Secret: true},
	{Name: NATSCA, Placeholder: "PEM",
		Help:     "content of the CA certificate that signed the server's",
		Commands: sending},
	{Name: NATSCert, Placeholder: "PEM",
		Help:     "content of the client certificate for mutual TLS",
		Commands: sending},
	{Name: NATSKey, Placeholder: "PEM",
		Help:     "content of the client certificate's key",
		Commands: sending, Secret: true},
	{Name: Event, Placeholder: "FILE",
		Help: "file with the event, - is standard input; default: the payload of the repository_dispatch that " +
			"started the workflow, or the input event of the workflow_dispatch",
		Commands: receiving},
	{Name: Allow, Placeholder: "PATTERNS",
		Help: "glob patterns of the repositories (owner/repo) whose events are accepted, separated by commas or " +
			"newlines; a pattern without a slash is one of slugs; default: all of the own owner",
		Commands: receiving, List: true},
	{Name: AllowAgents, Placeholder: "PATTERNS",
		Help:     "glob patterns of the agents whose events are accepted; default: all",
		Commands: receiving, List: true},
	{Name: BundleToken, Placeholder: "TOKEN", Initial: theToken, NotEmpty: true,
		Help: "token with actions: read on the repositories whose bundles are fetched; the word token means the " +
			"input of that name",
		Commands: receiving, Secret: true},
	{Name: AcknowledgeTo, Placeholder: "TARGETS",
		Help: "who gets kaizen.schedule.received: repositories and workflows as in dispatch-to, and the word nats; " +
			"default: none",
		Commands: receiving, List: true},
	{Name: ArchiveDir, Placeholder: "DIR",
		Help:     "directory that keeps the zips of received bundles by their digests, with an index",
		Commands: receiving},
	{Name: Durable, Placeholder: "NAME",
		Help: "run as a service: the durable consumer that all its processes share; needs --nats-url, and the " +
			"program after --",
		Commands: receiving, FlagOnly: true},
	{Name: Create, Help: "service: create the streams, the consumer and the key-value bucket that are missing",
		Commands: receiving, FlagOnly: true},
	{Name: Workers, Placeholder: "N", Initial: "1", Help: "service: programs that run at the same time",
		Commands: receiving, FlagOnly: true},
	{Name: RunTimeout, Placeholder: "TIME", Initial: "1h", Help: "service: after which a program is killed",
		Commands: receiving, FlagOnly: true},
	{Name: StopTimeout, Placeholder: "TIME", Initial: "60s",
		Help:     "service: how long programs may finish after SIGTERM, before their events are handed back",
		Commands: receiving, FlagOnly: true},
	{Name: DeadLetter, Placeholder: "SUBJECT", Initial: "kaizen.schedule.dead",
		Help:     "service: JetStream subject of events that failed ten times",
		Commands: receiving, FlagOnly: true},
	{Name: PassEnv, Placeholder: "NAMES",
		Help:     "service: environment variables that the program gets beside PATH, HOME and the like",
		Commands: receiving, FlagOnly: true, List: true},
	{Name: MetricsAddr, Placeholder: "ADDR",
		Help: "service: address of /metrics and /healthz, such as :9090 for this machine only or 0.0.0.0:9090 for " +
			"all; default: none",
		Commands: receiving, FlagOnly: true},
	{Name: Roster, Placeholder: "FILE",
		Help:     "the roster that discover has written; - is standard input",
		Commands: reporting},
	{Name: Evidence, Placeholder: "PATHS",
		Help: "files with events, acknowledgements, receipts or executions as JSON lines, and directories of such " +
			"files; without a token, they are all that is known",
		Commands: reporting, List: true},
	{Name: Consumers, Placeholder: "REPOSITORIES",
		Help:     "repositories (owner/repo) that receive the events, whose records and runs are evidence",
		Commands: reporting, List: true},
	{Name: Ledger, Placeholder: "REPOSITORY",
		Help: "repository (owner/repo) whose ledger the fleet shares, as in central mode; default: each has its " +
			"own",
		Commands: reporting},
	{Name: Since, Placeholder: "DATE",
		Help:     "first day of the report, as 2026-11-01; default: that of days",
		Commands: reporting},
	{Name: Days, Placeholder: "NUMBER", Initial: "35",
		Help:     "how many days the report covers, 1 to 366",
		Commands: reporting},
	{Name: Grace, Placeholder: "DURATION", Initial: "6h",
		Help:     "how long after its slot a period may have no receipt, and a prepared one no acknowledgement",
		Commands: reporting},
	{Name: Receipts, Placeholder: "NUMBER", Initial: "1",
		Help: "how many receipts of each entry are read for the runs that they started, at about three requests " +
			"each; 0 to 100",
		Commands: reporting},
	{Name: PingURL, Placeholder: "URL",
		Help: "https address of a health check, which gets a ping at the start (/start), after success, and after a " +
			"failure (/fail)",
		Commands: reporting, Secret: true},
	{Name: Issue,
		Help: "keep one issue open in the workflow's repository while fail-on finds something, and close it " +
			"afterwards; needs issues: write",
		Commands: reporting},
	{Name: IssueToken, Placeholder: "TOKEN",
		Help:     "token with issues: write on the workflow's repository; default: token",
		Commands: reporting, Secret: true},
	{Name: Timezone, Placeholder: "ZONE", Initial: "UTC",
		Help:     "IANA name of the time zone of the crons, such as Europe/Berlin",
		Commands: scaffolding, FlagOnly: true},
	{Name: Engagement, Placeholder: "SLUG",
		Help:     "say in the manifest that it bootstraps this engagement",
		Commands: scaffolding, FlagOnly: true},
	{Name: BootstrapCadence, Placeholder: "CADENCE",
		Help:     "how often the entries run at first: hourly, daily or weekly; default: weekly",
		Commands: scaffolding, FlagOnly: true},
	{Name: Owner, Placeholder: "NAMES",
		Help: "users and organisations of GitHub or Gitea whose repositories are listed, separated by commas or " +
			"newlines",
		Commands: discovering, List: true},
	{Name: Root, Placeholder: "DIRS",
		Help:     "directories with checkouts, one a line",
		Commands: discovering, List: true},
	{Name: StateHub, Placeholder: "URL|FILE",
		Help: "the State Hub, or a file with its answer to GET /repos/: gives slug, domain and root; without owner " +
			"and root, its checkouts on this machine are the fleet",
		Commands: discovering},
	{Name: Host, Placeholder: "NAME",
		Help:     "host whose paths of the State Hub are the roots; default: this machine, else the only one",
		Commands: discovering},
	{Name: Match, Placeholder: "GLOBS",
		Help: "only repositories that match one of these patterns, of owner/name with a slash, else of the name; a " +
			"pattern after ! excludes",
		Commands: discovering, List: true},
	{Name: Topic, Placeholder: "TOPICS", Help: "only repositories with one of these topics",
		Commands: discovering, List: true},
	{Name: Visibility, Placeholder: "WHICH", Help: "only public, private or internal repositories",
		Commands: discovering},
	{Name: Domain, Placeholder: "NAME", Help: "only repositories of this domain of the State Hub",
		Commands: discovering},
	{Name: IncludeArchived, Help: "include archived repositories", Commands: discovering},
	{Name: IncludeForks, Help: "include forks", Commands: discovering},
	{Name: Cursor, Placeholder: "FILE",
		Help:     "file that keeps how far the listing of the owners is, so that a run that was cut off continues",
		Commands: discovering},
	{Name: Previous, Placeholder: "FILE", Help: "an earlier roster: show what changed since",
		Commands: discovering},
	{Name: Due,
		Help: "count and matrix: only repositories with an entry that is due by the ledger of the workflow's " +
			"repository; otherwise those with an enabled entry",
		Commands: discovering},
	{Name: Page, Placeholder: "NUMBER", Initial: "1",
		Help:     "page of the matrix, which has at most 256 jobs",
		Commands: discovering},
	{Name: Suggest, Help: "propose crons off the full and quarter hours, which spread the load of a fleet",
		Commands: []string{"list"}},
	{Name: HostWorkspace, Placeholder: "DIR",
		Help: "the workspace's path on the runner's host, from which the event's root is derived; set by action.yml"},
}

// Taken reports whether command takes the option.
func (o Option) Taken(command string) bool {
	return o.Commands == nil || slices.Contains(o.Commands, command)
}

// Input is the variable in which the runner passes the input. The runner replaces spaces
// by underscores and keeps hyphens:
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#inputs.
func (o Option) Input() string { return "INPUT_" + strings.ToUpper(o.Name) }
