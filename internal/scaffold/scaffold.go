// Package scaffold is init: it finds the agents of a repository, proposes a manifest and
// workflows for them, writes these files and reports what it did.
package scaffold

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
)

// The paths of the workflows that New proposes, unless the repository has another
// directory for workflows.
const (
	ScheduleWorkflow = ".github/workflows/" + scheduleName
	ValidateWorkflow = ".github/workflows/" + validateName

	scheduleName = "kaizen-schedule.yml"
	validateName = "kaizen-validate.yml"
)

// Options has what the files depend on besides the checkout.
type Options struct {
	// Slug becomes the manifest's repo, made valid if necessary. It is "" if unknown.
	Slug string
	// Repository is the full name, owner/name, or "". It decides the minute of the ticks,
	// so that many repositories do not tick at once.
	Repository string
	// Timezone is an IANA name, UTC by default.
	Timezone string
	// Engagement is the slug of the engagement that the manifest bootstraps, or "".
	Engagement string
	// Agents has the only agents that get an entry; nil means all.
	Agents []string
	// Bootstrap is how often the entries run.
	Bootstrap Bootstrap
}

// File is one file that a scheduled repository needs.
type File struct {
	Path string // slash-separated, in the checkout
	// Content is the whole file. With Append it is a line to add at the end of the file,
	// which may lack its last line break.
	Content string
	Append  bool
	// Reason says why the file is not written, as a part of a sentence. It is "" if the
	// file is to be written.
	Reason string
	// Exists says that the file exists.
	Exists bool
}

// Scaffold has the files that schedule a repository, and what the user should know.
type Scaffold struct {
	Files []File
	// Found has the agents with a prompt in the checkout. Skipped has files that look
	// like prompts and were not used.
	Found   []FoundAgent
	Skipped []SkippedPrompt
	// Manifest is the manifest after init. It is nil if the existing one is invalid.
	Manifest *schedule.Manifest
	// Runs is how often the workflows that prepare run in an average month.
	Runs schedule.Rate
	// Notes has sentences about what the user has to do.
	Notes []string

	named bool // the options restrict the entries
}

// New proposes the files that schedule the repository in tree. These are a manifest of
// the agents found in it, the workflow that prepares them, the pull request check, and
// the line of .gitignore that excludes bundles. Existing files are kept, so a second call
// after writing proposes nothing. The error says which path cannot be used, and the next
// step.
func New(tree *checkout.Tree, opts Options) (*Scaffold, error) {
	s := &Scaffold{named: len(opts.Agents) > 0}
	s.Found, s.Skipped = findPrompts(tree)
	for _, p := range s.Skipped {
		if p.Reason == notSearched(checkout.ErrTooLarge) && len(opts.Agents) == 0 {
			s.note(fmt.Sprintf("%q has more than %d names and is not searched: name its agents with --agents",
				p.Path, maxNames))
		}
	}
	manifest, err := s.manifest(tree, opts)
	if err != nil {
		return nil, err
	}
	prepare, err := s.schedule(tree, opts.Repository)
	if err != nil {
		return nil, err
	}
	validate := File{Path: path.Join(workflow.WorkflowDir(tree), validateName), Content: validateTemplate}
	if err := validate.checkExists(tree); err != nil {
		return nil, err
	}
	uses, broken := workflow.ReadUses(tree)
	validate.skipIfRun(uses, "validate")
	for _, f := range broken {
		s.note(fmt.Sprintf("%q mentions this action but is not valid YAML: run action validate", f.File))
	}
	ignore, note, err := ignorePrepared(tree)
	if err != nil {
		return nil, err
	}
	s.note(note)
	s.Files = []File{manifest, prepare, validate, ignore}
	s.ignoredFiles(tree, note == "")
	return s, nil
}

// ignoredFiles adds notes about lines of .gitignore that exclude new files. Manifest says
// whether to check the manifest, which may have a note already.
func (s *Scaffold) ignoredFiles(tree *checkout.Tree, manifest bool) {
	var rules []checkout.Ignore
	kept := make(map[checkout.Ignore][]string)
	for _, f := range s.Files[:3] {
		rule, isIgnored := tree.Ignored(f.Path)
		if !isIgnored || f.Reason != "" || f.Path == schedule.DefaultPath && !manifest {
			continue
		}
		if kept[rule] == nil {
			rules = append(rules, rule)
		}
		kept[rule] = append(kept[rule], f.Path)
	}
	for _, rule := range rules {
		files := strings.Join(kept[rule], " and ")
		s.note(fmt.Sprintf(
			"%s line %d (%s) keeps %s out of the repository: narrow that line, or run git add --force %s",
			rule.File, rule.Line, rule.Pattern, files, strings.Join(kept[rule], " ")))
	}
}

func (s *Scaffold) note(text string) {
	if text != "" {
		s.Notes = append(s.Notes, text)
	}
}

// findPrompts is FindAgents, but its skipped files include those with names such as
// README.md.
func findPrompts(tree *checkout.Tree) ([]FoundAgent, []SkippedPrompt) {
	agents, skipped := FindAgents(tree)
	search := &promptSearch{tree: tree}
	for _, pattern := range schedule.Conventions[schedule.PartPrompt] {
		before, after, _ := strings.Cut(pattern, "{a}")
		dir, prefix := path.Split(before)
		for _, full := range search.list(dir) {
			name, isPrompt := strings.CutSuffix(strings.TrimPrefix(path.Base(full), prefix), after)
			if isPrompt && slices.Contains(notAgents, strings.ToLower(name)) && !isPromptOf(agents, full) {
				skipped = append(skipped,
					SkippedPrompt{full, "looks like documentation; rename it if it is a prompt"})
			}
		}
	}
	slices.SortFunc(skipped, func(a, b SkippedPrompt) int { return cmp.Compare(a.Path, b.Path) })
	return agents, slices.Compact(skipped)
}

func isPromptOf(agents []FoundAgent, file string) bool {
	return slices.ContainsFunc(agents, func(a FoundAgent) bool { return slices.Contains(a.Paths, file) })
}

// manifest loads the existing manifest, or proposes one and loads that.
func (s *Scaffold) manifest(tree *checkout.Tree, opts Options) (File, error) {
	f := File{Path: schedule.DefaultPath}
	if err := f.checkExists(tree); err != nil {
		return f, err
	}
	plan, err := planManifest(tree, s.Found, opts)
	if err != nil {
		return f, err
	}
	f.Content = plan.text(opts)
	m, findings := schedule.Load(schedule.DefaultPath, []byte(f.Content), schedule.Options{})
	if m == nil { // only a bad time zone gets here
		return f, advice.New(findings[0].Hint, "%s", findings[0].Message)
	}
	if !f.Exists {
		s.Manifest, s.Notes = m, append(s.Notes, plan.notes...)
		for _, w := range findings {
			s.note(w.Message + ": " + w.Hint)
		}
		return f, nil
	}
	if data, err := tree.ReadFile(schedule.DefaultPath, schedule.MaxSize); err == nil {
		s.Manifest, _ = schedule.Load(schedule.DefaultPath, data, schedule.Options{Repo: spec.AsSlug(opts.Slug)})
	}
	if without := s.unscheduled(); len(without) > 0 {
		s.note(fmt.Sprintf("%s exists and has no entry for %s: add one for each agent that should run",
			schedule.DefaultPath, nameSome(without)))
	}
	return f, nil
}

// unscheduled returns the found agents without an entry. It returns none if the manifest
// is invalid.
func (s *Scaffold) unscheduled() (names []string) {
	for _, a := range s.Found {
		if s.Manifest != nil && s.Manifest.Entry(a.Agent) == nil {
			names = append(names, a.Agent)
		}
	}
	return names
}

// schedule proposes the workflow that prepares, unless there is one already.
func (s *Scaffold) schedule(tree *checkout.Tree, repository string) (File, error) {
	f := File{Path: path.Join(workflow.WorkflowDir(tree), scheduleName)}
	if err := f.checkExists(tree); err != nil {
		return f, err
	}
	uses, _ := workflow.ReadUses(tree)
	f.skipIfRun(uses, "prepare")
	switch {
	case f.Reason != "":
		s.existingRuns(f.Path, uses)
	case s.Manifest == nil:
		f.Reason = schedule.DefaultPath + " has errors, so the times of its agents are unknown"
	default:
		lines := planTicks(s.Manifest, repository)
		f.Content = scheduleTemplate(lines, s.Manifest.Location)
		s.Runs = perMonth(lines)
	}
	return f, nil
}

// existingRuns adds up the ticks of the existing workflows that prepare, and notes what
// is wrong with them.
func (s *Scaffold) existingRuns(file string, uses []workflow.Use) {
	var counted []*workflow.File
	for _, u := range uses {
		w := u.File
		if u.Command() != "prepare" || slices.Contains(counted, w) {
			continue
		}
		counted = append(counted, w)
		s.Runs += schedule.Rate(w.PerMonth())
		if w.HasBadCrons() {
			s.note(fmt.Sprintf("%q has a schedule that can't be read: run action validate", w.Path))
		}
	}
	switch {
	case len(counted) == 0:
		s.note(file + " does not run this action, so nothing prepares agents: " +
			"rename it, then run init again")
	case s.Runs == 0:
		s.note(fmt.Sprintf("%q prepares, but not on a schedule: add on.schedule to it, "+
			"or move that step to another workflow and run init again", counted[0].Path))
	}
}

// checkExists records whether the file exists. It returns an error if the path leaves the
// tree or leads through a file.
func (f *File) checkExists(tree *checkout.Tree) error {
	file, err := tree.Open(f.Path)
	switch {
	case err == nil:
		file.Close()
		f.Exists, f.Reason = true, "it exists already"
	case errors.Is(err, checkout.ErrNotRegular):
		f.Exists, f.Reason = true, "it exists and is not a regular file"
	case !errors.Is(err, fs.ErrNotExist):
		return advice.New("put a directory of the checkout itself there, then run init again", "looking for %w", err)
	}
	return nil
}

// skipIfRun drops the proposal of a workflow if another workflow runs the command
// already.
func (f *File) skipIfRun(uses []workflow.Use, command string) {
	i := slices.IndexFunc(uses, func(u workflow.Use) bool { return u.Command() == command })
	if i >= 0 && !f.Exists {
		f.Reason = fmt.Sprintf("%q runs %s already", uses[i].File.Path, command)
	}
}
