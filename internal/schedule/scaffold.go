package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// The files that Scaffold writes beside the manifest.
const (
	scheduleWorkflow = ".github/workflows/kaizen-schedule.yml"
	validateWorkflow = ".github/workflows/kaizen-validate.yml"
	ignoreFile       = ".gitignore"
	ignoreLine       = ".kaizen/prepared/"
)

// ScaffoldFile is one file that a scheduled repository needs.
type ScaffoldFile struct {
	Path string // slash-separated, in the checkout
	// Content is the file, or with Append the line to be added behind its last one, which may lack its line break.
	Content string
	Append  bool
	// Exists says that nothing is to be written, and Reason why not, as a part of a sentence.
	Exists bool
	Reason string
	// Note is a sentence for the reader about what the file alone does not settle, or "".
	Note string
}

// Scaffold proposes the files with which the repository in tree is scheduled: a manifest of the agents found in it, the workflow
// that prepares them, the pull request check, and the line that keeps bundles out of git. What is there already is never touched, so
// after writing them a second call proposes nothing. Repo is the repository's name, "" when unknown, which becomes the slug; agents are
// those found, none if the manifest only shows an example.
func Scaffold(tree *checkout.Tree, repo string) (files []ScaffoldFile, agents []string, err error) {
	prompts, err := findAgents(tree)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range prompts {
		agents = append(agents, p.agent)
	}
	uses := readUses(tree, nil)
	files = []ScaffoldFile{
		{Path: DefaultPath, Content: manifestTemplate(repo, prompts[:min(len(prompts), maxAgents)])},
		unused(ScaffoldFile{Path: scheduleWorkflow, Content: scheduleTemplate(repo)}, uses, "prepare"),
		unused(ScaffoldFile{Path: validateWorkflow, Content: validateTemplate}, uses, "validate"),
	}
	for i := range files {
		if err := files[i].look(tree); err != nil {
			return nil, nil, err
		}
	}
	if left := len(prompts) - maxAgents; left > 0 && !files[0].Exists {
		files[0].Note = fmt.Sprintf("%s has the first %d agents and leaves out %d: add those that are to run", DefaultPath, maxAgents, left)
	}
	ignore, err := ignorePrepared(tree)
	if err != nil {
		return nil, nil, err
	}
	return append(files, ignore), agents, nil
}

// look finds out whether something bears the file's name. A place that leads out of the tree, or through what is no directory, is an error.
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

// unused is the workflow unless another one runs the command already.
func unused(f ScaffoldFile, uses []use, command string) ScaffoldFile {
	i := slices.IndexFunc(uses, func(u use) bool { return u.command() == command })
	if i >= 0 {
		f.Exists, f.Reason = true, fmt.Sprintf("%q runs %s already", uses[i].workflow.file, command)
	}
	return f
}

// ignorePrepared proposes the line that keeps bundles out of git, and notes lines that keep the manifest out, too.
func ignorePrepared(tree *checkout.Tree) (ScaffoldFile, error) {
	f := ScaffoldFile{Path: ignoreFile, Content: ignoreLine + "\n"}
	data, err := tree.ReadFile(ignoreFile, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("reading %w: put a regular file of the checkout itself there, then run init again", err)
	}
	var prepared, directory, contents bool
	for line := range strings.Lines(string(data)) {
		switch strings.Trim(strings.TrimSpace(line), "/") {
		case ".kaizen/prepared":
			prepared = true
		case ".kaizen", "**/.kaizen":
			directory = true // of which git makes no exception
		case ".kaizen/*", ".kaizen/**":
			contents = true
		case "!" + DefaultPath, "!/" + DefaultPath:
			contents = false
		}
	}
	if directory || contents {
		f.Note = fmt.Sprintf("%s ignores .kaizen as a whole, so %s would not be committed: ignore %s instead, or make an exception with .kaizen/* and !%[2]s",
			ignoreFile, DefaultPath, ignoreLine)
	}
	if prepared || directory || contents {
		f.Exists, f.Reason = true, "it ignores the bundles already"
	}
	f.Append = true
	return f, nil
}

// found is an agent and the files that the conventions take for its prompt, the one that counts first.
type found struct {
	agent string
	paths []string
	// memory is set where convention gives several agents the same file, which only naming it makes deliberate.
	memory string
}

// At most so many names of a directory are looked at, and so many agents proposed.
const (
	maxNames  = 1000
	maxAgents = 100
)

// notAgents are files that stand beside prompts in many repositories.
var notAgents = []string{"readme", "agents", "claude", "gemini", "index", "changelog", "contributing", "license", "template"}

// namedPrompt is an agent and the path of what bears the name of its prompt, which need not be a file.
type namedPrompt struct{ agent, path string }

// namedPrompts looks for prompts in every layout, in the order of the conventions.
func namedPrompts(tree *checkout.Tree) (prompts []namedPrompt, err error) {
	search, err := searchPrompts(tree)
	if err != nil {
		return nil, err
	}
	return search.prompts, nil
}

// SimilarAgent is the agent with a prompt in any layout that name was probably meant to be, or "".
func SimilarAgent(tree *checkout.Tree, name string) string {
	prompts, _ := namedPrompts(tree) // without the names there is nothing to suggest
	agents := make([]string, len(prompts))
	for i, p := range prompts {
		agents[i] = p.agent
	}
	near := Suggest(name, agents)
	if !slices.ContainsFunc(prompts, func(p namedPrompt) bool { return p.agent == near && tree.IsFile(p.path) }) {
		return ""
	}
	return near
}

// findAgents are the agents that have prompts, sorted by name.
func findAgents(tree *checkout.Tree) ([]found, error) {
	names, err := namedPrompts(tree)
	if err != nil {
		return nil, err
	}
	prompts := make(map[string][]string)
	for _, p := range names {
		if tree.IsFile(p.path) {
			prompts[p.agent] = append(prompts[p.agent], p.path)
		}
	}
	agents := make([]found, 0, len(prompts))
	for agent, paths := range prompts {
		agents = append(agents, found{agent: agent, paths: paths})
	}
	for i := range agents {
		if len(agents) > 1 {
			agents[i].memory = sharedMemory(tree, agents[i].agent)
		}
	}
	slices.SortFunc(agents, func(a, b found) int { return strings.Compare(a.agent, b.agent) })
	return agents, nil
}

// sharedMemory is the memory that convention finds for the agent, if it is one for all agents.
func sharedMemory(tree *checkout.Tree, agent string) string {
	for _, pattern := range Conventions[PartMemory] {
		if file := Expand(pattern, agent); tree.IsFile(file) {
			if file == pattern {
				return file
			}
			return ""
		}
	}
	return ""
}

func isAgent(name string) bool {
	return IsAgent(name) && reservedAgents[name] == "" && !slices.Contains(notAgents, strings.ToLower(name))
}

const manifestHead = `# yaml-language-server: $schema=https://raw.githubusercontent.com/kaizen-agentic/schedule-action/v1/schema/schedule.schema.json
#
# Which agents run on this repository, and how often. Check it with: action validate
version: "1"
`

// manifestTemplate is a manifest with an entry for every agent, or for an example when none was found.
func manifestTemplate(repo string, agents []found) string {
	var b strings.Builder
	b.WriteString(manifestHead)
	if slug := asSlug(repo); slug != "" {
		fmt.Fprintf(&b, "repo: %s # State Hub slug\n", yamlWord(slug))
	}
	b.WriteString("timezone: UTC # IANA name, such as Europe/Berlin\nschedules:\n")
	if len(agents) == 0 {
		b.WriteString("  # No agent was found here: this is an example. Its prompt belongs into agents/agent-coach.md.\n")
		agents = []found{{agent: "coach"}}
	}
	for i, a := range agents {
		writeEntry(&b, a, i == 0)
	}
	return b.String()
}

// asSlug is the slug nearest to a repository's or a directory's name, such as "github" for .github; "" if nothing is left of it.
func asSlug(name string) string {
	var b strings.Builder
	for _, r := range name {
		if !isAlphanumeric(r) && !strings.ContainsRune("._-", r) {
			r = '-'
		}
		b.WriteRune(r)
	}
	slug := strings.TrimLeft(b.String(), "._-")
	return strings.TrimRight(slug[:min(len(slug), 100)], "-")
}

// writeEntry writes an agent's entry; the first one explains its keys.
func writeEntry(b *strings.Builder, a found, first bool) {
	key := func(key, value, comment string) {
		if comment != "" && first {
			value += " # " + comment
		}
		fmt.Fprintf(b, "    %s: %s\n", key, value)
	}
	fmt.Fprintf(b, "  - agent: %s\n", yamlWord(a.agent))
	if strings.Contains(strings.ToLower(a.agent), "optimi") { // looks at a month's metrics, a week's say little
		key("cadence", "monthly", "daily, weekly or monthly")
		key("day", "1", "1 to 31; a short month uses its last day")
	} else {
		key("cadence", "weekly", "daily, weekly or monthly")
		key("day", "monday", "monday to sunday")
	}
	key("time", `"05:00"`, "not before this local time; quoted")
	if len(a.paths) > 1 {
		key("prompt", a.paths[0]+" # found too: "+strings.Join(a.paths[1:], ", "), "")
	}
	if a.memory != "" {
		key("memory", a.memory+" # shared", "")
	}
}

// yamlWord writes a slug or an agent's name, quoting what YAML would not take for a string.
func yamlWord(s string) string {
	first := s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z'
	if first && !slices.Contains([]string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}, strings.ToLower(s)) {
		return s
	}
	return `"` + s + `"`
}

// tickMinute spreads repositories over the hour, off the minutes at which everybody's schedules start.
func tickMinute(repo string) int {
	h := fnv.New32a()
	h.Write([]byte(repo)) // never fails
	minute := 1 + int(h.Sum32()%59)
	if minute%5 == 0 {
		minute++
	}
	return minute
}

func scheduleTemplate(repo string) string {
	return fmt.Sprintf(`# Prepares the agent runs that are due. Ticks often: late or dropped ones are caught up, each period once.
name: kaizen-schedule

on:
  schedule:
    - cron: "%d * * * *"
  workflow_dispatch:

permissions:
  actions: read # the ledger of what was delivered
  contents: read

concurrency:
  group: kaizen-schedule
  cancel-in-progress: false

jobs:
  prepare:
    runs-on: ubuntu-latest
    timeout-minutes: 10
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: kaizen-agentic/schedule-action@v1
`, tickMinute(repo))
}

const validateTemplate = `# Checks the manifest, and what it refers to, on pull requests.
name: kaizen-validate

on:
  pull_request: # of any path: what the manifest refers to may stand anywhere

permissions:
  contents: read

jobs:
  validate:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: kaizen-agentic/schedule-action@v1
        with:
          command: validate
`
