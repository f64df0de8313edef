package prepare

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/scaffold"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
)

// finder finds the files of one entry, by name or by convention, and reports why it
// cannot.
type finder struct {
	files    *Files
	tree     *checkout.Tree // of files
	file     string
	entry    *schedule.Entry
	findings []diag.Finding
	// hasEntry reports whether an agent has an entry in the manifest. It is nil if only one
	// entry is known.
	hasEntry func(agent string) bool
}

// found is a file of the checkout that can be opened. The path is empty if there is none.
type found struct {
	path       string
	convention bool // the manifest does not name it
}

// report adds a finding at a key of the entry. If the entry does not have the key, the
// finding is at its agent.
func (f *finder) report(rule diag.Rule, key, message, hint string) {
	pos := f.entry.Pos(key)
	if pos == f.entry.Pos("") {
		pos = f.entry.Pos("agent")
	}
	f.findings = append(f.findings, rule.At(f.manifest(), pos.Line, pos.Column, message, hint))
}

// manifest returns the manifest's path for findings.
func (f *finder) manifest() string { return cmp.Or(f.file, schedule.DefaultPath) }

// prompt finds the agent's prompt, and reports if there is none.
func (f *finder) prompt() found {
	before := len(f.findings)
	p := f.find(schedule.PartPrompt, f.entry.Prompt)
	if p.path == "" && len(f.findings) == before {
		f.reportNoPrompt()
	}
	return p
}

// reportNoPrompt reports that the agent has no prompt. If the whole manifest is known, it
// reports a misspelt name instead, and accepts a disabled agent without a prompt.
func (f *finder) reportNoPrompt() {
	agent, manifestKnown := f.entry.Agent, f.hasEntry != nil
	near, slip := scaffold.NearAgent(f.tree, agent, f.hasEntry)
	switch {
	case slip && manifestKnown:
		message := fmt.Sprintf("agent %q has no prompt, and agent %q has one but no entry", agent, near)
		f.report(diag.MisspeltAgent, "agent", message, fmt.Sprintf("did you mean %q?", near))
		return
	case manifestKnown && !f.entry.Enabled:
		return
	}
	path := schedule.Expand(schedule.Conventions[schedule.PartPrompt][0], agent)
	hint := fmt.Sprintf("add %s, or name the file with prompt:", path)
	if near != "" {
		hint = fmt.Sprintf("did you mean %q? If not, %s", near, hint)
	}
	f.report(diag.NoPrompt, "prompt", fmt.Sprintf("agent %q has no prompt at any of the conventional paths", agent),
		hint)
}

func (f *finder) memory() found  { return f.find(schedule.PartMemory, f.entry.Memory) }
func (f *finder) metrics() found { return f.find(schedule.PartMetrics, f.entry.Metrics) }

// find finds a part: the file that the manifest names, else the first conventional one.
func (f *finder) find(part schedule.Part, named string) found {
	if named != "" {
		return found{path: f.named(part, string(part), named)}
	}
	p := f.conventional(part)
	if p.path == "" && f.entry.Enabled && part != schedule.PartPrompt {
		f.reportIgnored(part)
	}
	return p
}

const commitIgnored = "commit the file with git add --force, narrow this line, " +
	"or restore the file in the workflow before this step"

// reportIgnored warns if .gitignore excludes a missing part from the repository. For a
// part that exists, CheckUntracked asks git whether it is tracked.
func (f *finder) reportIgnored(part schedule.Part) {
	for _, pattern := range schedule.Conventions[part] {
		path := schedule.Expand(pattern, f.entry.Agent)
		if rule, ok := f.tree.Ignored(path); ok && strings.HasPrefix(path, ".kaizen/") {
			f.findings = append(f.findings, diag.IgnoredFile.At(rule.File, rule.Line, 1,
				fmt.Sprintf("agent %q has no %s in this checkout, and this line (%s) excludes %s from the repository",
					f.entry.Agent, part, rule.Pattern, path),
				commitIgnored))
			return
		}
	}
}

// named returns the path of a file that the manifest names under key, or of a pointer's
// directory. It returns "" after a finding.
func (f *finder) named(part schedule.Part, key, path string) string {
	_, err := f.probe(path)
	if part == schedule.PartMetrics && errors.Is(err, checkout.ErrNotRegular) {
		return f.metricsIn(path)
	}
	isPointer := strings.HasPrefix(key, "pointers.")
	switch {
	case isPointer && f.tree.IsDir(path):
		return path
	case err == nil:
		return path
	case errors.Is(err, checkout.ErrEscapes):
		f.report(diag.Path, key, fmt.Sprintf("%s names %q, which is outside the checkout or inside .git", key, path),
			"name a file of the repository")
	default:
		hint := "add the file, correct the path, or remove the key to search by convention"
		if near := f.similar(path, isPointer || part == schedule.PartMetrics); isAbsent(err) && near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
		if rule, ok := f.tree.Ignored(path); isAbsent(err) && ok {
			hint = fmt.Sprintf("%s line %d (%s) excludes it from the repository: "+
				"commit it with git add --force, or restore it in the workflow before this step",
				rule.File, rule.Line, rule.Pattern)
		}
		f.report(diag.MissingFile, key, fmt.Sprintf("%s names a file that cannot be read: %v", key, err), hint)
	}
	return ""
}

// maxSiblings is the largest number of names in a directory from which one is suggested.
const maxSiblings = 200

// similar returns the file in name's directory that was probably meant, or "". With dirs
// it may also be a directory.
func (f *finder) similar(name string, dirs bool) string {
	names, _ := f.tree.ReadDir(path.Dir(name), maxSiblings) // without a directory there is no suggestion
	near := suggest.Nearest(path.Base(name), names)
	if near == "" {
		return ""
	}
	near = path.Join(path.Dir(name), near)
	if f.tree.IsFile(near) || dirs && f.tree.IsDir(near) {
		return near
	}
	return ""
}

// metricsIn finds the metrics in a directory that the manifest names.
func (f *finder) metricsIn(dir string) string {
	dir = strings.TrimSuffix(dir, "/")
	for _, name := range []string{"summary.json", "executions.jsonl"} {
		path := dir + "/" + name
		_, err := f.probe(path)
		if err == nil {
			return path
		}
		if !isAbsent(err) {
			return f.named("", "metrics", path)
		}
	}
	f.report(diag.MissingFile, "metrics",
		fmt.Sprintf("metrics names %q, which is neither a file nor a directory "+
			"with summary.json or executions.jsonl", dir),
		"record a run with kaizen-agentic metrics record, correct the path, or remove the key to search by convention")
	return ""
}

// conventional finds the first of the part's conventional files. If that path is
// something else, such as a directory, a FIFO or a link out of the checkout, the finding
// stops the agent, because the intended content is unknown.
func (f *finder) conventional(part schedule.Part) found {
	var first found
	var firstInfo fs.FileInfo
	for _, path := range scaffold.Paths(f.tree, part, f.entry.Agent) {
		info, err := f.probe(path)
		switch {
		case isAbsent(err):
			f.linkedParent(string(part), path, err)
		case first.path == "" && err != nil:
			f.reportUnreadable(string(part), path, err, "replace it with a regular file, or remove it")
			return found{}
		case err != nil:
		case first.path == "":
			first, firstInfo = found{path, true}, info
		case part == schedule.PartPrompt && !os.SameFile(info, firstInfo):
			// A link from one layout to another is not a second prompt.
			f.report(diag.AmbiguousPrompt, "prompt",
				fmt.Sprintf("agent %q has two prompts: %s is used, %s is ignored", f.entry.Agent, first.path, path),
				"remove one, or name one with prompt:")
			return first
		}
	}
	return first
}

// reportUnreadable reports that path cannot be read, which has the role in the bundle.
func (f *finder) reportUnreadable(role, path string, err error, hint string) {
	message, next := advice.Split(err)
	f.findings = append(f.findings, diag.Unreadable.At(path, 0, 0,
		fmt.Sprintf("the %s of agent %q cannot be read: %s", role, f.entry.Agent, message), cmp.Or(next, hint)))
}

// probe opens the file at path, and returns its information.
func (f *finder) probe(path string) (fs.FileInfo, error) {
	file, err := f.tree.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Stat()
}

func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
