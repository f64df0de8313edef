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

// Limits on the directory that a pointer names.
const (
	maxListed  = 20     // files that are listed
	maxEntries = 10_000 // entries; a larger directory is named without its files
)

// foundPointer is a pointer that was found.
type foundPointer struct{ label, path string }

// pointers finds scope, todo and workplans, which the manifest may place elsewhere, and
// then the further labels of the manifest in its order.
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

// workplans is the conventional directory; a regular file of its name is something else,
// unless it is a link's text.
func (f *finder) workplans() string {
	dir := schedule.Conventions[schedule.PartWorkplans][0]
	if f.tree.IsDir(dir) {
		return dir
	}
	if _, err := f.probe(dir); err == nil {
		f.inspect("pointer", dir)
	} else if !isAbsent(err) {
		f.reportUnreadable("pointer", dir, err, "put a directory there or remove it")
	}
	return ""
}

// pointer makes the reference to a file or a directory; nil after a finding.
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

// directory lists the directory's own files by descending name. What cannot be read or
// shown safely is left out with a warning; subdirectories and names that begin with a dot
// are left out without.
func (c *collector) directory(p foundPointer) *Pointer {
	pointer := &Pointer{Label: p.label, Path: p.path, Files: []PointerFile{}}
	entries, err := c.tree.Entries(p.path, maxEntries)
	switch {
	case errors.Is(err, checkout.ErrTooLarge):
		c.findings = append(c.findings, diag.LargeFile.At(p.path, 0, 0,
			fmt.Sprintf("the directory of the pointer %q of agent %q has more than %d entries: it is named without its files",
				p.label, c.entry.Agent, maxEntries), "name a directory with fewer files"))
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

// fileNames are the names in a directory that a pointer may list, the last name first.
func fileNames(entries []fs.DirEntry) []string {
	var names []string
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// listed is a file of a pointer's directory. The digests of all such files together read
// at most maxDigest bytes; a file for which too little is left has none.
func (c *collector) listed(p foundPointer, name string) *PointerFile {
	full := path.Join(p.path, name)
	if !utf8.ValidString(name) || len(safetext.FindHidden([]byte(name))) > 0 {
		c.leaveOut(p, full, "its name has bytes that are not UTF-8, or characters that a reader does not see")
		return nil
	}
	if c.policy != SecretsOff {
		if found := secrets.Find([]byte(name)); len(found) > 0 { // reported at the directory, as the name is the secret
			c.secret(p.path, secretAt{kind: found[0].Kind})
			return nil
		}
	}
	s, err := c.readSource("pointer", full, maxDigest-c.listedBytes, discard)
	if err != nil {
		c.leaveOut(p, full, rootCause(err).Error())
		return nil
	}
	if s.SHA256 != "" {
		c.listedBytes += s.Size
	}
	return &PointerFile{Path: s.Path, Size: s.Size, SHA256: s.SHA256}
}

// leaveOut warns about a file that a pointer does not list.
func (c *collector) leaveOut(p foundPointer, full, reason string) {
	f := diag.Unreadable.At(full, 0, 0,
		fmt.Sprintf("the file is left out of the pointer %q of agent %q: %s", p.label, c.entry.Agent, reason),
		"replace it with a regular file, or remove it")
	f.Severity = diag.Warning
	c.findings = append(c.findings, f)
}

// rootCause is the innermost reason, without the path, which the finding names.
func rootCause(err error) error {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
