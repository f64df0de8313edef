package prepare

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Check reports what the manifest's entries name or imply but the checkout does not hold
// as it should: missing files, no prompt, a misspelt agent, two prompts, two conventions
// that collide, prompts that are empty or too long, files with only the text of a link or
// a Git LFS pointer. The findings are sorted, those that the manifest silences left out.
func Check(m *schedule.Manifest, tree *checkout.Tree) []diag.Finding {
	var findings []diag.Finding
	owners := make(map[string]string)
	taken := make(map[string]bool, len(m.Entries))
	for _, e := range m.Entries {
		taken[e.Agent] = true
	}
	for i := range m.Entries {
		f := finder{tree: tree, file: m.File, entry: &m.Entries[i], hasEntry: func(agent string) bool { return taken[agent] }}
		prompt := f.prompt()
		f.checkShared(owners, "prompt", prompt)
		f.checkPart(owners, "memory", f.memory())
		f.checkPart(owners, "metrics", f.metrics())
		for _, p := range f.pointers() {
			f.inspect("pointer", p.path)
		}
		if prompt.path != "" && f.inspect("prompt", prompt.path) {
			// A larger file is longer than MaxPrompt in any encoding, and Prepare reports it.
			if data, err := tree.ReadFile(prompt.path, MaxFile); err == nil {
				f.checkPrompt(prompt.path, data)
			}
		}
		findings = append(findings, f.findings...)
	}
	diag.Sort(findings)
	return m.Unsilenced(findings)
}

// CheckUntracked reports memory and metrics that are here, that .gitignore keeps out of
// the repository and that git does not track, so that the agent has them on this machine
// only. It is of no use in a workflow, where such a file is one that an earlier step has
// put there.
func CheckUntracked(m *schedule.Manifest, tree *checkout.Tree) []diag.Finding {
	type ignored struct {
		agent, part, path string
		rule              checkout.Ignore
	}
	var all []ignored
	var paths []string
	for i := range m.Entries {
		e := &m.Entries[i]
		f := finder{tree: tree, file: m.File, entry: e}
		for part, p := range map[string]found{"memory": f.memory(), "metrics": f.metrics()} {
			if rule, isIgnored := tree.Ignored(p.path); isIgnored && p.path != "" && e.Enabled {
				all, paths = append(all, ignored{e.Agent, part, p.path, rule}), append(paths, p.path)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	tracked, known := tree.Tracked(paths...)
	var findings []diag.Finding
	for i, p := range all {
		if known && !tracked[i] {
			findings = append(findings, diag.IgnoredFile.At(p.rule.File, p.rule.Line, 1,
				fmt.Sprintf("the %s of agent %q is on this machine only: this line (%s) keeps %s out of the repository",
					p.part, p.agent, p.rule.Pattern, p.path), commitIgnored))
		}
	}
	diag.Sort(findings)
	return findings
}

// CheckNamed reports only what entries name and the checkout does not hold: a manifest with
// errors may lack other entries, so nothing else is certain. The findings are sorted.
func CheckNamed(m *schedule.Manifest, tree *checkout.Tree) []diag.Finding {
	var findings []diag.Finding
	for i := range m.Entries {
		f := finder{tree: tree, file: m.File, entry: &m.Entries[i]}
		for part, path := range map[schedule.Part]string{
			schedule.PartPrompt: f.entry.Prompt, schedule.PartMemory: f.entry.Memory, schedule.PartMetrics: f.entry.Metrics,
		} {
			if path != "" {
				f.named(part, string(part), path)
			}
		}
		for _, p := range f.entry.Pointers {
			if p.Path != "" {
				f.named("", "pointers."+p.Label, p.Path)
			}
		}
		findings = append(findings, f.findings...)
	}
	diag.Sort(findings)
	return findings
}

// part checks a file that goes with the prompt.
func (f *finder) checkPart(owners map[string]string, role string, p found) {
	f.checkShared(owners, role, p)
	if p.path != "" {
		f.inspect(role, p.path)
	}
}

// collide reports that convention gives two agents the same file.
func (f *finder) checkShared(owners map[string]string, key string, p found) {
	if !p.convention {
		return
	}
	owner, taken := owners[p.path]
	if !taken {
		owners[p.path] = f.entry.Agent
		return
	}
	f.report(diag.ConventionCollide, key,
		fmt.Sprintf("agents %q and %q share %s by convention", owner, f.entry.Agent, p.path),
		fmt.Sprintf("give agent %q a file of its own, or name it with %s:", f.entry.Agent, key))
}
