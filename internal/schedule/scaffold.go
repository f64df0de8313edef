package schedule

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// The workflows that NewScaffold proposes beside the manifest.
const (
	ScheduleWorkflow = ".github/workflows/kaizen-schedule.yml"
	ValidateWorkflow = ".github/workflows/kaizen-validate.yml"
)

// ScaffoldOptions are what the files depend on beside the checkout.
type ScaffoldOptions struct {
	// Slug becomes the manifest's repo, as near as a slug can be; "" when unknown.
	Slug string
	// Repository is the full name, owner/name, as far as it is known. It spreads the ticks of many
	// repositories over the hour.
	Repository string
	// Timezone is an IANA name, UTC by default.
	Timezone string
	// Engagement is the slug of the engagement that the manifest bootstraps, or "".
	Engagement string
	// Agents restricts the entries to these names, nil does not.
	Agents []string
	// Bootstrap is how often the entries run.
	Bootstrap Bootstrap
}

// ScaffoldFile is one file that a scheduled repository needs.
type ScaffoldFile struct {
	Path string // slash-separated, in the checkout
	// Content is the file, or with Append the line to be added behind its last one, which may lack its
	// line break.
	Content string
	Append  bool
	// Reason says why nothing is to be written, as a part of a sentence; it is "" for a file to be written.
	Reason string
	// Exists says that the file is there already.
	Exists bool
}

// Scaffold is what a repository needs to be scheduled.
type Scaffold struct {
	Files []ScaffoldFile
	// Found are the agents that have a prompt in the checkout, Skipped what looks like a prompt and gives
	// none.
	Found   []FoundAgent
	Skipped []SkippedPrompt
	// Manifest is the one that the repository will have, nil if the one that it has is invalid.
	Manifest *Manifest
	// Runs is how often the workflows that prepare will run in a month, on average.
	Runs Rate
	// Notes are sentences about what the files alone do not settle.
	Notes []string
}

// NewScaffold proposes the files with which the repository in tree is scheduled: a manifest of the agents
// found in it, the workflow that prepares them, the pull request check, and the line that keeps bundles out
// of git. A file that is there already is kept, so after writing the others a second call proposes nothing.
func NewScaffold(tree *checkout.Tree, opts ScaffoldOptions) (*Scaffold, error) {
	s := &Scaffold{}
	var err error
	if s.Found, s.Skipped, err = findPrompts(tree); err != nil {
		return nil, err
	}
	manifest, err := s.manifest(tree, opts)
	if err != nil {
		return nil, err
	}
	schedule, err := s.schedule(tree, opts.Repository)
	if err != nil {
		return nil, err
	}
	validate := ScaffoldFile{Path: ValidateWorkflow, Content: validateTemplate}
	if err := validate.look(tree); err != nil {
		return nil, err
	}
	validate.unused(readUses(tree, nil), "validate")
	ignore, note, err := ignorePrepared(tree)
	if err != nil {
		return nil, err
	}
	s.note(note)
	s.Files = []ScaffoldFile{manifest, schedule, validate, ignore}
	return s, nil
}

func (s *Scaffold) note(text string) {
	if text != "" {
		s.Notes = append(s.Notes, text)
	}
}

// findPrompts finds agents as FindAgents does; to what it skipped it adds the files that bear a name such as
// README.md.
func findPrompts(tree *checkout.Tree) ([]FoundAgent, []SkippedPrompt, error) {
	agents, skipped, err := FindAgents(tree)
	if err != nil {
		return nil, nil, err
	}
	search := &promptSearch{tree: tree}
	for _, pattern := range Conventions[PartPrompt] {
		before, after, _ := strings.Cut(pattern, "{a}")
		dir, prefix := path.Split(before)
		names, err := search.list(dir)
		if err != nil {
			return nil, nil, err
		}
		for _, full := range names {
			name, isPrompt := strings.CutSuffix(strings.TrimPrefix(path.Base(full), prefix), after)
			if isPrompt && slices.Contains(notAgents, strings.ToLower(name)) && !isPromptOf(agents, full) {
				skipped = append(skipped, SkippedPrompt{full, "is taken for documentation; rename it if it is a prompt"})
			}
		}
	}
	slices.SortFunc(skipped, func(a, b SkippedPrompt) int { return cmp.Compare(a.Path, b.Path) })
	return agents, slices.Compact(skipped), nil
}

func isPromptOf(agents []FoundAgent, file string) bool {
	return slices.ContainsFunc(agents, func(a FoundAgent) bool { return slices.Contains(a.Paths, file) })
}

// manifest proposes the manifest and loads it, or the one that is there already.
func (s *Scaffold) manifest(tree *checkout.Tree, opts ScaffoldOptions) (ScaffoldFile, error) {
	f := ScaffoldFile{Path: DefaultPath}
	if err := f.look(tree); err != nil {
		return f, err
	}
	plan, err := planManifest(tree, s.Found, opts)
	if err != nil {
		return f, err
	}
	f.Content = plan.text(opts)
	m, findings := Load(DefaultPath, []byte(f.Content), Options{})
	if m == nil { // only the time zone is not checked before
		return f, fmt.Errorf("%s: %s", findings[0].Message, findings[0].Hint)
	}
	if !f.Exists {
		s.Manifest, s.Notes = m, plan.notes
		for _, w := range findings {
			s.note(w.Message + ": " + w.Hint)
		}
		return f, nil
	}
	if data, err := tree.ReadFile(DefaultPath, MaxSize); err == nil {
		s.Manifest, _ = Load(DefaultPath, data, Options{Repo: asSlug(opts.Slug)})
	}
	if without := s.unscheduled(); len(without) > 0 {
		s.note(fmt.Sprintf("%s is kept and has no entry for %s: add one for each agent that is to run",
			DefaultPath, nameSome(without)))
	}
	return f, nil
}

// unscheduled are the found agents that have no entry in a valid manifest.
func (s *Scaffold) unscheduled() (names []string) {
	for _, a := range s.Found {
		if s.Manifest != nil && s.Manifest.Entry(a.Agent) == nil {
			names = append(names, a.Agent)
		}
	}
	return names
}

// schedule proposes the workflow that prepares, unless a workflow does so already.
func (s *Scaffold) schedule(tree *checkout.Tree, repository string) (ScaffoldFile, error) {
	f := ScaffoldFile{Path: ScheduleWorkflow}
	if err := f.look(tree); err != nil {
		return f, err
	}
	uses := readUses(tree, nil)
	f.unused(uses, "prepare")
	switch {
	case f.Reason != "":
		s.existingRuns(uses)
	case s.Manifest == nil:
		f.Reason = DefaultPath + " has errors, so the times of its agents are unknown"
	default:
		lines := planTicks(s.Manifest, repository)
		f.Content = scheduleTemplate(lines, s.Manifest.Location)
		s.Runs = perMonth(lines)
	}
	return f, nil
}

// existingRuns counts the ticks of the workflows that prepare already.
func (s *Scaffold) existingRuns(uses []use) {
	var counted []*workflow
	for _, u := range uses {
		w := u.workflow
		if u.command() != "prepare" || slices.Contains(counted, w) {
			continue
		}
		counted = append(counted, w)
		for _, c := range w.crons {
			s.Runs += Rate(c.slots.PerMonth())
		}
		if len(w.badCrons) > 0 {
			s.note(fmt.Sprintf("%q has a schedule that can't be read: run action validate", w.file))
		}
	}
	switch {
	case len(counted) == 0:
		s.note(ScheduleWorkflow + " does not run this action, so nothing prepares agents: " +
			"rename it, then run init again")
	case s.Runs == 0:
		s.note(fmt.Sprintf("%q prepares, but not on a schedule: add on.schedule to it, or move that step elsewhere "+
			"and run init again", counted[0].file))
	}
}

// look finds out whether something bears the file's name. A place that leads out of the tree, or through
// what is no directory, is an error.
func (f *ScaffoldFile) look(tree *checkout.Tree) error {
	file, err := tree.Open(f.Path)
	switch {
	case err == nil:
		file.Close()
		f.Exists, f.Reason = true, "it is there already"
	case errors.Is(err, checkout.ErrNotRegular):
		f.Exists, f.Reason = true, "something that is no regular file is there already"
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("looking for %w: put a directory of the checkout itself there, then run init again", err)
	}
	return nil
}

// unused drops the proposal of a workflow if another one runs the command already.
func (f *ScaffoldFile) unused(uses []use, command string) {
	i := slices.IndexFunc(uses, func(u use) bool { return u.command() == command })
	if i >= 0 && !f.Exists {
		f.Reason = fmt.Sprintf("%q runs %s already", uses[i].workflow.file, command)
	}
}
