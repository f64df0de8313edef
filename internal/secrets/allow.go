package secrets

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// AllowMark is what a line has that shows no secret although it looks like one. A reason
// follows it.
const AllowMark = "kaizen-allow-secret:"

// maxAllowed is the length of the longest line that a mark allows, in bytes. A reviewer
// sees the end of such a line.
const maxAllowed = 300

// FindUnmarked returns the secrets in data like Find, without those on lines that AllowMark
// allows. A mark allows only its own line, and only if a reviewer sees the whole line.
func FindUnmarked(data []byte) []Span { return FindUnmarkedContext(context.Background(), data) }

// FindUnmarkedContext is FindUnmarked, with the context of FindContext.
func FindUnmarkedContext(ctx context.Context, data []byte) []Span {
	spans := FindContext(ctx, data)
	if !bytes.Contains(data, []byte(AllowMark)) {
		return spans
	}
	return slices.DeleteFunc(spans, func(s Span) bool {
		// A longer line allows nothing, so its ends need not be found.
		from := max(0, s.Start-maxAllowed-utf8.UTFMax)
		near := data[from:min(len(data), s.Start+maxAllowed+utf8.UTFMax)]
		start, end := lineOf(near, s.Start-from)
		return s.End <= from+end && allows(near[start:end])
	})
}

// lineOf returns the start and the end of the line of an offset. Every character at which
// some program begins a new line ends it.
func lineOf(data []byte, at int) (start, end int) {
	isBreak := func(r rune) bool { return strings.ContainsRune("\n\r\v\f\u0085\u2028\u2029", r) }
	if i := bytes.LastIndexFunc(data[:at], isBreak); i >= 0 {
		_, size := utf8.DecodeRune(data[i:])
		start = i + size
	}
	end = len(data)
	if i := bytes.IndexFunc(data[at:], isBreak); i >= 0 {
		end = at + i
	}
	return start, end
}

// allows reports whether line has the mark and a reason of at least one word, and nothing
// that a reviewer does not see.
func allows(line []byte) bool {
	_, reason, found := bytes.Cut(line, []byte(AllowMark))
	letters := 0
	for _, r := range string(reason) {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return found && letters >= 3 && len(line) <= maxAllowed && utf8.Valid(line) &&
		len(safetext.FindHidden(line)) == 0 && !bytes.Contains(line, []byte(`\n`))
}
