package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// The files of a bundle's directory beside ReceiptFile (design §5).
const (
	MarkdownFile = "bundle.md"
	JSONFile     = "bundle.json"
	SourcesFile  = "sources.json"
	EventFile    = "event.json"
)

// temporary begins the name of an unfinished file; what a crash leaves of them is removed by the next PutBundle.
const temporary = ".tmp-"

// DirectoryOptions say where a Directory is and what it believes.
type DirectoryOptions struct {
	// Workspace is the checkout, an existing directory. What is written gets its owner: in a container we are root, and on a
	// self-hosted runner the next checkout could not remove root's files.
	Workspace string
	// Out is the store: relative to Workspace and inside it, links followed, or an absolute path.
	Out string
	// Repository is the owner/name that a receipt's id must bear; "" accepts any.
	Repository string
	// NoSync leaves it to the system when files reach the disk: enough for a directory that is not the ledger, where nothing but a power
	// failure could cost what the next run prepares anyway.
	NoSync bool
	// Log is told of receipts that are passed over, and of files whose owner can't be changed; nil is nowhere.
	Log func(format string, args ...any)
}

// Directory is the store in <out>/<name>/: bundle.md or bundle.json, sources.json, event.json, receipt.json (design §5).
//
// Every file is written under a temporary name, synced (unless NoSync) and renamed. The bundle file is the mark of a complete set: to replace
// a set, PutBundle first removes event.json and the old bundle file, then renames the other files into place, and the bundle file
// last. So whoever finds a bundle file finds the set it belongs to, and a run that ended early leaves a set without one, which the
// next PutBundle completes. A receipt belongs to the period, not to the content, and stays.
//
// Whoever may write the directory is trusted by its ledger. It is safe for concurrent use. Of two processes that store one name at the
// same moment, one may fail, and completes the work when it runs again.
type Directory struct {
	o      DirectoryOptions
	out    string // local to the workspace if inside, else absolute
	inside bool
	owner  owner
	mu     sync.Mutex // one change at a time
	// before is called ahead of every change to the file system; tests end the run there.
	before func(change string)
}

// OpenDirectory checks the options. It creates nothing: the first Put does.
// Errors: a workspace that is no directory, and an out that leaves it by .. or through a link.
func OpenDirectory(o DirectoryOptions) (*Directory, error) {
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	workspace, err := filepath.Abs(o.Workspace)
	if err != nil {
		return nil, fmt.Errorf("workspace %q: %w", o.Workspace, err)
	}
	info, err := os.Stat(workspace)
	if err != nil {
		return nil, fmt.Errorf("workspace %q cannot be opened: %w", o.Workspace, reason(err))
	}
	o.Workspace = workspace
	d := &Directory{o: o, owner: ownerOf(info), before: func(string) {}}
	if d.out, d.inside, err = resolve(workspace, o.Out); err != nil {
		return nil, err
	}
	root, err := d.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return nil, d.failed("opening the store", err)
	}
	return d, root.Close()
}

// resolve returns out as a path local to workspace, or as an absolute one when it names a place outside.
func resolve(workspace, out string) (path string, inside bool, err error) {
	if out == "" {
		return "", false, errors.New("the store has no path: set --out")
	}
	if !filepath.IsAbs(out) {
		if !filepath.IsLocal(out) {
			return "", false, fmt.Errorf("out %q leaves the workspace: give a path inside it, or an absolute one", out)
		}
		return filepath.Clean(out), true, nil
	}
	if local, err := filepath.Rel(workspace, out); err == nil && filepath.IsLocal(local) {
		return local, true, nil
	}
	return filepath.Clean(out), false, nil
}

// Path is the directory of the bundle name: relative to the workspace and slash-separated if inside it, else absolute.
func (d *Directory) Path(name string) string { return filepath.ToSlash(filepath.Join(d.out, name)) }

// PutBundle stores files, see Directory for the order of its steps; the artifact is always nil.
func (d *Directory) PutBundle(ctx context.Context, name string, files []File) (*event.Artifact, error) {
	if err := checkFiles(files); err != nil {
		return nil, fmt.Errorf("storing the bundle %q: %w", name, err)
	}
	return nil, d.change(ctx, name, "storing the bundle", func(dir *os.Root) error {
		if err := d.clean(dir); err != nil {
			return err
		}
		if same, err := holds(dir, files); same || err != nil {
			return err
		}
		for _, old := range []string{EventFile, MarkdownFile, JSONFile} {
			if err := d.remove(dir, old); err != nil {
				return err
			}
		}
		for _, f := range bundleLast(files) {
			if err := d.write(dir, f); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutEvent stores the event of the bundle name beside it, as event.json.
func (d *Directory) PutEvent(ctx context.Context, name string, data []byte) error {
	return d.change(ctx, name, "storing the event of", func(dir *os.Root) error {
		return d.write(dir, File{EventFile, data})
	})
}

// PutReceipt stores r beside the bundle r.Name. A receipt that does not prove every delivery is refused.
func (d *Directory) PutReceipt(ctx context.Context, r *Receipt) error {
	data, err := encodeReceipt(r, d.o.Repository)
	if err != nil {
		return fmt.Errorf("storing the receipt of %q: it %w", r.Name, err)
	}
	return d.change(ctx, r.Name, "storing the receipt of", func(dir *os.Root) error {
		return d.write(dir, File{ReceiptFile, data})
	})
}

// Lookup reads what PutBundle and PutReceipt stored. A receipt that is broken or not this bundle's is told to Log and passed over.
func (d *Directory) Lookup(ctx context.Context, names []string) []Record {
	root, stored, err := d.list()
	if errors.Is(err, fs.ErrNotExist) {
		return make([]Record, len(names))
	}
	if err != nil {
		return allFailed(names, d.failed("reading the ledger", err))
	}
	defer root.Close()
	records := make([]Record, len(names))
	for i, name := range names {
		var err error
		if records[i], err = d.lookup(ctx, root, stored, name); err != nil {
			records[i] = Record{Err: err}
		}
	}
	return records
}

// list opens the store and lists the names in it, latest first among those of one agent and cadence.
func (d *Directory) list() (root *os.Root, names []string, err error) {
	if root, err = d.open(false); err != nil {
		return nil, nil, err
	}
	dir, err := root.Open(".")
	if err == nil {
		names, err = dir.Readdirnames(-1)
		dir.Close()
	}
	if err != nil {
		root.Close()
		return nil, nil, err
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	return root, names, nil
}

func (d *Directory) lookup(ctx context.Context, root *os.Root, stored []string, name string) (rec Record, err error) {
	if err := cmp.Or(ctx.Err(), checkName(name)); err != nil {
		return Record{}, fmt.Errorf("reading the ledger: %w", err)
	}
	if rec.Receipt, err = d.receipt(root, name); err != nil {
		return Record{}, d.failed(fmt.Sprintf("reading the receipt of %q", name), err)
	}
	for _, content := range []string{MarkdownFile, JSONFile} {
		info, err := root.Lstat(filepath.Join(name, content))
		rec.Prepared = rec.Prepared || err == nil && info.Mode().IsRegular()
	}
	rec.Earlier = d.earlier(root, stored, name)
	return rec, nil
}

// receipt returns the valid receipt of name, nil if there is none.
func (d *Directory) receipt(root *os.Root, name string) (*Receipt, error) {
	data, err := readFile(root, filepath.Join(name, ReceiptFile), maxReceipt)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case errors.Is(err, errNotPlain):
		d.o.Log("the receipt of %q %v: passed over", name, err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	r, err := parseReceipt(data, d.o.Repository, name)
	if err != nil {
		d.o.Log("the receipt of %q %v: passed over", name, err)
		return nil, nil
	}
	return r, nil
}

// maxEarlier is how many receipts of other periods are looked at: nothing here ever goes, and the latest ones tell what was missed.
const maxEarlier = 50

// earlier lists the latest other names of name's agent and cadence that have a valid receipt, sorted.
func (d *Directory) earlier(root *os.Root, stored []string, name string) []string {
	var names []string
	isSibling, length := siblings(name), len(forced().ReplaceAllString(name, ""))
	for _, other := range stored {
		if len(names) == maxEarlier {
			break
		}
		if len(other) != length || !isSibling(other) { // periods of one cadence are of one length
			continue
		}
		r, err := d.receipt(root, other)
		if err != nil { // another period's; it must not keep this one from running
			d.o.Log("the receipt of %q cannot be read: %v: passed over", other, reason(err))
		}
		if r != nil {
			names = append(names, other)
		}
	}
	slices.Sort(names)
	return names
}

// change runs do on the directory of name, which it creates, and says what failed.
func (d *Directory) change(ctx context.Context, name, what string, do func(dir *os.Root) error) error {
	if err := cmp.Or(ctx.Err(), checkName(name)); err != nil {
		return fmt.Errorf("%s %q: %w", what, name, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	root, err := d.open(true)
	if err != nil {
		return d.failed(what+" "+fmt.Sprintf("%q", name), err)
	}
	defer root.Close()
	dir, err := d.enter(root, name)
	if err == nil {
		defer dir.Close()
		if err = do(dir); err == nil && !d.o.NoSync {
			err = errors.Join(syncDir(dir), syncDir(root))
		}
	}
	if err != nil {
		return d.failed(fmt.Sprintf("%s %q", what, name), err)
	}
	return nil
}

// open opens the store itself, after creating it if asked to.
func (d *Directory) open(create bool) (*os.Root, error) {
	if !d.inside {
		if create {
			d.before("mkdir " + d.out)
			if err := os.MkdirAll(d.out, dirMode); err != nil {
				return nil, err
			}
		}
		return os.OpenRoot(d.out)
	}
	workspace, err := os.OpenRoot(d.o.Workspace)
	if err != nil {
		return nil, err
	}
	defer workspace.Close()
	if create && d.out != "." {
		path := ""
		for part := range strings.SplitSeq(filepath.ToSlash(d.out), "/") {
			path = filepath.Join(path, part)
			if err := d.mkdir(workspace, path); err != nil {
				return nil, err
			}
		}
	}
	return workspace.OpenRoot(d.out)
}

// enter creates and opens the directory of name. A link in its place is refused: another bundle's files would be written.
func (d *Directory) enter(root *os.Root, name string) (*os.Root, error) {
	if err := d.mkdir(root, name); err != nil {
		return nil, err
	}
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%q is not a directory", name)
	}
	return root.OpenRoot(name)
}

// failed words an error of the file system: what was tried, where, why, and the next step.
func (d *Directory) failed(what string, err error) error {
	return fmt.Errorf("%s in %q: %w: make the directory writable or choose another with --out", what, d.out, reason(err))
}

// reason drops the operation and path of a system error: the caller names them better.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// bundleLast orders files by name, with the bundle file at the end.
func bundleLast(files []File) []File {
	return slices.SortedFunc(slices.Values(files), func(a, b File) int {
		if last := isBundle(a.Name); last != isBundle(b.Name) {
			if last {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
}

func isBundle(name string) bool { return name == MarkdownFile || name == JSONFile }

// holds reports whether dir already has exactly these files, and no bundle in another format.
func holds(dir *os.Root, files []File) (bool, error) {
	for _, other := range []string{MarkdownFile, JSONFile} {
		if slices.ContainsFunc(files, func(f File) bool { return f.Name == other }) {
			continue
		}
		if _, err := dir.Lstat(other); !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
	}
	for _, f := range files {
		data, err := readFile(dir, f.Name, int64(len(f.Data)))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotPlain) || err == nil && !bytes.Equal(data, f.Data) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// errNotPlain is for what can't be one of the store's own files.
var errNotPlain = errors.New("is not a regular file of the expected size")

// readFile reads a regular file of at most limit bytes. It neither follows a link in the last place nor waits for a FIFO's writer.
func readFile(dir *os.Root, name string, limit int64) ([]byte, error) {
	info, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotPlain
	}
	f, err := dir.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, errNotPlain
	}
	return data, nil
}
