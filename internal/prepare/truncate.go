package prepare

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// overlap is the number of omitted bytes next to the content that are searched too. A cut
// through a secret then does not hide the rest of the secret. A private key of 8192 bits
// has half as many bytes.
const overlap = 16 << 10

// truncate reads MaxFile bytes of a larger file: the end of a memory, which has the
// latest notes, or the beginning of a prompt, which describes the agent. It omits the
// content of metrics.
func (c *collector) truncate(s *source) *part {
	p := &part{source: *s, state: Truncated}
	if s.Role == "metrics" {
		c.reportLarge(s, MaxFile, "the bundle omits its content")
		p.state = Omitted
		return p
	}
	f, err := c.tree.Open(p.Path)
	if err == nil {
		defer f.Close()
		err = p.cut(f)
	}
	if err != nil {
		c.reportUnreadable(p.Role, p.Path, err, "make it a readable regular file")
		return nil
	}
	c.reportLarge(s, MaxFile, fmt.Sprintf("the bundle omits its %s %d bytes", p.cutEnd(), p.leftOut))
	return p
}

// cutEnd says which bytes of the file a truncated part omits.
func (p *part) cutEnd() string {
	if p.Role == "memory" {
		return "first"
	}
	return "last"
}

// cut reads the content and the bytes next to it from a file of more than MaxFile bytes.
func (p *part) cut(f *os.File) error {
	var from int64
	if p.Role == "memory" {
		from = max(0, p.Size-MaxFile-overlap)
	}
	window := make([]byte, min(MaxFile+overlap, p.Size-from))
	if _, err := io.ReadFull(io.NewSectionReader(f, from, int64(len(window))), window); err != nil {
		return err
	}
	if p.Role != "memory" {
		at := endOfLine(window, MaxFile)
		p.content, p.after = window[:at], window[at:]
		p.leftOut = p.Size - int64(at)
		return nil
	}
	at := startOfLine(window, len(window)-MaxFile)
	p.before, p.content = window[:at], window[at:]
	p.leftOut = from + int64(at)
	p.line = -1
	if p.Size > maxDigest || window[at-1] != '\n' {
		return nil
	}
	var err error
	p.line, err = countLines(io.NewSectionReader(f, 0, p.leftOut))
	return err
}

// longLine is the largest number of bytes that the content loses to a cut between lines.
// In a longer line the cut is between two characters.
const longLine = MaxFile / 2

// startOfLine returns the first start of a line at or after from, or of a character if
// the line is long.
func startOfLine(text []byte, from int) int {
	if i := bytes.IndexByte(text[from-1:from-1+longLine], '\n'); i >= 0 {
		return from + i
	}
	for range utf8.UTFMax - 1 {
		if !utf8.RuneStart(text[from]) {
			from++
		}
	}
	return from
}

// endOfLine returns the last end of a line at or before to, or of a character if the line
// is long.
func endOfLine(text []byte, to int) int {
	if i := bytes.LastIndexByte(text[to-longLine:to], '\n'); i >= 0 {
		return to - longLine + i + 1
	}
	for range utf8.UTFMax - 1 {
		if !utf8.RuneStart(text[to]) {
			to--
		}
	}
	return to
}

func countLines(r io.Reader) (lines int, err error) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		lines += bytes.Count(buf[:n], []byte("\n"))
		if err == io.EOF {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// position returns the line and column in the file of an offset in the content, or 0, 0
// if they are unknown.
func (p *part) position(offset int) (line, column int) {
	if p.line < 0 {
		return 0, 0
	}
	line, column = diag.Position(p.content, offset)
	return p.line + line, column
}

// secrets returns the secrets of which the content has at least a part, without those that
// the file allows.
func (p *part) secrets() []secrets.Span {
	if p.leftOut == 0 {
		return secrets.FindUnmarked(p.content)
	}
	var spans []secrets.Span
	from := len(p.before)
	for _, s := range secrets.FindUnmarked(bytes.Join([][]byte{p.before, p.content, p.after}, nil)) {
		s.Start, s.End = max(s.Start-from, 0), min(s.End-from, len(p.content))
		if s.Start < s.End {
			spans = append(spans, s)
		}
	}
	return spans
}
