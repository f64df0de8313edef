package schedule

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// What a workflow calls this action, and what its action.yml does.
const (
	actionRepository = "kaizen-agentic/schedule-action"
	actionName       = "schedule-action"
)

// CheckWorkflows warns where the workflows that run this action cannot do what the manifest asks for: crons that miss periods, tick on
// the hour or are not GitHub's; missing permissions; runs that could overlap or cancel each other; receipts that expire too early.
// Self are the repositories (owner/name) whose `uses:` means this action. A workflow that can't be read, or that only GitHub can
// evaluate, is passed over: nothing is reported on a guess.
func CheckWorkflows(m *Manifest, self []string, tree *checkout.Tree) []diag.Finding {
	var findings []diag.Finding
	var uses []use
	for _, u := range readUses(tree, self) {
		switch {
		case u.prepares(m):
			uses = append(uses, u)
		case u.lists(m):
			r := reporter{file: u.workflow.file}
			u.checkLedger(&r)
			findings = append(findings, u.workflow.unsilenced(r.findings)...)
		}
	}
	for i, u := range uses {
		r := reporter{file: u.workflow.file}
		u.checkLedger(&r)
		u.checkDispatch([]string{m.Repo, tree.Origin()}, &r)
		u.checkRetention(m, &r)
		if u.workflow.scheduled {
			u.checkConcurrency(&r)
		}
		if i == 0 || uses[i-1].workflow != u.workflow {
			u.workflow.checkCrons(&r)
			r.findings = append(r.findings, u.workflow.ignoreFindings...)
		}
		findings = append(findings, u.workflow.unsilenced(r.findings)...)
	}
	findings = append(findings, checkCoverage(m, uses)...)
	diag.Sort(findings)
	return slices.Compact(findings) // two steps of a job share what is wrong with it
}

type reporter struct {
	file     string
	findings []diag.Finding
}

func (r *reporter) at(rule diag.Rule, pos Pos, message, hint string) {
	r.findings = append(r.findings, rule.At(r.file, pos.Line, pos.Column, message, hint))
}

// workflow is a file of .github/workflows.
type workflow struct {
	file string
	root *node
	on   *node
	// scheduled says that it has on.schedule, foreign that something outside this checkout may start it at any time.
	scheduled, foreign bool
	crons              []tick
	badCrons           []badCron
	ignores            map[int][]string
	ignoreFindings     []diag.Finding
}

// badCron is what is wrong with a cron, or with the place where crons belong.
type badCron struct {
	pos           Pos
	message, hint string
}

// use is a step that runs this action.
type use struct {
	workflow *workflow
	jobID    *node // the job's key
	job      *node
	step     *node
}

// How much of .github/workflows is read: files, and bytes of those that may use this action.
const (
	maxWorkflows     = 500
	maxWorkflowBytes = 2 << 20
)

// readUses finds the steps that run this action in the tree's workflows.
func readUses(tree *checkout.Tree, self []string) (uses []use) {
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
		data, err := tree.ReadFile(dir+"/"+name, MaxSize)
		if err != nil || !mayUse(data, self) || len(data) > left {
			continue
		}
		left -= len(data)
		uses = append(uses, parseUses(dir+"/"+name, data, self, tree)...)
	}
	return uses
}

// mayUse saves parsing the workflows that name neither this action nor one of the checkout.
func mayUse(data []byte, self []string) bool {
	data = bytes.ToLower(data)
	return bytes.Contains(data, []byte("./")) || slices.ContainsFunc(self, func(s string) bool {
		return bytes.Contains(data, []byte(strings.ToLower(path.Base(s))))
	})
}

func parseUses(file string, data []byte, self []string, tree *checkout.Tree) []use {
	root, problems := parseYAML(data, workflowLimits)
	if problems != nil {
		return nil
	}
	w := &workflow{file: file, root: root}
	uses := w.uses(tree, self)
	if len(uses) > 0 {
		w.readTriggers()
		w.ignores, w.ignoreFindings = readIgnores(file, comments(data, root))
	}
	return uses
}

func (w *workflow) uses(tree *checkout.Tree, self []string) (uses []use) {
	jobs := w.root.get("jobs").resolve()
	if jobs == nil {
		return nil
	}
	for _, p := range jobs.pairs {
		steps := p.value.get("steps").resolve()
		if steps == nil {
			continue
		}
		for _, step := range steps.items {
			if isSelf(text(step.get("uses")), self, tree) {
				uses = append(uses, use{workflow: w, jobID: p.key, job: p.value, step: step})
			}
		}
	}
	return uses
}

// isSelf reports whether the value of `uses:` is this action: by its repository, by a path in this checkout, or by its image.
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
		data, err := tree.ReadFile(path.Join(dir, name), MaxSize)
		if err != nil {
			continue
		}
		root, problems := parseYAML(data, workflowLimits)
		return problems == nil && text(root.get("name")) == actionName
	}
	return false
}

// text is a scalar's value, "" for anything else.
func text(n *node) string {
	if n = n.resolve(); n == nil || n.kind != scalarNode {
		return ""
	}
	return n.value
}

// dynamic reports whether only GitHub can tell what a value will be.
func dynamic(value string) bool { return strings.Contains(value, "${{") }

// list splits the value of an input that holds a list.
func list(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}

func (w *workflow) readTriggers() {
	w.on = w.root.get("on").resolve()
	for _, event := range []string{"workflow_call", "workflow_run", "repository_dispatch"} {
		w.foreign = w.foreign || w.hasTrigger(event)
	}
	schedule := w.on.get("schedule").resolve()
	if schedule == nil {
		return
	}
	w.scheduled = true
	switch {
	case schedule.kind == mappingNode:
		w.badCrons = append(w.badCrons, badCron{schedule.pos, "on.schedule is a mapping, not a list of crons, and never ticks", `write a hyphen before it, as in - cron: "17 * * * *"`})
	case schedule.kind == scalarNode && schedule.typ() == typeNull, schedule.kind == sequenceNode && len(schedule.items) == 0:
		pos := schedule.pos
		if i := slices.IndexFunc(w.on.pairs, func(p pair) bool { return p.value == schedule }); i >= 0 && schedule.absent {
			pos = w.on.pairs[i].key.pos
		}
		w.badCrons = append(w.badCrons, badCron{pos, "on.schedule has no cron and never ticks", `add one such as - cron: "17 * * * *"`})
	}
	if schedule.kind == scalarNode && schedule.typ() != typeNull {
		message := "on.schedule is " + describe(schedule) + ", not a list of crons, and never ticks"
		w.badCrons = append(w.badCrons, badCron{schedule.pos, message, itemHint(schedule)})
	}
	for _, item := range schedule.items {
		w.readCron(item)
	}
}

// hasTrigger knows the three forms of on: a word, a list, a mapping.
func (w *workflow) hasTrigger(event string) bool {
	if w.on == nil {
		return false
	}
	isEvent := func(n *node) bool { return text(n) == event }
	return isEvent(w.on) || slices.ContainsFunc(w.on.items, isEvent) ||
		slices.ContainsFunc(w.on.pairs, func(p pair) bool { return isEvent(p.key) })
}

// scheduleKeys are those of an item of on.schedule.
var scheduleKeys = []string{"cron", "timezone"}

const writeItem = `write - cron: "17 * * * *"`

// itemHint is the item of on.schedule for a cron that lacks its key.
func itemHint(n *node) string {
	if _, err := cron.Parse(text(n), cron.Workflow); err == nil {
		return "write - cron: " + quote(text(n))
	}
	return writeItem
}

// readCron reads one item of on.schedule.
func (w *workflow) readCron(item *node) {
	bad := func(pos Pos, message, hint string) {
		w.badCrons = append(w.badCrons, badCron{pos, message, hint})
	}
	mapping := item.resolve()
	if mapping == nil || mapping.kind != mappingNode {
		bad(item.pos, "an item of on.schedule is "+describe(item)+", not a mapping with the key cron", itemHint(mapping))
		return
	}
	for _, p := range mapping.pairs {
		if !slices.Contains(scheduleKeys, p.key.value) {
			hint := keyHint(cmp.Or(Suggest(p.key.value, scheduleKeys), aliasOf(p.key.value)), scheduleKeys)
			bad(p.key.pos, "unknown key "+quote(p.key.value)+" in an item of on.schedule", hint)
		}
	}
	value := item.get("cron").resolve()
	switch {
	case value == nil:
		if item.get("crons") == nil {
			bad(item.pos, "an item of on.schedule has no cron", writeItem)
		}
	case value.kind != scalarNode || value.typ() != typeString:
		bad(value.pos, "the cron of a schedule is "+describe(value)+", not a string", writeItem+", one item for each cron")
	default:
		w.readTick(item, value, bad)
	}
}

// readTick reads a cron and its time zone.
func (w *workflow) readTick(item, value *node, bad func(pos Pos, message, hint string)) {
	c := tick{text: value.value, pos: value.pos, loc: time.UTC}
	var err error
	if c.slots, err = cron.Parse(c.text, cron.Workflow); err != nil {
		message, hint := cronError(err)
		bad(c.pos, fmt.Sprintf("cron %s %s", quote(c.text), message), hint)
		return
	}
	if zone := item.get("timezone").resolve(); zone != nil {
		if c.loc, err = time.LoadLocation(text(zone)); err != nil || text(zone) == "" || text(zone) == "Local" {
			bad(zone.pos, fmt.Sprintf("timezone %s is not an IANA name", quote(text(zone))), "write a name such as Europe/Berlin")
			return
		}
	}
	if gap := c.slots.Shortest(); gap < cron.Workflow.Shortest {
		bad(c.pos, fmt.Sprintf("cron %s ticks every %s, and the platform takes no shorter interval than %d minutes",
			quote(c.text), plural(gap, "minute"), cron.Workflow.Shortest), `write a longer interval, such as "*/5 * * * *"`)
	}
	w.crons = append(w.crons, c)
}

// cronError is the message and the hint of an error of cron.Parse.
func cronError(err error) (message, hint string) {
	if e, ok := errors.AsType[*cron.Error](err); ok {
		return e.Message, e.Hint
	}
	return err.Error(), ""
}

func (w *workflow) unsilenced(findings []diag.Finding) []diag.Finding {
	return unsilenced(w.file, w.ignores, findings)
}

func (u use) input(name string) string { return text(u.step.get("with").get(name)) }

// command is the command that the step runs: the input, the first argument of the image, or the default.
func (u use) command() string {
	first, _, _ := strings.Cut(strings.TrimSpace(u.input("args")), " ")
	return cmp.Or(u.input("command"), first, "prepare")
}

// prepares reports whether the step prepares entries of this manifest for good.
func (u use) prepares(m *Manifest) bool {
	return u.command() == "prepare" && u.input("dry-run") != "true" && u.isAbout(m)
}

// lists reports whether the step lists what is due in this manifest.
func (u use) lists(m *Manifest) bool { return u.command() == "list" && u.isAbout(m) }

// isAbout reports whether the step reads this manifest in this checkout.
func (u use) isAbout(m *Manifest) bool {
	here := func(value, place string) bool {
		return value == "" || !dynamic(value) && path.Clean(value) == path.Clean(place)
	}
	target := strings.ReplaceAll(u.input("target"), "${{ github.workspace }}", ".")
	return here(target, ".") && here(u.input("schedule"), m.File)
}

// serves reports whether the step may prepare the entry when it is due.
func (u use) serves(e *Entry) bool {
	if cadence := u.input("cadence"); cadence != "" && !dynamic(cadence) && cadence != string(e.Cadence) {
		return false
	}
	agents := u.input("agents")
	return dynamic(agents) || u.servesAll() || slices.Contains(list(agents), e.Agent)
}

// servesAll reports whether the step takes what is due, or everything.
func (u use) servesAll() bool { return slices.Contains([]string{"", "due", "all"}, u.input("agents")) }

func (w *workflow) checkCrons(r *reporter) {
	for _, c := range w.badCrons {
		r.at(diag.WorkflowSchedule, c.pos, c.message, c.hint)
	}
	for _, c := range w.crons {
		if c.onTheHour() {
			r.at(diag.CronOnTheHour, c.pos, fmt.Sprintf("cron %q ticks on the hour, when GitHub delays and drops the most", c.text),
				"choose a minute that few others do, such as 17")
		}
	}
}

// permission returns what the job's token may do with scope ("none", "read" or "write"; "" when only the repository's settings
// tell), and where that is written.
func (u use) permission(scope string) (string, Pos) {
	permissions, pos := u.job.get("permissions"), u.jobID.pos
	if permissions == nil {
		permissions = u.workflow.root.get("permissions")
	}
	permissions = permissions.resolve()
	switch {
	case permissions == nil:
		return "", pos
	case permissions.kind == mappingNode:
		if value := permissions.get(scope).resolve(); value != nil {
			return text(value), value.pos
		}
		return "none", permissions.pos
	}
	return strings.TrimSuffix(text(permissions), "-all"), permissions.pos
}

// ownToken reports whether an input holds another token than the job's, whose permissions nobody sees here.
func (u use) ownToken(name string) bool {
	value := u.input(name)
	return value != "" && !strings.Contains(value, "github.token") && !strings.Contains(value, "secrets.GITHUB_TOKEN")
}

func (u use) checkLedger(r *reporter) {
	if got, pos := u.permission("actions"); !u.ownToken("token") && got != "read" && got != "write" {
		u.lacks(r, pos, got, "actions: read", "to read the ledger of receipts")
	}
}

// checkDispatch wants a token that reaches the targets. Own are the names that this repository may have.
func (u use) checkDispatch(own []string, r *reporter) {
	emits := list(u.input("emit"))
	to := u.step.get("with").get("dispatch-to").resolve()
	dispatches := text(to) != "" && (len(emits) == 0 || slices.Contains(emits, "dispatch"))
	if !dispatches || u.ownToken("dispatch-token") || u.ownToken("token") {
		return
	}
	targets := list(withoutComments(text(to)))
	others := slices.DeleteFunc(slices.Clone(targets), func(target string) bool {
		return slices.ContainsFunc(own, func(name string) bool { return strings.EqualFold(path.Base(target), name) })
	})
	if own[0] == "" || dynamic(text(to)) {
		others = nil // they may be this repository
	}
	if len(others) > 0 {
		r.at(diag.WorkflowPermission, to.pos, "the job's own token reaches its own repository only, not "+quote(strings.Join(others, ", ")),
			"give the input dispatch-token a token with `contents: write` there")
	}
	if got, pos := u.permission("contents"); len(others) < len(targets) && got != "write" {
		u.lacks(r, pos, got, "contents: write", "to send a repository_dispatch with the job's own token")
	}
}

// withoutComments drops from each line of a list what stands behind a #.
func withoutComments(value string) string {
	lines := strings.Split(value, "\n")
	for i, line := range lines {
		lines[i], _, _ = strings.Cut(line, "#")
	}
	return strings.Join(lines, "\n")
}

func (u use) lacks(r *reporter, pos Pos, got, needed, why string) {
	message := fmt.Sprintf("job %q needs the permission `%s` %s", u.jobID.value, needed, why)
	if got == "" && u.workflow.hasTrigger("workflow_call") && !u.workflow.scheduled {
		return // what it does not state is its caller's to give
	}
	if got == "" {
		message += ", and states none"
	}
	r.at(diag.WorkflowPermission, pos, message, fmt.Sprintf("add `%s` to the permissions of the job or the workflow", needed))
}

func (u use) checkConcurrency(r *reporter) {
	concurrency := u.job.get("concurrency")
	if concurrency == nil {
		concurrency = u.workflow.root.get("concurrency")
	}
	group := text(concurrency)
	if group == "" {
		group = text(concurrency.get("group"))
	}
	unique := func(value string) bool { return strings.Contains(group, value) }
	if group == "" || slices.ContainsFunc([]string{"github.run_id", "github.run_number", "github.run_attempt", "github.sha"}, unique) {
		r.at(diag.WorkflowConcurrency, u.jobID.pos, fmt.Sprintf("two runs of job %q can prepare the same period at once", u.jobID.value),
			"add `concurrency: { group: kaizen-schedule, cancel-in-progress: false }`")
		return
	}
	if cancel := concurrency.get("cancel-in-progress").resolve(); text(cancel) == "true" {
		r.at(diag.WorkflowConcurrency, cancel.pos, "a tick cancels the run before it in the middle of its delivery", "write `cancel-in-progress: false`")
	}
}

// checkRetention compares retention-days with what the entries that the step serves need, the longest period first.
func (u use) checkRetention(m *Manifest, r *reporter) {
	value := u.step.get("with").get("retention-days").resolve()
	days, err := strconv.Atoi(text(value))
	if err != nil || days <= 0 {
		return // the default is long enough
	}
	for _, cadence := range []Cadence{Monthly, Weekly, Daily} {
		i := slices.IndexFunc(m.Entries, func(e Entry) bool { return e.Enabled && e.Cadence == cadence && u.serves(&e) })
		if need := cadence.Retention(); i >= 0 && days < need {
			r.at(diag.Retention, value.pos, fmt.Sprintf("receipts are kept for %s, too short to outlive a period of the %s agent %q and the next: it may run twice in one",
				plural(days, "day"), cadence, m.Entries[i].Agent), fmt.Sprintf("keep them for at least %d days, or leave retention-days out", need))
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
