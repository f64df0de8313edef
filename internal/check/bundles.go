package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// maxBundles is how many entries a directory of bundles may have.
const maxBundles = 10_000

// Bundle is the result of checking a stored bundle.
type Bundle struct {
	// Dir is its directory as the user would name it, slash-separated. It may be hostile.
	Dir      string
	Findings []diag.Finding // sorted; files of the bundle begin with Dir
}

// Bundles are the results of checking stored bundles.
type Bundles struct {
	Checked []Bundle // by name
	// Skipped are the directories without a bundle.
	Skipped []string
	// Stopped is why not all were checked: the run ended, or a budget is used up. It is nil
	// if all were.
	Stopped error

	budget *checkout.Budget // of the stored files
}

// Findings returns the findings of all bundles.
func (b *Bundles) Findings() (all []diag.Finding) {
	for _, bundle := range b.Checked {
		all = append(all, bundle.Findings...)
	}
	return all
}

// AddStored checks the bundle in the directory dir, or the bundles in its subdirectories.
// name is the directory in findings. Unless files is nil, it also compares their sources
// with that checkout. The error is about a directory that cannot be read or has no bundle.
// Stopped is set when ctx ends or the budget of the run is used up.
func (b *Bundles) AddStored(ctx context.Context, dir, name string, files *prepare.Files) error {
	const hint = "name the directory of a bundle, such as .kaizen/prepared/kaizen.web.coach.2026-W48, or a " +
		"directory of bundles"
	root, err := os.OpenRoot(dir)
	if err != nil {
		return advice.New(hint, "opening the bundle directory: %w", err)
	}
	defer root.Close()
	err = b.add(ctx, root, name, files)
	if !errors.Is(err, prepare.ErrNoBundle) {
		return err
	}
	before := len(b.Checked)
	if err := b.addBelow(ctx, root, name, files); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(b.Checked) == before && b.Stopped == nil {
		return advice.New(hint, "%s: %w", name, err)
	}
	return nil
}

// add checks the bundle in a directory.
func (b *Bundles) add(ctx context.Context, root *os.Root, name string, files *prepare.Files) error {
	if b.budget == nil {
		b.budget = checkout.NewBudget(checkout.MaxRead)
	}
	stored, err := prepare.OpenStored(checkout.LimitFS(ctx, root.FS(), b.budget))
	if b.stopped(ctx, files) {
		return nil
	}
	if err != nil {
		return err
	}
	bundle := Bundle{Dir: name, Findings: stored.Check()}
	for i, f := range bundle.Findings {
		bundle.Findings[i].File = path.Join(name, f.File)
	}
	if files != nil {
		more, _ := stored.CheckSources(ctx, files) // stopped has the error
		bundle.Findings = append(bundle.Findings, more...)
	}
	if b.stopped(ctx, files) {
		return nil
	}
	diag.Sort(bundle.Findings)
	b.Checked = append(b.Checked, bundle)
	return nil
}

// stopped reports whether no further bundle can be checked, and sets Stopped.
func (b *Bundles) stopped(ctx context.Context, files *prepare.Files) bool {
	switch {
	case b.Stopped != nil:
	case ctx.Err() != nil:
		b.Stopped = context.Cause(ctx)
	case b.budget != nil && b.budget.Exceeded() != nil:
		b.Stopped = b.budget.Exceeded()
	case files != nil && files.Tree().Exceeded() != nil:
		b.Stopped = files.Tree().Exceeded()
	}
	return b.Stopped != nil
}

// addBelow checks the bundles in the subdirectories of a directory.
func (b *Bundles) addBelow(ctx context.Context, root *os.Root, name string, files *prepare.Files) error {
	entries, err := subdirectories(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if b.stopped(ctx, files) {
			return nil
		}
		full := path.Join(name, e.Name())
		if err := b.addSubdirectory(ctx, root, e.Name(), full, files); errors.Is(err, prepare.ErrNoBundle) {
			b.Skipped = append(b.Skipped, full)
		} else if err != nil {
			b.Checked = append(b.Checked, Bundle{Dir: full, Findings: []diag.Finding{diag.Changed.At(full, 0, 0,
				fmt.Sprintf("the bundle cannot be read: %v", err), "fetch the bundle again")}})
		}
	}
	return nil
}

func (b *Bundles) addSubdirectory(ctx context.Context, root *os.Root, name, full string, files *prepare.Files) error {
	sub, err := checkout.OpenSubdirectory(root, name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return b.add(ctx, sub, full, files)
}

// subdirectories lists the directories in root, and the links, which may lead to some.
func subdirectories(root *os.Root) ([]fs.DirEntry, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(maxBundles + 1)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	case len(entries) > maxBundles:
		return nil, advice.New("check its bundles one by one", "the directory has more than %d entries", maxBundles)
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.IsDir() && e.Type() != fs.ModeSymlink
	})
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}
