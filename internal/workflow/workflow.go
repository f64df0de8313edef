// Package workflow reads a repository's workflow files: whether their crons serve the
// manifest, their permissions and concurrency, and which of them receive events.
package workflow

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// The repository and the name of this action, as in `uses:` and in action.yml.
const (
	actionRepository = "kaizen-agentic/schedule-action"
	actionName       = "schedule-action"
)

// Check warns where the workflows that run this action cannot do what the manifest asks
// for: crons that miss periods, tick on the hour or are not GitHub's; missing
// permissions; runs that could overlap or cancel each other; receipts that expire too
// early. self are the repositories (owner/name) whose `uses:` means this action. A
// workflow that is unreadable, or that only GitHub can evaluate, is skipped: nothing is
// reported on a guess.
func Check(m *schedule.Manifest, self []string, tree *checkout.Tree) []diag.Finding {
	var findings []diag.Finding
	var uses []Use
	for _, u := range ReadUses(tree, self) {
		switch {
		case u.prepares(m):
			uses = append(uses, u)
		case u.lists(m):
			r := reporter{file: u.File.Path}
			u.checkLedger(&r)
			findings = append(findings, u.File.unsilenced(r.findings)...)
		}
	}
	for i, u := range uses {
		r := reporter{file: u.File.Path}
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
	return slices.Compact(findings) // two steps of a job share what is wrong with it
}

type reporter struct {
	file     string
	findings []diag.Finding
}

func (r *reporter) at(rule diag.Rule, pos yamlnode.Pos, message, hint string) {
	r.findings = append(r.findings, rule.At(r.file, pos.Line, pos.Column, message, hint))
}

// File is a workflow, a file of .github/workflows.
type File struct {
	Path string
	root *yamlnode.Node
	on   *yamlnode.Node
	// scheduled says that it has on.schedule, foreign that an event from outside this
	// checkout may start it at any time.
	scheduled, foreign bool
	crons              []tick
	badCrons           []badCron
	ignores            schedule.Ignores
	ignoreFindings     []diag.Finding
}

// badCron is an error in a cron, or in the place of the crons.
type badCron struct {
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

// Limits on .github/workflows: the number of files, and the bytes of those that may use
// this action.
const (
	maxWorkflows     = 500
	maxWorkflowBytes = 2 << 20
)

// workflowLimits bound a workflow. They accept any spaces: GitHub reads the file, not
// this action.
var workflowLimits = yamlnode.Limits{Size: schedule.MaxSize, Depth: 32, Nodes: 10_000}

// ReadUses finds the steps that run this action in the tree's workflows.
func ReadUses(tree *checkout.Tree, self []string) (uses []Use) {
	if len(self) == 0 {
		self = []string{actionRepository}
	}
	const dir = ".github/workflows"
	names, _ := tree.ReadDir(dir, maxWorkflows) // a repository without workflows has nothing to check
	left := maxWorkflowBytes
	for _, name := range names {
		if ext := path.Ext(name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		data, err := tree.ReadFile(dir+"/"+name, schedule.MaxSize)
		if err != nil || !mayUse(data, self) || len(data) > left {
			continue
		}
		left -= len(data)
		uses = append(uses, parseUses(dir+"/"+name, data, self, tree)...)
	}
	return uses
}

// mayUse reports whether a workflow names this action or an action of the checkout, which
// saves parsing all others.
func mayUse(data []byte, self []string) bool {
	data = bytes.ToLower(data)
	return bytes.Contains(data, []byte("./")) || slices.ContainsFunc(self, func(s string) bool {
		return bytes.Contains(data, []byte(strings.ToLower(path.Base(s))))
	})
}

func parseUses(file string, data []byte, self []string, tree *checkout.Tree) []Use {
	root, problems := yamlnode.Parse(data, workflowLimits)
	if problems != nil {
		return nil
	}
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

// list splits the value of an input that holds a list.
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
		return
	}
	w.scheduled = true
	switch {
	case trigger.Kind == yamlnode.Mapping:
		w.badCrons = append(w.badCrons, badCron{trigger.Pos, "on.schedule is a mapping, not a list of crons, and never ticks",
			`write a hyphen before it, as in - cron: "17 * * * *"`})
	case trigger.Kind == yamlnode.Scalar && trigger.Type() == yamlnode.TypeNull, trigger.Kind == yamlnode.Sequence &&
		len(trigger.Items) == 0:
		pos := trigger.Pos
		if i := slices.IndexFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return p.Value == trigger }); i >= 0 &&
			trigger.Absent {
			pos = w.on.Pairs[i].Key.Pos
		}
		w.badCrons = append(w.badCrons,
			badCron{pos, "on.schedule has no cron and never ticks", `add one such as - cron: "17 * * * *"`})
	}
	if trigger.Kind == yamlnode.Scalar && trigger.Type() != yamlnode.TypeNull {
		message := "on.schedule is " + trigger.Describe() + ", not a list of crons, and never ticks"
		w.badCrons = append(w.badCrons, badCron{trigger.Pos, message, itemHint(trigger)})
	}
	for _, item := range trigger.Items {
		w.readCron(item)
	}
}

// hasTrigger knows the three forms of on: a word, a list, a mapping.
func (w *File) hasTrigger(event string) bool {
	if w.on == nil {
		return false
	}
	isEvent := func(n *yamlnode.Node) bool { return n.Text() == event }
	return isEvent(w.on) || slices.ContainsFunc(w.on.Items, isEvent) ||
		slices.ContainsFunc(w.on.Pairs, func(p yamlnode.Pair) bool { return isEvent(p.Key) })
}

// scheduleKeys are those of an item of on.schedule.
var scheduleKeys = []string{"cron", "timezone"}

const writeItem = `write - cron: "17 * * * *"`

// itemHint is the item of on.schedule for a cron that lacks its key.
func itemHint(n *yamlnode.Node) string {
	if _, err := cron.Parse(n.Text(), cron.Workflow); err == nil {
		return "write - cron: " + diag.Quote(n.Text())
	}
	return writeItem
}

// readCron reads one item of on.schedule.
func (w *File) readCron(item *yamlnode.Node) {
	bad := func(pos yamlnode.Pos, message, hint string) {
		w.badCrons = append(w.badCrons, badCron{pos, message, hint})
	}
	mapping := item.Resolve()
	if mapping == nil || mapping.Kind != yamlnode.Mapping {
		bad(item.Pos, "an item of on.schedule is "+item.Describe()+", not a mapping with the key cron", itemHint(mapping))
		return
	}
	for _, p := range mapping.Pairs {
		if !slices.Contains(scheduleKeys, p.Key.Value) {
			hint := schedule.KeyHint(p.Key.Value, scheduleKeys)
			bad(p.Key.Pos, "unknown key "+diag.Quote(p.Key.Value)+" in an item of on.schedule", hint)
		}
	}
	value := item.Get("cron").Resolve()
	switch {
	case value == nil:
		if item.Get("crons") == nil {
			bad(item.Pos, "an item of on.schedule has no cron", writeItem)
		}
	case value.Kind != yamlnode.Scalar || value.Type() != yamlnode.TypeString:
		bad(value.Pos, "the cron of a schedule is "+value.Describe()+", not a string", writeItem+", one item for each cron")
	default:
		w.readTick(item, value, bad)
	}
}

// readTick reads a cron and its time zone.
func (w *File) readTick(item, value *yamlnode.Node, bad func(pos yamlnode.Pos, message, hint string)) {
	c := tick{text: value.Value, pos: value.Pos, loc: time.UTC}
	var err error
	if c.slots, err = cron.Parse(c.text, cron.Workflow); err != nil {
		message, hint := cron.Explain(err)
		bad(c.pos, fmt.Sprintf("cron %s %s", diag.Quote(c.text), message), hint)
		return
	}
	if zone := item.Get("timezone").Resolve(); zone != nil {
		if c.loc, err = time.LoadLocation(zone.Text()); err != nil || zone.Text() == "" || zone.Text() == "Local" {
			bad(zone.Pos, fmt.Sprintf("timezone %s is not an IANA name", diag.Quote(zone.Text())),
				"write a name such as Europe/Berlin")
			return
		}
	}
	if gap := c.slots.Shortest(); gap < cron.Workflow.Shortest {
		bad(c.pos, fmt.Sprintf("cron %s ticks every %s, and the platform takes no shorter interval than %d minutes",
			diag.Quote(c.text), plural(gap, "minute"), cron.Workflow.Shortest), `write a longer interval, such as "*/5 * * * *"`)
	}
	w.crons = append(w.crons, c)
}

// PerMonth is how often the workflow's crons tick in a month, on average.
func (w *File) PerMonth() (ticks float64) {
	for _, c := range w.crons {
		ticks += c.slots.PerMonth()
	}
	return ticks
}

// HasBadCrons reports whether something is wrong with the workflow's on.schedule.
func (w *File) HasBadCrons() bool { return len(w.badCrons) > 0 }

func (w *File) unsilenced(findings []diag.Finding) []diag.Finding {
	return w.ignores.Unsilenced(findings)
}

func (u Use) input(name string) string { return u.step.Get("with").Get(name).Text() }

// Command is the command that the step runs: the input, the first argument of the image,
// or the default.
func (u Use) Command() string {
	first, _, _ := strings.Cut(strings.TrimSpace(u.input("args")), " ")
	return cmp.Or(u.input("command"), first, "prepare")
}

// prepares reports whether the step prepares entries of this manifest, and is not a dry
// run.
func (u Use) prepares(m *schedule.Manifest) bool {
	return u.Command() == "prepare" && u.input("dry-run") != "true" && u.isAbout(m)
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

// permission returns what the job's token may do with scope, and the place that says so.
// It is "none", "read" or "write", or "" when the repository's settings decide.
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

// ownToken reports whether an input holds another token than the job's. Its permissions
// are unknown here.
func (u Use) ownToken(name string) bool {
	value := u.input(name)
	return value != "" && !strings.Contains(value, "github.token") && !strings.Contains(value, "secrets.GITHUB_TOKEN")
}

func (u Use) checkLedger(r *reporter) {
	if got, pos := u.permission("actions"); !u.ownToken("token") && got != "read" && got != "write" {
		u.lacks(r, pos, got, "actions: read", "to read the ledger of receipts")
	}
}

// checkDispatch warns about a token that does not reach the targets. own are the names
// that this repository may have.
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

// withoutComments drops comments, from a # to the end of a line.
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
		return // what it does not state is its caller's to give
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

// checkRetention compares retention-days with what the entries that the step serves need,
// the longest period first.
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
			r.at(diag.Retention, value.Pos, fmt.Sprintf("receipts are kept for %s, too short to outlive a period of the %s "+
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
