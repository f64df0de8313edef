package prepare

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// Limits on the directory of a pointer.
const (
	maxListed  = 20     // files in the list
	maxEntries = 10_000 // entries; the files of a larger directory are not listed
)

// foundPointer is a pointer that was found.
type foundPointer struct{ label, path string }

// pointers finds scope, todo and workplans, by the manifest or by convention, and then
// the other labels in the manifest's order.
func (f *finder) pointers() []foundPointer {
	var all []foundPointer
	add := func(label, path string) {
		if path != "" {
			all = append(all, foundPointer{label, path})
		}
	}
	named := make(map[string]string)
	for _, p := range f.entry.Pointers {
		named[p.Label] = p.Path
	}
	for _, part := range []schedule.Part{schedule.PartScope, schedule.PartTodo, schedule.PartWorkplans} {
		label := string(part)
		switch path, ok := named[label]; {
		case ok:
			add(label, f.named(part, "pointers."+label, path))
		case part == schedule.PartWorkplans:
			add(label, f.workplans())
		default:
			add(label, f.conventional(part).path)
		}
		delete(named, label)
	}
	for _, p := range f.entry.Pointers {
		if _, further := named[p.Label]; further {
			add(p.Label, f.named("", "pointers."+p.Label, p.Path))
		}
	}
	return all
}

// workplans returns the conventional directory. It ignores a regular file of that name,
// unless the file is the text of a link.
func (f *finder) workplans() string {
	dir := schedule.Conventions[schedule.PartWorkplans][0]
	if f.tree.IsDir(dir) {
		return dir
	}
	if _, err := f.probe(dir); err == nil {
		f.inspect("pointer", dir)
	} else if !isAbsent(err) {
		f.reportUnreadable("pointer", dir, err, "replace it with a directory, or remove it")
	}
	return ""
}

// pointer returns the reference to a file or a directory, or nil after a finding.
func (c *collector) pointer(p foundPointer) *Pointer {
	if c.tree.IsDir(p.path) {
		return c.directory(p)
	}
	s := c.digest("pointer", p.path)
	if s == nil {
		return nil
	}
	return &Pointer{Label: p.label, Path: s.Path, Size: s.Size, SHA256: s.SHA256}
}

// directory lists the files of a directory by descending name. It skips subdirectories
// and names that begin with a dot. It skips other entries that cannot be read or shown
// safely, with a warning.
func (c *collector) directory(p foundPointer) *Pointer {
	pointer := &Pointer{Label: p.label, Path: p.path, Files: []PointerFile{}}
	entries, err := c.tree.Entries(p.path, maxEntries)
	switch {
	case errors.Is(err, checkout.ErrTooLarge):
		c.findings = append(c.findings, diag.LargeFile.At(p.path, 0, 0,
			fmt.Sprintf("the directory of pointer %q of agent %q has more than %d entries: the bundle does not list "+
				"its files", p.label, c.entry.Agent, maxEntries), "name a directory with fewer files"))
		return pointer
	case err != nil:
		c.reportUnreadable("pointer", p.path, err, "make it a readable directory")
		return nil
	}
	names := fileNames(entries)
	pointer.More = max(0, len(names)-maxListed)
	for _, name := range names[:len(names)-pointer.More] {
		if file := c.listed(p, name); file != nil {
			pointer.Files = append(pointer.Files, *file)
			pointer.Size += file.Size
		}
	}
	return pointer
}

// fileNames returns the names of the files that a pointer may list, in descending order.
func fileNames(entries []fs.DirEntry) []string {
	var names []string
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// listed returns a file of a pointer's directory, or nil after a finding. The digests of
// all such files read at most maxDigest bytes together; a file beyond that has no digest.
func (c *collector) listed(p foundPointer, name string) *PointerFile {
	full := path.Join(p.path, name)
	if !utf8.ValidString(name) || len(safetext.FindHidden([]byte(name))) > 0 {
		c.reportSkipped(p, full, "its name has bytes that are not UTF-8, or hidden characters")
		return nil
	}
	if c.policy != SecretsOff {
		if found := secrets.Find([]byte(name)); len(found) > 0 {
			c.reportSecret(p.path, found[0].Kind, 0, 0) // not at the file, whose name is the secret
			return nil
		}
	}
	d, err := c.files.digest(full, maxDigest-c.listedBytes)
	if _, ok := errors.AsType[*checkout.BudgetError](err); ok { // which file exceeds it is left to chance
		c.reportUnreadable("pointer", full, err, "")
		return nil
	}
	if err != nil {
		c.reportSkipped(p, full, rootCause(err).Error())
		return nil
	}
	if d.sha256 != "" {
		c.listedBytes += d.size
	}
	return &PointerFile{Path: full, Size: d.size, SHA256: d.sha256}
}

// reportSkipped warns about a file that a pointer does not list.
func (c *collector) reportSkipped(p foundPointer, full, reason string) {
	f := diag.Unreadable.At(full, 0, 0,
		fmt.Sprintf("pointer %q of agent %q skips this file: %s", p.label, c.entry.Agent, reason),
		"replace it with a regular file, or remove it")
	f.Severity = diag.Warning
	c.findings = append(c.findings, f)
}

// rootCause returns the innermost error, without the path, which the finding has already.
func rootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
