package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// The files of a bundle's directory beside ReceiptFile.
const (
	MarkdownFile = "bundle.md"
	JSONFile     = "bundle.json"
	SourcesFile  = "sources.json"
	EventFile    = "event.json"
)

// DirectoryOptions say where a Directory is and which receipts count.
type DirectoryOptions struct {
	// Workspace is the checkout, an existing directory. New files get its owner: the
	// container runs as root, and on a self-hosted runner the next checkout could not
	// remove root's files.
	Workspace string
	// Target is a directory of the workspace that the user names, where a link may lead
	// elsewhere in the workspace; "" for none.
	Target string
	// Out is the store: relative to Workspace and inside it, or an absolute path. Below
	// Target, Workspace, and the root of any repository, no link is followed.
	Out string
	// Repository is the owner/name that a receipt's id must have; "" accepts any. A receipt
	// with a repository's id must have RepositoryID instead, unless it is 0, unknown.
	Repository   string
	RepositoryID int64
	// NoSync lets the system decide when files reach the disk. That is enough for a
	// directory that is not the ledger: after a power failure the next run prepares its
	// content again.
	NoSync bool
	// Log gets the receipts that are skipped, and the files whose owner can't be changed;
	// nil for none.
	Log func(format string, args ...any)
}

// Directory is the store in <out>/<name>/: bundle.md or bundle.json, sources.json,
// event.json and receipt.json.
//
// Every file is written under a temporary name, synced (unless NoSync) and renamed, as
// checkout.DirWriter does. The next PutBundle removes the files that a crash left. The
// bundle file marks a complete set. To replace a set, PutBundle removes event.json and
// the old bundle file, renames the other files into place, and the bundle file last. So a
// reader that finds a bundle file finds its whole set. A run that ended early leaves a
// set without a bundle file, which the next PutBundle completes. A receipt belongs to the
// period, not to the content, and stays.
//
// The ledger trusts everyone who can write the directory. A Directory is safe for
// concurrent use. When two processes store one name at the same moment, one may fail; it
// completes the work when it runs again.
type Directory struct {
	o     DirectoryOptions
	out   string // local to the workspace if inside, else absolute
	dir   checkout.OutDir
	mu    sync.Mutex // one change at a time
	files checkout.DirWriter
}

// OpenDirectory checks the options: the workspace must be a directory, a relative out must
// stay inside, and no part of out may be a link. The first Put creates the store.
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
		return nil, fmt.Errorf("workspace %q cannot be opened: %w", o.Workspace, checkout.Reason(err))
	}
	o.Workspace = workspace
	d := &Directory{o: o, files: checkout.DirWriter{
		Owner: checkout.OwnerOf(info), Sync: !o.NoSync, Log: o.Log, Before: func(string) {},
	}}
	if d.out, err = resolve(workspace, o.Out); err != nil {
		return nil, err
	}
	full := d.out
	if !filepath.IsAbs(full) {
		full = filepath.Join(workspace, full)
	}
	if d.dir, err = checkout.NewOutDir(full, o.Target, workspace); err != nil {
		return nil, d.failed("opening the store", err)
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

// resolve returns out as a path local to workspace, or as an absolute path outside of it.
func resolve(workspace, out string) (path string, err error) {
	if out == "" {
		return "", &advice.Error{Message: "the store has no path", Hint: "set --out"}
	}
	if !filepath.IsAbs(out) {
		if !filepath.IsLocal(out) {
			message := fmt.Sprintf("out %q leaves the workspace", out)
			return "", &advice.Error{Message: message, Hint: "give a path inside it, or an absolute one"}
		}
		return filepath.Clean(out), nil
	}
	if local, err := filepath.Rel(workspace, out); err == nil && filepath.IsLocal(local) {
		return local, nil
	}
	return filepath.Clean(out), nil
}

// Path is the directory of the bundle name: slash-separated and relative to the workspace
// when inside, otherwise absolute.
func (d *Directory) Path(name string) string { return filepath.ToSlash(filepath.Join(d.out, name)) }

// PutBundle stores files; Directory describes its steps. The artifact is always nil.
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

// PutReceipt stores r beside the bundle r.Name. It refuses a receipt that does not prove
// every delivery.
func (d *Directory) PutReceipt(ctx context.Context, r *Receipt) error {
	data, err := encodeReceipt(r, d.home())
	if err != nil {
		return fmt.Errorf("storing the receipt of %q: it %w", r.Name, err)
	}
	return d.change(ctx, r.Name, "storing the receipt of", func(dir *os.Root) error {
		return d.write(dir, File{ReceiptFile, data})
	})
}

// PutPartial stores p beside the bundle p.Name.
func (d *Directory) PutPartial(ctx context.Context, p *Partial) error {
	data, err := encodePartial(p, d.home())
	if err != nil {
		return fmt.Errorf("storing the partial delivery of %q: it %w", p.Name, err)
	}
	return d.change(ctx, p.Name, "storing the partial delivery of", func(dir *os.Root) error {
		return d.write(dir, File{PartialFile, data})
	})
}

// Partial reads what PutPartial stored.
func (d *Directory) Partial(ctx context.Context, name string) (*Partial, error) {
	if err := cmp.Or(ctx.Err(), checkName(name)); err != nil {
		return nil, fmt.Errorf("reading the partial delivery of %q: %w", name, err)
	}
	root, err := d.open(false)
	if err != nil {
		return nil, d.failed("reading the ledger", err)
	}
	defer root.Close()
	data, err := readFile(root, filepath.Join(name, PartialFile), maxPartial)
	if errors.Is(err, errNotPlain) {
		return nil, fmt.Errorf("%w: %w", ErrPartialInvalid, err)
	}
	if err != nil {
		return nil, d.failed(fmt.Sprintf("reading the partial delivery of %q", name), err)
	}
	return parsePartial(data, d.home(), name)
}

// Lookup reads what PutBundle and PutReceipt stored. It logs and skips a receipt that is
// broken or belongs to another bundle.
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

// Receipt reads what PutReceipt stored.
func (d *Directory) Receipt(ctx context.Context, name string) (*Receipt, error) {
	if err := cmp.Or(ctx.Err(), checkName(name)); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	root, err := d.open(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, d.failed("reading the ledger", err)
	}
	defer root.Close()
	r, err := d.receipt(root, name)
	if err != nil {
		return nil, d.failed(fmt.Sprintf("reading the receipt of %q", name), err)
	}
	return r, nil
}

func (d *Directory) home() home { return home{d.o.Repository, d.o.RepositoryID} }

// list opens the store and lists the names in it, latest first among those of one agent
// and form of period.
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
	receipt, err := d.receipt(root, name)
	if err != nil {
		return Record{}, d.failed(fmt.Sprintf("reading the receipt of %q", name), err)
	}
	rec.Delivered = receipt != nil
	exists := func(file string) bool {
		info, err := root.Lstat(filepath.Join(name, file))
		return err == nil && info.Mode().IsRegular()
	}
	rec.Prepared = exists(MarkdownFile) || exists(JSONFile)
	rec.Partial = !rec.Delivered && exists(PartialFile)
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
		d.o.Log("the receipt of %q %v: skipped", name, err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	r, err := parseReceipt(data, d.home(), name)
	if err != nil {
		d.o.Log("the receipt of %q %v: skipped", name, err)
		return nil, nil
	}
	return r, nil
}

// maxEarlier is how many receipts of other periods are read. The directory is never
// pruned, and the latest receipts are enough to find missed periods.
const maxEarlier = 50

// earlier lists the latest other names of name's entry that have a valid receipt, sorted.
func (d *Directory) earlier(root *os.Root, stored []string, name string) []string {
	var names []string
	isSibling := siblings(name)
	for _, other := range stored {
		if len(names) == maxEarlier {
			break
		}
		if !isSibling(other) {
			continue
		}
		r, err := d.receipt(root, other)
		if err != nil { // it belongs to another period, and must not stop this one
			d.o.Log("the receipt of %q cannot be read: %v: skipped", other, checkout.Reason(err))
		}
		if r != nil {
			names = append(names, other)
		}
	}
	slices.Sort(names)
	return names
}

// change creates the directory of name and runs do on it. what describes it in errors.
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

// open opens the store, and creates it first if asked to.
func (d *Directory) open(create bool) (*os.Root, error) {
	if create {
		return d.dir.Open(d.files.Mkdir)
	}
	return d.dir.Open(nil)
}

// enter creates and opens the directory of name. It refuses a link, which may lead to
// another bundle's files.
func (d *Directory) enter(root *os.Root, name string) (*os.Root, error) {
	if err := d.files.Mkdir(root, name); err != nil {
		return nil, err
	}
	return checkout.OpenSubdirectory(root, name)
}

// failed describes an error of the file system: what was tried, where, why, and the next
// step.
func (d *Directory) failed(what string, err error) error {
	return &advice.Error{
		Message: fmt.Sprintf("%s in %q: %v", what, d.out, checkout.Reason(err)),
		Hint:    fileHint(err),
		Err:     checkout.Reason(err),
	}
}

// fileHint is the next step that fits an error of the file system.
func fileHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space or choose another directory with --out"
	case errors.Is(err, checkout.ErrNotDirectory):
		return "replace it with a directory, or choose another with --out"
	case errors.Is(err, checkout.ErrEscapes):
		return "choose a directory with --out that is not in .git"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return "make the directory writable or choose another with --out"
	default:
		return "choose another directory with --out"
	}
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

// holds reports whether dir already has exactly these files, and no bundle in another
// format.
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

// errNotPlain is the error for anything that can't be one of the store's own files.
var errNotPlain = errors.New("is not a regular file of the expected size")

// readFile reads a regular file of at most limit bytes. It does not follow a link at the
// end of name, nor wait for the writer of a FIFO.
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
	data, err := transfer.ReadAll(f, limit)
	if _, tooLarge := err.(*transfer.TooLarge); tooLarge {
		return nil, errNotPlain
	}
	return data, err
}
