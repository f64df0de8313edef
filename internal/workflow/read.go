package workflow

import (
	"bytes"
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// These limits bound the directory of workflows: the number of files, and the total bytes
// of the files that may use this action.
const (
	maxWorkflows     = 500
	maxWorkflowBytes = 2 << 20
)

// WorkflowDirs lists the directories of workflows. Gitea and Forgejo read only the first
// one that exists, and GitHub reads only the last one.
//
//   - https://github.com/go-gitea/gitea/blob/v1.26.0/custom/conf/app.example.ini (WORKFLOW_DIRS)
//   - https://forgejo.org/docs/latest/user/actions/overview
var WorkflowDirs = []string{".forgejo/workflows", ".gitea/workflows", ".github/workflows"}

// WorkflowDir returns the directory whose workflows the platform runs. If there are
// several, the origin's host shows whether the platform is GitHub.
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

// workflowLimits are the limits of a workflow. They allow unusual spaces, because the
// platform reads the file, too.
var workflowLimits = yamlnode.Limits{Size: schedule.MaxSize, Depth: 32, Nodes: 10_000}

// ReadUses returns the steps of the tree's workflows that run this action. invalid has
// the findings about workflows that name this action and are not valid YAML.
func ReadUses(tree *checkout.Tree) (uses []Use, invalid []diag.Finding) {
	dir := WorkflowDir(tree)
	names, _ := tree.ReadDir(dir, maxWorkflows) // a repository without workflows has nothing to check
	left := maxWorkflowBytes
	isOurs := recognizer(tree)
	for _, name := range names {
		if ext := path.Ext(name); ext != ".yml" && ext != ".yaml" {
			continue
		}
		file := dir + "/" + name
		data, err := tree.ReadFile(file, schedule.MaxSize)
		if err != nil || !mayUse(data) || len(data) > left {
			continue
		}
		left -= len(data)
		root, problems := yamlnode.Parse(data, workflowLimits)
		if problems != nil {
			if namesAction(data) {
				invalid = append(invalid, checkSyntax(file, data, problems)...)
			}
			continue
		}
		uses = append(uses, parseUses(file, data, root, isOurs)...)
	}
	return uses, invalid
}

// mayUse reports whether a workflow's text contains the name of this action or a path in
// the checkout. Other workflows are not parsed.
func mayUse(data []byte) bool {
	return bytes.Contains(data, []byte("./")) || namesAction(data)
}

// namesAction reports whether a workflow's text contains the name of this action.
func namesAction(data []byte) bool {
	return bytes.Contains(bytes.ToLower(data), []byte(actionName))
}

// parseUses returns the steps of a workflow that run this action.
func parseUses(file string, data []byte, root *yamlnode.Node, isOurs func(uses string) bool) []Use {
	w := &File{Path: file, root: root}
	uses := w.uses(isOurs)
	if len(uses) > 0 {
		w.readTriggers(uses)
		w.ignores, w.ignoreFindings = schedule.ReadIgnores(file, yamlnode.Comments(data, root))
	}
	return uses
}

func (w *File) uses(isOurs func(uses string) bool) (uses []Use) {
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
			if isOurs(step.Get("uses").Text()) {
				uses = append(uses, Use{File: w, jobID: p.Key, job: p.Value, step: step})
			}
		}
	}
	return uses
}

// recognizer returns isThisAction, which asks about each value once: thousands of steps may
// name the same directory, whose file is parsed.
func recognizer(tree *checkout.Tree) func(uses string) bool {
	known := make(map[string]bool)
	return func(uses string) bool {
		is, ok := known[uses]
		if !ok {
			is = isThisAction(uses, tree)
			known[uses] = is
		}
		return is
	}
}

// isThisAction reports whether the value of `uses:` is this action: its repository, a
// path in this checkout, or its image.
func isThisAction(uses string, tree *checkout.Tree) bool {
	if image, ok := strings.CutPrefix(uses, "docker://"); ok {
		image, _, _ = strings.Cut(image, "@")
		name, _, _ := strings.Cut(path.Base(image), ":")
		return name == actionName
	}
	if strings.HasPrefix(uses, "./") {
		return isThisActionAt(path.Clean(uses), tree)
	}
	repository, _, _ := strings.Cut(uses, "@")
	return strings.EqualFold(repository, actionRepository)
}

// isThisActionAt reports whether a directory of the checkout has this action's
// action.yml.
func isThisActionAt(dir string, tree *checkout.Tree) bool {
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
