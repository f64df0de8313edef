package prepare

import (
	"context"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// Check compares the manifest's entries with the checkout. It reports missing files,
// misspelt agents, and agents with no prompt or with two. It also reports files that two
// agents share by convention, prompts that are empty or too long, and files that are only
// the text of a link or a Git LFS pointer. The findings are sorted and omit those that
// the manifest silences. The error is that of ctx.
func Check(ctx context.Context, m *schedule.Manifest, files *Files) ([]diag.Finding, error) {
	var findings []diag.Finding
	owners := make(map[string]string)
	hasEntry := make(map[string]bool, len(m.Entries))
	for _, e := range m.Entries {
		hasEntry[e.Agent] = true
	}
	for i := range m.Entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		f := files.finder(m.File, &m.Entries[i])
		f.hasEntry = func(agent string) bool { return hasEntry[agent] }
		prompt := f.prompt()
		f.checkShared(owners, "prompt", prompt)
		f.checkPart(owners, "memory", f.memory())
		f.checkPart(owners, "metrics", f.metrics())
		for _, p := range f.pointers() {
			f.inspect("pointer", p.path)
		}
		if prompt.path != "" && f.inspect("prompt", prompt.path) {
			// A larger file exceeds MaxPrompt in any encoding, and Prepare reports it.
			if t, err := files.content(prompt.path); err == nil && t.size <= MaxFile {
				f.checkPrompt(prompt.path, t.head)
			}
		}
		findings = append(findings, f.findings...)
	}
	diag.Sort(findings)
	return m.Unsilenced(findings), ctx.Err()
}

// CheckUntracked reports memory and metrics that exist only on this machine: .gitignore
// excludes them from the repository, and git does not track them. It makes no sense in a
// workflow, where an earlier step may have created such a file. The findings are sorted.
func CheckUntracked(m *schedule.Manifest, files *Files) []diag.Finding {
	type ignored struct {
		agent, part, path string
		rule              checkout.Ignore
	}
	var all []ignored
	var paths []string
	for i := range m.Entries {
		e := &m.Entries[i]
		f := files.finder(m.File, e)
		for part, p := range map[string]found{"memory": f.memory(), "metrics": f.metrics()} {
			if rule, isIgnored := files.tree.Ignored(p.path); isIgnored && p.path != "" && e.Enabled {
				all, paths = append(all, ignored{e.Agent, part, p.path, rule}), append(paths, p.path)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	tracked, known := files.tree.Tracked(paths...)
	var findings []diag.Finding
	for i, p := range all {
		if known && !tracked[i] {
			findings = append(findings, diag.IgnoredFile.At(p.rule.File, p.rule.Line, 1,
				fmt.Sprintf("the %s of agent %q exists only on this machine: this line (%s) excludes %s from the "+
					"repository", p.part, p.agent, p.rule.Pattern, p.path), commitIgnored))
		}
	}
	diag.Sort(findings)
	return findings
}

// CheckNamed reports only missing files that entries name. It is for a manifest with
// errors: other entries may be missing there, so other findings may be wrong. The
// findings are sorted.
func CheckNamed(m *schedule.Manifest, files *Files) []diag.Finding {
	var findings []diag.Finding
	for i := range m.Entries {
		f := files.finder(m.File, &m.Entries[i])
		for part, path := range map[schedule.Part]string{
			schedule.PartPrompt: f.entry.Prompt, schedule.PartMemory: f.entry.Memory,
			schedule.PartMetrics: f.entry.Metrics,
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

// checkPart checks a memory or metrics file.
func (f *finder) checkPart(owners map[string]string, role string, p found) {
	f.checkShared(owners, role, p)
	if p.path != "" {
		f.inspect(role, p.path)
	}
}

// checkShared reports that two agents share a file by convention.
func (f *finder) checkShared(owners map[string]string, key string, p found) {
	if !p.convention {
		return
	}
	owner, shared := owners[p.path]
	if !shared {
		owners[p.path] = f.entry.Agent
		return
	}
	f.report(diag.ConventionCollide, key,
		fmt.Sprintf("agents %q and %q share %s by convention", owner, f.entry.Agent, p.path),
		fmt.Sprintf("give agent %q a file of its own, or name it with %s:", f.entry.Agent, key))
}
