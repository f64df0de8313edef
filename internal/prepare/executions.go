package prepare

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/metrics"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// executions are an executions.jsonl that was read.
type executions struct {
	digest
	runs *metrics.Executions // nil if the file is too large to read
	// secrets are the first ones in the file, if it was searched.
	searched bool
	secrets  []place
}

// place is where a secret is.
type place struct {
	kind         string
	line, column int
}

// executions reads an executions.jsonl. With search it also searches every line for
// secrets.
func (f *Files) executions(ctx context.Context, path, agent string, search bool) (*executions, error) {
	known := f.get(path)
	defer known.mu.Unlock()
	wanted := func(name string) bool { return f.isAgent[name] }
	shared := wanted(agent)
	if !shared {
		wanted = func(name string) bool { return name == agent }
	} else if x := known.executions; x != nil && (x.searched || !search) {
		return x, nil
	}
	x, err := f.readExecutions(ctx, path, known.text, wanted, search)
	if err == nil && shared {
		known.executions = x
	}
	return x, err
}

// readExecutions reads the file at path, or takes its text if it is known.
func (f *Files) readExecutions(ctx context.Context, path string, known *text, wanted func(agent string) bool,
	search bool) (*executions, error) {
	x := &executions{searched: search}
	lines := block{executions: x}
	each := func(line []byte, number int) error {
		if search {
			lines.add(ctx, line, number)
		}
		return ctx.Err()
	}
	defer lines.search(ctx)
	if known != nil && known.size == int64(len(known.head)) {
		x.digest = known.digest
		var err error
		x.runs, err = metrics.ReadExecutions(bytes.NewReader(known.head), wanted, each)
		return x, err
	}
	opened, err := f.tree.Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if x.size = info.Size(); x.size > maxDigest {
		return x, nil
	}
	h := sha256.New()
	count := &counter{r: io.TeeReader(io.LimitReader(opened, maxDigest), h)}
	if x.runs, err = metrics.ReadExecutions(count, wanted, each); err != nil {
		return nil, err
	}
	// The file may have changed since Stat, so the size is that of the bytes read.
	x.size, x.sha256 = count.n, hex.EncodeToString(h.Sum(nil))
	return x, nil
}

// maxBlock is how many bytes of lines are searched at once, since a search has a cost of its
// own.
const maxBlock = 64 << 10

// block has lines of an executions.jsonl that are not searched yet.
type block struct {
	*executions
	text  []byte
	first int // the number of the first line
}

// add adds a line, after the search of earlier ones if there are many.
func (b *block) add(ctx context.Context, line []byte, number int) {
	if len(b.text)+len(line) > maxBlock {
		b.search(ctx)
	}
	if len(b.text) == 0 {
		b.first = number
	}
	b.text = append(b.text, line...)
	if !bytes.HasSuffix(line, []byte("\n")) { // a long line is cut
		b.text = append(b.text, '\n')
	}
}

// search adds the secrets of the lines to the executions.
func (b *block) search(ctx context.Context) {
	for _, s := range secrets.FindContext(ctx, b.text) {
		if len(b.secrets) == maxSecrets {
			break
		}
		line, column := diag.Position(b.text, s.Start)
		b.secrets = append(b.secrets, place{s.Kind, b.first + line - 1, column})
	}
	b.text = b.text[:0]
}

// counter counts the bytes read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
