// Package workflow checks a repository's workflow files: whether their crons serve the
// manifest, their permissions and concurrency, and which of them receive events.
package workflow

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// The repository and the name of this action, as in `uses:` and in action.yml.
const (
	actionRepository = "kaizen-agentic/schedule-action"
	actionName       = "schedule-action"
)

// CheckWorkflows warns if the workflows that run this action cannot do what the manifest
// asks for: crons that miss periods, tick on the hour or are not valid on GitHub; missing
// permissions; runs that may overlap or cancel each other; receipts that expire too
// early. Self lists the repositories (owner/name) whose `uses:` means this action.
// Workflows that cannot be read, or that only GitHub can evaluate, are skipped, because a
// guess may be wrong.
func Check(m *schedule.Manifest, self []string, tree *checkout.Tree) []diag.Finding {
	all, findings := ReadUses(tree, self)
	var uses, idle []Use
	for _, u := range all {
		r := reporter{file: u.File.Path}
		u.checkInputs(&r)
		switch _, isIdle := u.idle(); {
		case u.prepares(m) && isIdle:
			idle = append(idle, u)
		case u.prepares(m):
			uses = append(uses, u)
		case u.lists(m):
			u.checkCheckout(&r)
			u.checkLedger(&r)
		}
		findings = append(findings, u.File.unsilenced(r.findings)...)
	}
	findings = append(findings, checkIdle(idle, uses)...)
	for i, u := range uses {
		r := reporter{file: u.File.Path}
		u.checkCheckout(&r)
		u.checkLedger(&r)
		u.checkDispatch([]string{m.Repo, tree.Origin()}, &r)
		u.checkRetention(m, &r)
		if u.File.scheduled {
			u.checkConcurrency(&r)
		}
		if i == 0 || uses[i-1].File != u.File {
			u.File.checkCrons(&r)
			r.findings = append(r.findings, u.File.ignoreFindings...)
		}
		findings = append(findings, u.File.unsilenced(r.findings)...)
	}
	findings = append(findings, checkCoverage(m, uses)...)
	diag.Sort(findings)
	return slices.Compact(findings) // two steps of a job share its findings
}

type reporter struct {
	file     string
	findings []diag.Finding
}

func (r *reporter) at(rule diag.Rule, pos yamlnode.Pos, message, hint string) {
	r.findings = append(r.findings, rule.At(r.file, pos.Line, pos.Column, message, hint))
}

// File is a workflow file.
type File struct {
	Path string
	root *yamlnode.Node
	on   *yamlnode.Node
	// scheduled means that it has on.schedule, and foreign that an event outside this
	// checkout may start it at any time.
	scheduled, foreign bool
	crons              []tick
	badCrons           []mistake
	ignores            schedule.Ignores
	ignoreFindings     []diag.Finding
}

// mistake is a problem of a cron, of the place of a cron, or of a step.
type mistake struct {
	pos           yamlnode.Pos
	message, hint string
}

// Use is a step that runs this action.
type Use struct {
	File  *File
	jobID *yamlnode.Node // the job's key
	job   *yamlnode.Node
	step  *yamlnode.Node
}

// Limits of the directory of workflows: files, and bytes of the files that may use this
// action.
const (
	maxWorkflows     = 500
	maxWorkflowBytes = 2 << 20
)

// WorkflowDirs are the directories in which workflows may be. Gitea and Forgejo read the
// first one that exists and ignore the others; GitHub reads the last one only.
//
//   - https://github.com/go-gitea/gitea/blob/v1.26.0/custom/conf/app.example.ini (WORKFLOW_DIRS)
//   - https://forgejo.org/docs/latest/user/actions/overview
var WorkflowDirs = []string{".forgejo/workflows", ".gitea/workflows", ".github/workflows"}

// WorkflowDir returns the directory whose workflows the platform runs. If there are
// several, the origin's host decides whether the platform is GitHub.
func WorkflowDir(tree *checkout.Tree) string {
	last := WorkflowDirs[len(WorkflowDirs)-1]
	if host := tree.OriginHost(); tree.IsDir(last) && (host == "github.com" || strings.HasSuffix(host, ".ghe.com")) {
		return last
	}
	for _, dir := range WorkflowDirs {
		if tree.IsDir(dir) {
			return dir
		}
	}
	return last
}

// workflowLimits are the limits of a workflow. They allow all kinds of spaces, because
// the platform reads the file too.
var workflowLimits = yamlnode.Limits{Size: schedule.MaxSize, Depth: 32, Nodes: 10_000}

// ReadUses returns the steps of the tree's workflows that run this action. Broken are
// findings about workflows that name this action and are not valid YAML.
func ReadUses(tree *checkout.Tree, self []string) (uses []Use, broken []diag.Finding) {
	if len(self) == 0 {
		self = []string{actionRepository}
	}
	dir := WorkflowDir(tree)
	names, _ := tree.ReadDir(dir, maxWorkflows) // a repository without workflows has nothing to check
	left := maxWorkflowBytes
	for _, name := range names {
		if ext := path.Ext(name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		file := dir + "/" + name
		data, err := tree.ReadFile(file, schedule.MaxSize)
		if err != nil || !mayUse(data, self) || len(data) > left {
			continue
		}
		left -= len(data)
		root, problems := yamlnode.Parse(data, workflowLimits)
		if problems != nil {
			if namesAction(data, self) {
				broken = append(broken, brokenWorkflow(file, data, problems)...)
			}
			continue
		}
		uses = append(uses, parseUses(file, data, root, self, tree)...)
	}
	return uses, broken
}

// mayUse reports whether a workflow's text names this action or an action of the
// checkout. The others need no parsing.
func mayUse(data []byte, self []string) bool {
	return bytes.Contains(data, []byte("./")) || namesAction(data, self)
}

func namesAction(data []byte, self []string) bool {
	data = bytes.ToLower(data)
	return slices.ContainsFunc(self, func(s string) bool {
		return bytes.Contains(data, []byte(strings.ToLower(path.Base(s))))
	})
}

// unquotedCron is a cron that YAML reads as an alias: the text before it on its line, and
// its own text.
var unquotedCron = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^([^#\n]*?\bcron:[ \t]+)(\*[^#\r\n{}\[\]]*?)[ \t,]*(?:[}\]#].*|\r?)$`)
})

// brokenWorkflow reports why a workflow is not valid YAML. Violations of this program's
// own limits are skipped, because the platform has others.
func brokenWorkflow(file string, data []byte, problems []yamlnode.Problem) []diag.Finding {
	r := reporter{file: file}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for _, p := range problems {
		switch {
		case p.Rule != diag.Syntax && p.Rule != diag.NoAlias:
		case !r.unquotedCrons(data, p.Pos.Line):
			r.at(diag.WorkflowSchedule, p.Pos, "the platform runs nothing of a workflow that is not YAML: "+p.Message,
				p.Hint)
		}
	}
	diag.Sort(r.findings)
	return slices.Compact(r.findings)
}

// unquotedCrons returns the unquoted cron in a line and all similar ones; ok is false if
// the line has none.
func (r *reporter) unquotedCrons(data []byte, line int) bool {
	all := unquotedCron().FindAllSubmatchIndex(data, -1)
	start := func(match []int) int { return yamlnode.PosAt(data, match[0]).Line }
	i := slices.IndexFunc(all, func(match []int) bool { return start(match) == line })
	if i < 0 {
		return false
	}
	key := func(match []int) string { return strings.TrimSpace(string(data[match[2]:match[3]])) }
	for _, match := range all {
		if text := string(data[match[4]:match[5]]); key(match) == key(all[i]) {
			r.at(diag.WorkflowSchedule, yamlnode.PosAt(data, match[4]),
				fmt.Sprintf("cron %s has no quotes, so YAML reads * as an alias, and the platform runs nothing of "+
					"the workflow",
					diag.Quote(text)), "write cron: "+strconv.Quote(text))
		}
	}
	return true
}

func parseUses(file string, data []byte, root *yamlnode.Node, self []string, tree *checkout.Tree) []Use {
	w := &File{Path: file, root: root}
	uses := w.uses(tree, self)
	if len(uses) > 0 {
		w.readTriggers()
		w.ignores, w.ignoreFindings = schedule.ReadIgnores(file, yamlnode.Comments(data, root))
	}
	return uses
}

func (w *File) uses(tree *checkout.Tree, self []string) (uses []Use) {
	jobs := w.root.Get("jobs").Resolve()
	if jobs == nil {
		return nil
	}
	for _, p := range jobs.Pairs {
		steps := p.Value.Get("steps").Resolve()
		if steps == nil {
			continue
		}
		for _, step := range steps.Items {
			if isSelf(step.Get("uses").Text(), self, tree) {
				uses = append(uses, Use{File: w, jobID: p.Key, job: p.Value, step: step})
			}
		}
	}
	return uses
}

// isSelf reports whether the value of `uses:` is this action: by its repository, by a
// path in this checkout, or by its image.
func isSelf(uses string, self []string, tree *checkout.Tree) bool {
	if image, ok := strings.CutPrefix(uses, "docker://"); ok {
		image, _, _ = strings.Cut(image, "@")
		name, _, _ := strings.Cut(path.Base(image), ":")
		return slices.ContainsFunc(self, func(s string) bool { return path.Base(s) == name })
	}
	if strings.HasPrefix(uses, "./") {
		return isSelfAt(path.Clean(uses), tree)
	}
	repository, _, _ := strings.Cut(uses, "@")
	return slices.ContainsFunc(self, func(s string) bool { return strings.EqualFold(s, repository) })
}

func isSelfAt(dir string, tree *checkout.Tree) bool {
	for _, name := range []string{"action.yml", "action.yaml"} {
		data, err := tree.ReadFile(path.Join(dir, name), schedule.MaxSize)
		if err != nil {
			continue
		}
		root, problems := yamlnode.Parse(data, workflowLimits)
		return problems == nil && root.Get("name").Text() == actionName
	}
	return false
}

// dynamic reports whether only GitHub knows the value.
func dynamic(value string) bool { return strings.Contains(value, "${{") }

// list splits the value of an input that is a list.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

func (w *File) readTriggers() {
	w.on = w.root.Get("on").Resolve()
	for _, event := range []string{"workflow_call", "workflow_run", "repository_dispatch"} {
		w.foreign = w.foreign || w.hasTrigger(event)
	}
	trigger := w.on.Get("schedule").Resolve()
	if trigger == nil {
		w.misplacedSchedule()
		return
	}
	w.scheduled = true
	switch isNull := trigger.Kind == yamlnode.Scalar && trigger.Type() == yamlnode.TypeNull; {
	case trigger.Kind == yamlnode.Mapping:
		item := itemsHint(cmp.Or(trigger.Get("cron"), trigger.Get("crons")))
		w.badCron(trigger.Pos, "on.schedule is a mapping, not a list of crons, and never ticks",
			"write a hyphen before it, as in "+strings.TrimPrefix(item, "write "))
	case isNull, trigger.Kind == yamlnode.Sequence && len(trigger.Items) == 0:
		pos := trigger.Pos
		i := slices.IndexFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return p.Value == trigger })
		if i >= 0 && trigger.Absent {
			pos = w.on.Pairs[i].Key.Pos
		}
		w.badCron(pos, "on.schedule has no cron and never ticks", `add one such as - cron: "17 * * * *"`)
	case trigger.Kind == yamlnode.Scalar:
		message := "on.schedule is " + trigger.Describe() + ", not a list of crons, and never ticks"
		w.badCron(trigger.Pos, message, itemsHint(trigger))
	}
	for _, item := range trigger.Items {
		w.readCron(item)
	}
}

func (w *File) badCron(pos yamlnode.Pos, message, hint string) {
	w.badCrons = append(w.badCrons, mistake{pos, message, hint})
}

// misplacedSchedule looks for a key that was probably meant as on.schedule.
func (w *File) misplacedSchedule() {
	if w.on == nil {
		w.misplacedTriggers()
		return
	}
	events := append([]*yamlnode.Node{w.on}, w.on.Items...)
	for _, p := range w.on.Pairs {
		events = append(events, p.Key)
	}
	for _, n := range events {
		name := n.Text()
		isCron := name == "cron" || name == "crons"
		if isCron || name != "schedule" && suggest.Nearest(name, []string{"schedule"}) != "" {
			w.badCron(n.Pos, diag.Quote(name)+" is not an event, so the workflow never ticks",
				`did you mean "schedule"?`)
		}
	}
}

// misplacedTriggers looks for a key that was probably meant as on, in a workflow without
// on.
func (w *File) misplacedTriggers() {
	for _, p := range w.root.Pairs {
		switch name := p.Key.Text(); {
		case strings.EqualFold(name, "on"):
			w.badCron(p.Key.Pos, diag.Quote(name)+" is not read, so nothing starts the workflow", `did you mean "on"?`)
			return
		case name == "schedule":
			w.badCron(p.Key.Pos, "schedule is not below on, so the workflow never ticks",
				"write on: in the line before it, and indent schedule below that")
			return
		}
	}
	w.badCron(w.root.Pos, "the workflow has no key on, so nothing starts it",
		`add on.schedule with a cron such as "17 * * * *"`)
}

// hasTrigger reports whether on has the trigger. On may be a word, a list or a mapping.
func (w *File) hasTrigger(event string) bool {
	if w.on == nil {
		return false
	}
	isEvent := func(n *yamlnode.Node) bool { return n.Text() == event }
	return isEvent(w.on) || slices.ContainsFunc(w.on.Items, isEvent) ||
		slices.ContainsFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return isEvent(p.Key) })
}

// scheduleKeys are the keys of an item of on.schedule.
var scheduleKeys = []string{"cron", "timezone"}

const writeItem = `write - cron: "17 * * * *"`

// maxItems is how many items a hint lists.
const maxItems = 5

// itemsHint returns the correct items of on.schedule for crons that are written in
// another form.
func itemsHint(n *yamlnode.Node) string {
	n = n.Resolve()
	if n == nil {
		return writeItem
	}
	var items []string
	for _, value := range append([]*yamlnode.Node{n}, n.Items...) {
		if text := cronOf(value); text != "" && len(items) < maxItems {
			items = append(items, "- cron: "+strconv.Quote(text))
		}
	}
	if len(items) == 0 {
		return writeItem
	}
	return "write " + strings.Join(items, " and ")
}

// cronOf returns the cron that a string means, in other quotes or in words, or "".
func cronOf(n *yamlnode.Node) string {
	if n = n.Resolve(); n == nil || n.Kind != yamlnode.Scalar || n.Type() != yamlnode.TypeString {
		return ""
	}
	said := suggest.Cron(n.Value)
	if _, err := cron.Parse(said, cron.Workflow); err != nil {
		return ""
	}
	return said
}

// readCron reads one item of on.schedule.
func (w *File) readCron(item *yamlnode.Node) {
	mapping := item.Resolve()
	if mapping == nil || mapping.Kind != yamlnode.Mapping {
		w.badCron(item.Pos, "an item of on.schedule is "+item.Describe()+", not a mapping with the key cron",
			itemsHint(mapping))
		return
	}
	var values []*yamlnode.Node
	for _, p := range mapping.Pairs {
		switch hint := itemsHint(p.Value); {
		case p.Key.Value == "cron":
			values = append(values, p.Value)
		case !slices.Contains(scheduleKeys, p.Key.Value):
			if hint == writeItem {
				hint = suggest.KeyHint(p.Key.Value, scheduleKeys)
			}
			w.badCron(p.Key.Pos, "unknown key "+diag.Quote(p.Key.Value)+" in an item of on.schedule", hint)
		}
	}
	if len(values) > 1 {
		all := &yamlnode.Node{Kind: yamlnode.Sequence, Items: values}
		w.badCron(mapping.Pairs[lastCron(mapping)].Key.Pos, "an item of on.schedule has more than one cron",
			itemsHint(all))
		return
	}
	value := item.Get("cron").Resolve()
	switch {
	case value == nil:
		if item.Get("crons") == nil {
			w.badCron(item.Pos, "an item of on.schedule has no cron", writeItem)
		}
	case value.Kind != yamlnode.Scalar || value.Type() != yamlnode.TypeString:
		hint := itemsHint(value)
		if hint == writeItem {
			hint += ", one item for each cron"
		}
		w.badCron(value.Pos, "the cron of a schedule is "+value.Describe()+", not a string", hint)
	default:
		w.readTick(item, value)
	}
}

// lastCron returns the index of a mapping's last key cron.
func lastCron(mapping *yamlnode.Node) int {
	last := 0
	for i, p := range mapping.Pairs {
		if p.Key.Value == "cron" {
			last = i
		}
	}
	return last
}

// readTick reads a cron and its time zone.
func (w *File) readTick(item, value *yamlnode.Node) {
	c := tick{text: value.Value, pos: value.Pos, loc: time.UTC}
	var err error
	if c.slots, err = cron.Parse(c.text, cron.Workflow); err != nil {
		message, hint := cron.Explain(err)
		if said := cronOf(value); said != "" {
			hint = "write " + strconv.Quote(said)
		}
		w.badCron(c.pos, fmt.Sprintf("cron %s %s", diag.Quote(c.text), message), hint)
		return
	}
	if zone := item.Get("timezone").Resolve(); zone != nil {
		if c.loc, err = time.LoadLocation(zone.Text()); err != nil || zone.Text() == "" || zone.Text() == "Local" {
			w.badCron(zone.Pos, fmt.Sprintf("timezone %s is not an IANA name", diag.Quote(zone.Text())),
				"write a name such as Europe/Berlin")
			return
		}
	}
	if gap := c.slots.Shortest(); gap < cron.Workflow.Shortest {
		w.badCron(c.pos,
			fmt.Sprintf("cron %s ticks every %s, and the platform accepts no shorter interval than %d minutes",
				diag.Quote(c.text), plural(gap, "minute"), cron.Workflow.Shortest),
			`write a longer interval, such as "*/5 * * * *"`)
	}
	w.crons = append(w.crons, c)
}

// PerMonth returns how often the workflow's crons tick in a month, on average.
func (w *File) PerMonth() (ticks float64) {
	for _, c := range w.crons {
		ticks += c.slots.PerMonth()
	}
	return ticks
}

// HasBadCrons reports whether the workflow's on.schedule has a problem.
func (w *File) HasBadCrons() bool { return len(w.badCrons) > 0 }

func (w *File) unsilenced(findings []diag.Finding) []diag.Finding {
	return w.ignores.Unsilenced(findings)
}

func (u Use) input(name string) string { return u.step.Get("with").Get(name).Text() }

// Command returns the command that the step runs: the input, the first argument of the
// image, or the default.
func (u Use) Command() string {
	first, _, _ := strings.Cut(strings.TrimSpace(u.input("args")), " ")
	return cmp.Or(u.input("command"), first, "prepare")
}

// prepares reports whether the step prepares entries of this manifest.
func (u Use) prepares(m *schedule.Manifest) bool { return u.Command() == "prepare" && u.isAbout(m) }

// idle returns why the step never delivers anything; ok is false if it may deliver.
func (u Use) idle() (why mistake, ok bool) {
	for _, n := range []*yamlnode.Node{u.job.Get("if"), u.step.Get("if")} {
		if condition := strings.Trim(n.Text(), "${} "); condition == "false" {
			return mistake{n.Pos, "the condition is never true, so the step that prepares never runs",
				"remove this if"}, true
		}
	}
	if n := u.step.Get("with").Get("dry-run"); n.Text() == "true" {
		return mistake{n.Pos, "dry-run is true, so the scheduled step delivers nothing",
			"remove dry-run when the trial is over"}, true
	}
	return mistake{}, false
}

// checkIdle warns about scheduled steps that deliver nothing, unless another step may
// deliver.
func checkIdle(idle, uses []Use) (findings []diag.Finding) {
	if slices.ContainsFunc(uses, func(u Use) bool { return u.File.scheduled || u.File.foreign }) {
		return nil
	}
	for _, u := range idle {
		if why, _ := u.idle(); u.File.scheduled {
			findings = append(findings, u.File.finding(diag.WorkflowStep, why.pos, why.message, why.hint)...)
		}
	}
	return findings
}

// Inputs are those of action.yml.
var Inputs = []string{
	"command", "target", "schedule", "agents", "cadence", "format", "now", "out", "emit", "dry-run", "force", "from",
	"secrets", "retention-days", "ledger-branch", "allow-events", "fail-on", "base", "token", "dispatch-to",
	"dispatch-token", "nats-url", "nats-subject", "nats-creds", "nats-nkey", "nats-token", "nats-user",
	"nats-password", "nats-ca", "nats-cert", "nats-key", "host-workspace",
}

// checkInputs warns about misspelled inputs of this action.
func (u Use) checkInputs(r *reporter) {
	with := u.step.Get("with").Resolve()
	if with == nil {
		return
	}
	for _, p := range with.Pairs {
		name := p.Key.Text()
		isName := func(s string) bool { return strings.EqualFold(s, name) }
		if slices.ContainsFunc(Inputs, isName) || name == "args" || name == "entrypoint" {
			continue // the platform knows args and entrypoint of every image
		}
		if near := suggest.Nearest(name, Inputs); near != "" {
			r.at(diag.WorkflowStep, p.Key.Pos, "this action has no input "+diag.Quote(name)+", so its value is ignored",
				fmt.Sprintf("did you mean %q?", near))
		}
	}
}

// checkCheckout warns if no earlier step can have checked out the repository into the
// directory that this step reads.
func (u Use) checkCheckout(r *reporter) {
	var elsewhere *yamlnode.Node
	for _, step := range u.job.Get("steps").Resolve().Items {
		name, _, _ := strings.Cut(step.Get("uses").Text(), "@")
		place := step.Get("with").Get("path").Resolve()
		switch value := place.Text(); {
		case step == u.step && elsewhere != nil:
			r.at(diag.WorkflowStep, elsewhere.Pos,
				fmt.Sprintf("the repository is checked out into %s, and this action looks into the workspace",
					diag.Quote(elsewhere.Text())),
				"add target: "+elsewhere.Text()+" to the step that uses this action, or remove path")
			return
		case step == u.step:
			r.at(diag.WorkflowStep, step.Get("uses").Pos,
				"no step before this one checks the repository out, so there is no manifest",
				"add a step before it: - uses: actions/checkout@v7")
			return
		case strings.HasPrefix(name, "actions/setup-"):
		case !strings.HasSuffix(name, "actions/checkout"), value == "", dynamic(value), path.Clean(value) == ".":
			return // it checks out the repository, or may
		default:
			elsewhere = place
		}
	}
}

// lists reports whether the step lists what is due in this manifest.
func (u Use) lists(m *schedule.Manifest) bool { return u.Command() == "list" && u.isAbout(m) }

// isAbout reports whether the step reads this manifest in this checkout.
func (u Use) isAbout(m *schedule.Manifest) bool {
	here := func(value, place string) bool {
		return value == "" || !dynamic(value) && path.Clean(value) == path.Clean(place)
	}
	target := strings.ReplaceAll(u.input("target"), "${{ github.workspace }}", ".")
	return here(target, ".") && here(u.input("schedule"), m.File)
}

// serves reports whether the step may prepare the entry when it is due.
func (u Use) serves(e *schedule.Entry) bool {
	if cadence := u.input("cadence"); cadence != "" && !dynamic(cadence) && cadence != string(e.Cadence) {
		return false
	}
	agents := u.input("agents")
	return dynamic(agents) || u.servesAll() || slices.Contains(list(agents), e.Agent)
}

// servesAll reports whether the step takes what is due, or everything.
func (u Use) servesAll() bool { return slices.Contains([]string{"", "due", "all"}, u.input("agents")) }

func (w *File) checkCrons(r *reporter) {
	for _, c := range w.badCrons {
		r.at(diag.WorkflowSchedule, c.pos, c.message, c.hint)
	}
	for _, c := range w.crons {
		if c.onTheHour() {
			r.at(diag.CronOnTheHour, c.pos,
				fmt.Sprintf("cron %q ticks on the hour, when GitHub delays and drops the most", c.text),
				"choose a minute that few others do, such as 17")
		}
	}
}

// permission returns the access of the job's token to scope, and its position: "none",
// "read" or "write", or "" if the repository's settings decide.
func (u Use) permission(scope string) (string, yamlnode.Pos) {
	permissions, pos := u.job.Get("permissions"), u.jobID.Pos
	if permissions == nil {
		permissions = u.File.root.Get("permissions")
	}
	permissions = permissions.Resolve()
	switch {
	case permissions == nil:
		return "", pos
	case permissions.Kind == yamlnode.Mapping:
		if value := permissions.Get(scope).Resolve(); value != nil {
			return value.Text(), value.Pos
		}
		return "none", permissions.Pos
	}
	return strings.TrimSuffix(permissions.Text(), "-all"), permissions.Pos
}

// ownToken reports whether an input has another token than the job's. Its permissions are
// unknown.
func (u Use) ownToken(name string) bool {
	value := u.input(name)
	return value != "" && !strings.Contains(value, "github.token") && !strings.Contains(value, "secrets.GITHUB_TOKEN")
}

func (u Use) checkLedger(r *reporter) {
	if got, pos := u.permission("actions"); !u.ownToken("token") && got != "read" && got != "write" {
		u.lacks(r, pos, got, "actions: read", "to read the ledger of receipts")
	}
}

// checkDispatch warns about a token that does not reach the targets. Own are the possible
// names of this repository.
func (u Use) checkDispatch(own []string, r *reporter) {
	emits := list(u.input("emit"))
	to := u.step.Get("with").Get("dispatch-to").Resolve()
	dispatches := to.Text() != "" && (len(emits) == 0 || slices.Contains(emits, "dispatch"))
	if !dispatches || u.ownToken("dispatch-token") || u.ownToken("token") {
		return
	}
	targets := list(withoutComments(to.Text()))
	others := slices.DeleteFunc(slices.Clone(targets), func(target string) bool {
		return slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(path.Base(target), name) })
	})
	if own[0] == "" || dynamic(to.Text()) {
		others = nil // they may be this repository
	}
	if len(others) > 0 {
		r.at(diag.WorkflowPermission, to.Pos,
			"the job's own token reaches its own repository only, not "+diag.Quote(strings.Join(others, ", ")),
			"give the input dispatch-token a token with `contents: write` there")
	}
	if got, pos := u.permission("contents"); len(others) < len(targets) && got != "write" {
		u.lacks(r, pos, got, "contents: write", "to send a repository_dispatch with the job's own token")
	}
}

// withoutComments removes comments, from # to the end of a line.
func withoutComments(value string) string {
	lines := strings.Split(value, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, "#")
	}
	return strings.Join(lines, "\n")
}

func (u Use) lacks(r *reporter, pos yamlnode.Pos, got, needed, why string) {
	message := fmt.Sprintf("job %q needs the permission `%s` %s", u.jobID.Value, needed, why)
	if got == "" && u.File.hasTrigger("workflow_call") && !u.File.scheduled {
		return // its caller grants the other permissions
	}
	if got == "" {
		message += ", and states none"
	}
	r.at(diag.WorkflowPermission, pos, message,
		fmt.Sprintf("add `%s` to the permissions of the job or the workflow", needed))
}

func (u Use) checkConcurrency(r *reporter) {
	concurrency := u.job.Get("concurrency")
	if concurrency == nil {
		concurrency = u.File.root.Get("concurrency")
	}
	group := concurrency.Text()
	if group == "" {
		group = concurrency.Get("group").Text()
	}
	unique := func(value string) bool { return strings.Contains(group, value) }
	if group == "" || slices.ContainsFunc([]string{"github.run_id", "github.run_number", "github.run_attempt",
		"github.sha"}, unique) {
		r.at(diag.WorkflowConcurrency, u.jobID.Pos,
			fmt.Sprintf("two runs of job %q can prepare the same period at once", u.jobID.Value),
			"add `concurrency: { group: kaizen-schedule, cancel-in-progress: false }`")
		return
	}
	if cancel := concurrency.Get("cancel-in-progress").Resolve(); cancel.Text() == "true" {
		r.at(diag.WorkflowConcurrency, cancel.Pos, "a tick cancels the run before it in the middle of its delivery",
			"write `cancel-in-progress: false`")
	}
}

// checkRetention compares retention-days with the needs of the entries that the step
// serves, the longest period first.
func (u Use) checkRetention(m *schedule.Manifest, r *reporter) {
	value := u.step.Get("with").Get("retention-days").Resolve()
	days, err := strconv.Atoi(value.Text())
	if err != nil || days <= 0 {
		return // the default is long enough
	}
	for _, cadence := range []schedule.Cadence{schedule.Monthly, schedule.Weekly, schedule.Daily} {
		i := slices.IndexFunc(m.Entries,
			func(e schedule.Entry) bool { return e.Enabled && e.Cadence == cadence && u.serves(&e) })
		if need := cadence.Retention(); i >= 0 && days < need {
			r.at(diag.Retention, value.Pos,
				fmt.Sprintf("receipts are kept for %s, too short to outlive a period of the %s "+
					"agent %q and the next: it may run twice in one",
					plural(days, "day"), cadence, m.Entries[i].Agent),
				fmt.Sprintf("keep them for at least %d days, or leave retention-days out", need))
			return
		}
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
