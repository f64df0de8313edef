package prepare

import (
	"bytes"
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
)

// overlap is the number of omitted bytes next to the content that are searched too. A cut
// through a secret then does not hide the rest of the secret. A private key of 8192 bits
// has half as many bytes.
const overlap = 16 << 10

// truncate takes MaxFile bytes of a larger file: the end of a memory, which has the latest
// notes, or the beginning of a prompt, which describes the agent. It omits the content of
// metrics.
func (c *collector) truncate(s *source, t *text) *part {
	p := &part{source: *s, state: Truncated}
	if s.Role == "metrics" {
		c.reportLarge(s, MaxFile, "the bundle omits its content")
		p.state = Omitted
		return p
	}
	p.cut(t)
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

// cut takes the content and the bytes next to it from a file of more than MaxFile bytes.
func (p *part) cut(t *text) {
	if p.Role != "memory" {
		at := endOfLine(t.head, MaxFile)
		p.content, p.after = t.head[:at], t.head[at:]
		p.leftOut = p.Size - int64(at)
		return
	}
	at := startOfLine(t.tail, len(t.tail)-MaxFile)
	p.before, p.content = t.tail[:at], t.tail[at:]
	p.leftOut = p.Size - int64(len(p.content))
	p.line = -1
	if t.lines >= 0 && t.tail[at-1] == '\n' {
		p.line = t.lines - bytes.Count(p.content, []byte("\n"))
	}
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
func (p *part) secrets(ctx context.Context) []secrets.Span {
	if p.leftOut == 0 {
		return secrets.FindUnmarkedContext(ctx, p.content)
	}
	var spans []secrets.Span
	from := len(p.before)
	for _, s := range secrets.FindUnmarkedContext(ctx, bytes.Join([][]byte{p.before, p.content, p.after}, nil)) {
		s.Start, s.End = max(s.Start-from, 0), min(s.End-from, len(p.content))
		if s.Start < s.End {
			spans = append(spans, s)
		}
	}
	return spans
}
