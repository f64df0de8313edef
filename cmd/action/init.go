package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

// runInit writes what a repository needs to be scheduled, and shows what it did. It never overwrites.
func runInit(_ context.Context, a *app) (int, error) {
	if len(a.args) > 0 {
		return exitUsage, usagef("init takes no arguments: name the checkout with --target")
	}
	dir, err := a.target()
	if err != nil {
		return exitUsage, err
	}
	tree, err := checkout.Open(dir)
	if err != nil {
		return exitUsage, usagef("opening the checkout: %w", err)
	}
	defer tree.Close()
	files, agents, err := schedule.Scaffold(tree, a.slug(tree))
	if err != nil {
		return exitUsage, err
	}
	fmt.Fprintln(a.stdout, foundAgents(agents))
	var notes []string
	for _, f := range files {
		if err := writeScaffold(dir, f); err != nil {
			return exitUsage, fmt.Errorf("writing %s: %w", f.Path, err)
		}
		fmt.Fprintln(a.stdout, scaffoldLine(f))
		if f.Note != "" {
			notes = append(notes, f.Note)
		}
	}
	if !tree.HasGit() {
		notes = append(notes, belowRoot(tree.Dir())...)
	}
	for _, note := range notes {
		fmt.Fprintln(a.stdout, "note: "+note)
	}
	fmt.Fprintln(a.stdout, "next: read the manifest, then run action validate and action list")
	return exitOK, nil
}

// belowRoot says what to do where dir is a part of a repository: a workflow down there never runs.
func belowRoot(dir string) []string {
	for root := filepath.Dir(dir); root != filepath.Dir(root); root = filepath.Dir(root) {
		if _, err := os.Lstat(filepath.Join(root, ".git")); err != nil {
			continue
		}
		part, err := filepath.Rel(root, dir)
		if err != nil {
			return nil
		}
		return []string{fmt.Sprintf("GitHub reads workflows at the repository's root only: move those of .github/workflows to %s and add the input target: %s to each step that uses this action",
			filepath.Join(root, ".github", "workflows"), filepath.ToSlash(part))}
	}
	return nil
}

func foundAgents(agents []string) string {
	if len(agents) == 0 {
		return "found no agents: the manifest shows an example"
	}
	return fmt.Sprintf("found %s: %s", count(len(agents), "agent"), strings.Join(agents, ", "))
}

func scaffoldLine(f schedule.ScaffoldFile) string {
	switch {
	case f.Exists:
		return fmt.Sprintf("  kept    %s: %s", f.Path, f.Reason)
	case f.Append:
		return "  added   " + strings.TrimSpace(f.Content) + " to " + f.Path
	}
	return "  wrote   " + f.Path
}

// writeScaffold writes one file inside dir: a new one is created, never opened, so that nothing is ever overwritten.
func writeScaffold(dir string, f schedule.ScaffoldFile) (err error) {
	if f.Exists {
		return nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.FromSlash(f.Path)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if f.Append {
		return appendTo(root, name, f.Content)
	}
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(f.Content)
	return errors.Join(err, file.Close())
}

// appendTo replaces name by itself and the addition in one step.
func appendTo(root *os.Root, name, addition string) error {
	old, err := root.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	mode := fs.FileMode(0o644)
	if info, err := root.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		old = append(old, '\n')
	}
	tmp := name + ".tmp"
	if err := root.WriteFile(tmp, append(old, addition...), mode); err != nil {
		return err
	}
	return root.Rename(tmp, name)
}
