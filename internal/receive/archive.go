package receive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// IndexFile lists what an archive has, one JSON object a line.
const IndexFile = "index.jsonl"

// Archive keeps the zips of bundles in a directory by their digests, as sha256/ab/<hex>.zip.
// It is safe for concurrent use, also by several processes.
type Archive struct {
	dir   checkout.OutDir
	files checkout.DirWriter
	now   func() time.Time
	mu    sync.Mutex // one change at a time
}

// OpenArchive opens the archive in the directory path, which the first Put creates. For trees
// see checkout.NewOutDir. New files get the owner of the directory workspace.
func OpenArchive(path, workspace string, now func() time.Time, log func(format string, args ...any),
	trees ...string) (*Archive, error) {
	dir, err := checkout.NewOutDir(path, trees...)
	if err != nil {
		return nil, advice.New("name a directory with archive-dir that is not in .git", "archive-dir: %w", err)
	}
	info, err := os.Stat(workspace)
	if err != nil {
		return nil, fmt.Errorf("archive-dir: %w", err)
	}
	return &Archive{dir: dir, now: now, files: checkout.DirWriter{Owner: checkout.OwnerOf(info), Sync: true, Log: log}},
		nil
}

// entry is a line of the index.
type entry struct {
	Digest     string `json:"digest"` // sha256:<hex> of the zip
	File       string `json:"file"`   // below the archive
	Size       int    `json:"size"`
	ID         string `json:"id"` // event id
	Repository string `json:"repository"`
	Repo       string `json:"repo"`
	Agent      string `json:"agent"`
	Period     string `json:"period"`
	ReceivedAt string `json:"received_at"` // RFC 3339
}

// Put adds the bundle of an event, and returns its path below the archive. A zip that the
// archive has is not written again. The index gets a line for each Put, after the zip: a
// process that dies between them leaves a zip without a line, and the next run adds it.
func (a *Archive) Put(e *Event, b *Bundle) (string, error) {
	digits := strings.TrimPrefix(b.Digest, "sha256:")
	parts := []string{"sha256", digits[:2]}
	name := digits + ".zip"
	file := strings.Join(append(parts, name), "/")
	line, err := json.Marshal(entry{
		Digest: b.Digest, File: file, Size: len(b.Zip), ID: e.ID, Repository: e.Repository(), Repo: e.Repo,
		Agent: e.Agent, Period: e.Bundle.Period, ReceivedAt: a.now().UTC().Format(time.RFC3339),
	})
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.put(parts, name, b.Zip, line); err != nil {
		return "", advice.New("make archive-dir writable, or name another", "archiving the bundle: %w", err)
	}
	return file, nil
}

func (a *Archive) put(parts []string, name string, data, line []byte) error {
	root, err := a.dir.Open(a.files.Mkdir)
	if err != nil {
		return err
	}
	defer root.Close()
	dir := root
	for _, part := range parts {
		if err := a.files.Mkdir(dir, part); err != nil {
			return err
		}
		next, err := checkout.OpenSubdirectory(dir, part)
		if err != nil {
			return err
		}
		defer next.Close()
		dir = next
	}
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = a.files.Replace(dir, name, data, checkout.FileMode)
	case err == nil && (!info.Mode().IsRegular() || info.Size() != int64(len(data))):
		err = fmt.Errorf("%s: %w", name, checkout.ErrNotRegular)
	}
	if err != nil {
		return err
	}
	return a.files.AppendLine(root, IndexFile, line)
}
