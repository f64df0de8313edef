package workflow

import (
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// MayPrepare reports whether a workflow of the repository at root may prepare the
// manifest called file in dir, both relative and with slashes. Values that only the
// platform can evaluate may be anything, and so may the steps of a workflow in another
// repository that a job calls.
func MayPrepare(root *checkout.Tree, dir, file string) bool {
	uses, _ := ReadUses(root)
	for _, u := range uses {
		command := u.Command()
		if (command == "prepare" || hasExpression(command)) && u.mayTarget(dir) && u.mayRead(file) {
			return true
		}
	}
	return callsElsewhere(root)
}

// mayTarget reports whether the step may read the directory dir of its repository.
func (u Use) mayTarget(dir string) bool {
	target := strings.ReplaceAll(u.input("target"), "${{ github.workspace }}", ".")
	if hasExpression(target) {
		return true
	}
	target = path.Clean(target)
	for _, step := range u.job.Get("steps").Resolve().Items {
		// Another step may check the repository out into a directory of the workspace.
		place := step.Get("with").Get("path").Text()
		if hasExpression(place) || target == path.Join(place, dir) {
			return true
		}
	}
	return false
}

func (u Use) mayRead(file string) bool {
	given := u.input("schedule")
	return given == "" && file == schedule.DefaultPath || hasExpression(given) || path.Clean(given) == path.Clean(file)
}

// callsElsewhere reports whether a scheduled workflow has a job that calls a workflow of
// another repository.
func callsElsewhere(root *checkout.Tree) bool {
	dir := WorkflowDir(root)
	names, _ := root.ReadDir(dir, maxWorkflows)
	left := maxWorkflowBytes
	for _, name := range names {
		data, err := root.ReadFile(dir+"/"+name, schedule.MaxSize)
		if ext := path.Ext(name); err != nil || ext != ".yml" && ext != ".yaml" || len(data) > left {
			continue
		}
		left -= len(data)
		document, problems := yamlnode.Parse(data, workflowLimits)
		jobs := document.Get("jobs").Resolve()
		if problems != nil || jobs == nil || document.Get("on").Get("schedule") == nil {
			continue
		}
		for _, p := range jobs.Pairs {
			if called := p.Value.Get("uses").Text(); called != "" && !strings.HasPrefix(called, "./") {
				return true
			}
		}
	}
	return false
}
