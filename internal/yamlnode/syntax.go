package yamlnode

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// explain turns an error that the library reported after offset bytes into a problem with
// an exact place and a next step.
func explain(data []byte, offset int, err error) *Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	at, exact := place(data, offset, text)
	text = libraryLine().ReplaceAllString(text, "")
	if quote := unclosedQuote(data, at); exact && quote >= 0 {
		return &Problem{diag.Syntax, PosAt(data, quote), "the quote that opens here is not closed on its line",
			"add the closing quote"}
	}
	misfit := strings.Contains(text, "mapping values") && isKey(data, at)
	if misfit {
		at = lineStart(data, at) + leadingBlanks(string(data[lineStart(data, at):]))
	}
	rest := data[at:]
	p := &Problem{Rule: diag.Syntax, Pos: PosAt(data, at)}
	switch {
	case len(rest) > 0 && rest[0] == '\t':
		p.Message, p.Hint = "a tab appears where YAML needs spaces", "indent with spaces"
	case p.Pos.Column == 1 && isConflictMarker(rest):
		p.Message, p.Hint = "a merge conflict marker", "resolve the conflict"
	case !exact:
		p.Message, p.Hint = "not valid YAML here or below: "+text, "look at this line and those that follow"
	case misfit:
		p.Message, p.Hint = "this key does not fit the line before it",
			"look at its indentation, and whether the line before lacks its colon"
	case strings.Contains(text, "unknown anchor"), strings.Contains(text, "undefined tag"):
		p.Rule, p.Message, p.Hint = diag.NoAlias, "an undefined name: "+text, "write the value out, or quote it"
	case strings.Contains(text, "exceeded max depth"):
		p.Rule, p.Message, p.Hint = diag.TooLarge, "nested far too deep", "flatten the file"
	default:
		p.Message, p.Hint = explainSyntax(text, data, at)
	}
	return p
}

// place finds the place of an error that the library reported after offset bytes, as
// exactly as possible.
func place(data []byte, offset int, text string) (at int, exact bool) {
	backslash := bytes.LastIndexByte(data[:offset], '\\')
	switch {
	case backslash >= 0 && isEscape(text):
		return backslash, true
	case strings.Contains(text, noToken):
		return locateToken(data, offset, text)
	case strings.Contains(text, "exceeded max depth"):
		return offset, true
	}
	if at, exact = locate(data, offset); !exact {
		return at, false
	}
	if inner, ok := locateInFlow(data, at, offset); ok {
		at = inner
	}
	if strings.Contains(text, "undefined tag") { // the undefined part is its first half
		start := lineStart(data, at)
		at = start + bytes.LastIndexAny(data[start:at], " \t,[{") + 1
	}
	return at, exact
}

// libraryLine is the line that the library reports, which is often wrong.
var libraryLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^line [0-9]+: `) })

// noToken is part of the library's error about a character that may only appear in
// quotes.
const noToken = "cannot start any token"

// isEscape reports whether text is the library's error about a backslash. One about a URI
// concerns a percent sign in a tag.
func isEscape(text string) bool {
	return !strings.Contains(text, "URI") && (strings.Contains(text, "escape") || strings.Contains(text, "hexdecimal"))
}

// syntaxHelp says in plain words what the library's messages mean. The first entry that
// the error contains counts.
var syntaxHelp = []struct{ contains, message, hint string }{
	{"unexpected end of stream", "the quote that opens here is never closed", "add the closing quote"},
	{"unexpected document indicator", "the quote that opens here is never closed", "add the closing quote"},
	{"expected ',' or ']'", "the list that opens here is broken", "put commas between its values and ] at its end"},
	{"expected ',' or '}'", "the mapping that opens here is broken", "put commas between its keys and } at its end"},
	{"mapping values are not allowed", "a colon appears where no key can be",
		"quote the value if the colon belongs to it, or start a new line"},
	{"block sequence entries are not allowed", "a list item appears where no list can be",
		"start the list on a line of its own below its key"},
	{"mapping keys are not allowed", "a key appears where none can be",
		"quote the value if it starts with a question mark"},
	{"could not find expected ':'", "a key has no colon", "write key: value"},
	{"URI", "a tag that is not well-formed", "quote the value if it starts with an exclamation mark"},
	{"escape", "an escape that YAML does not know", `double the backslash, or use single quotes`},
	{"hexdecimal", "an escape without its hexadecimal digits", `double the backslash, or use single quotes`},
	{"comment or line break", "text after | or > on its line", "start the text on the next line, or quote it"},
	{"indentation indicator", "an indentation indicator of 0", "write | or > alone"},
	{"alphabetic or numeric", "a value cannot start with & or *", "quote it"},
	{"document start", "text after the end of the document",
		"look at the indentation of this line and of the first key"},
}

// cronAtLineEnd matches the rest of a line that is a cron with a * in front, up to a comment.
var cronAtLineEnd = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\*[0-9/]*(?: +[0-9A-Za-z*/,-]+){4}) *(?:#|$)`)
})

// unquotedCron returns the cron that begins at data[at], or "" for other text.
func unquotedCron(data []byte, at int) string {
	line, _, _ := bytes.Cut(data[at:], []byte("\n"))
	if m := cronAtLineEnd().FindSubmatch(bytes.TrimRight(line, "\r")); m != nil {
		return string(m[1])
	}
	return ""
}

// explainSyntax explains an error of the library that was located at data[at].
func explainSyntax(text string, data []byte, at int) (message, hint string) {
	if strings.Contains(text, "expected ',' or") && data[at] != '[' && data[at] != '{' {
		return explainFlow(data[at:])
	}
	for _, h := range syntaxHelp {
		if !strings.Contains(text, h.contains) {
			continue
		}
		if cron := unquotedCron(data, at); cron != "" {
			return h.message, `quote it: "` + cron + `"`
		}
		return h.message, h.hint
	}
	r, size := utf8.DecodeRune(data[at:])
	indent := data[lineStart(data, at):at]
	switch {
	case size == 0:
		return "the file ends too early", "complete or remove its last value"
	case strings.Contains(text, noToken):
		return fmt.Sprintf("a value cannot start with %q", r), "quote the value"
	case strings.Contains(text, "node content") && (r == '[' || r == '{'):
		return fmt.Sprintf("what opens with %q here is never closed, or has a comma too many", r),
			"close it, and separate its values with single commas"
	case strings.Contains(text, "node content"):
		return fmt.Sprintf("%q appears where a value belongs", r), "remove it, or quote the value"
	case strings.Contains(text, "did not find expected") && len(bytes.TrimLeft(indent, " ")) == 0:
		return "the indentation of this line fits nothing above it",
			"align it with the key or hyphen that it belongs beside"
	case strings.Contains(text, "did not find expected"):
		return "text after a value that is complete", "quote the value as a whole, or start a new line"
	}
	return "not valid YAML: " + text, "look at this place and the line before it"
}

// explainFlow explains what is wrong within brackets at the start of rest.
func explainFlow(rest []byte) (message, hint string) {
	switch rest[0] {
	case ']', '}':
		return fmt.Sprintf("%q closes another bracket than the last one that is open", rest[0]),
			"close the brackets in the order in which they opened, the last one first"
	case ':':
		return "a colon appears where no key can be",
			"quote the value if the colon belongs to it, or put a comma before the key"
	}
	return "a comma is missing before this, or the bracket before it is not closed",
		"put commas between values, and close every bracket"
}

// isKey reports whether the colon at data[at] ends the first word of a line other than
// the first.
func isKey(data []byte, at int) bool {
	start := lineStart(data, at)
	return start > 0 && len(bytes.Fields(data[start:at])) == 1
}

func isConflictMarker(line []byte) bool {
	for _, marker := range []string{"<<<<<<<", "=======", ">>>>>>>"} {
		if bytes.HasPrefix(line, []byte(marker)) {
			return true
		}
	}
	return false
}

// locate finds where data becomes invalid: after its longest well-formed prefix. The
// library failed after offset bytes. First it tries whole lines, from the last one
// backwards, then the places in that line where a token may start. If that takes too much
// work, the answer is the line that it reached.
func locate(data []byte, offset int) (at int, exact bool) {
	budget := newBudget(data[:offset])
	end := offset
	start := lineStart(data, end)
	for start > 0 && !budget.spent && budget.fails(data[:start]) {
		end = start - 1
		start = lineStart(data, end)
	}
	at = budget.lastToken(data, start, end)
	if closing := closingQuote(data[:offset], at); closing > end && !runsOn(data, at) &&
		!budget.fails(data[:closing+1]) {
		// A string of several lines is complete: the error is behind it.
		at = budget.lastToken(data, closing+1, lineEnd(data[:offset], closing))
	}
	if budget.spent {
		return start, false
	}
	return at, true
}

// lastToken is the last place in data[from:to] where a token may start after a
// well-formed prefix, or else from.
func (b *budget) lastToken(data []byte, from, to int) int {
	for to > from && !b.spent && (!startsToken(data, to) || b.fails(data[:to])) {
		to--
	}
	return to
}

// locateToken finds the character of the library's error that no token starts with it.
// The error names the line and stays the same when the file ends after the character.
// locate would find an open bracket in place of the character.
func locateToken(data []byte, offset int, text string) (at int, exact bool) {
	line := 1 // the library omits it
	_, _ = fmt.Sscanf(text, "line %d:", &line)
	start := 0
	for range line - 1 {
		start = lineEnd(data, start) + 1
	}
	budget := newBudget(data[:offset])
	for at := start; at < min(lineEnd(data, start), offset); at++ {
		if strings.IndexByte("@`%\t", data[at]) < 0 {
			continue
		}
		if err := budget.syntaxError(data[:at+1]); budget.spent {
			return start, false
		} else if err != nil && strings.Contains(err.Error(), noToken) {
			return at, true
		}
	}
	return locate(data, offset)
}

// locateInFlow finds the error behind the bracket at data[open]. locate finds only the
// bracket, because every prefix that ends within brackets is invalid; here they are
// closed first. ok is false if the bracket itself is the one that is never closed.
func locateInFlow(data []byte, open, offset int) (at int, ok bool) {
	if open >= len(data) || data[open] != '[' && data[open] != '{' {
		return 0, false
	}
	closers, fault := openBrackets(data[open:])
	switch {
	case fault >= 0:
		offset = min(offset, open+fault+1) // what is wrong is not behind it
	case len(closers) > 0:
		return 0, false
	}
	budget := newBudget(data[:offset])
	at = offset
	for start := lineStart(data, at); start > open && !budget.spent; start = lineStart(data, at) {
		good, back := budget.endsWell(data, open, start)
		if good {
			break
		}
		at = back
	}
	for first := max(lineStart(data, at), open+1); at > first && !budget.spent; {
		good, back := startsToken(data, at), at-1
		if good {
			good, back = budget.endsWell(data, open, at)
		}
		if good {
			break
		}
		at = back
	}
	if at > open+1 && at < len(data) && (data[at] == ' ' || data[at] == '\n') && data[at-1] == ':' {
		at-- // a word may end with a colon, only not this one
		if isKey(data, at) {
			at = lineStart(data, at) + leadingBlanks(string(data[lineStart(data, at):]))
		}
	}
	return at, !budget.spent && at > open
}

// endsWell reports whether data[:end] is well-formed once the brackets that are open
// since data[open] are closed. If not, back is where to try next: an end within quotes
// moves to the place where they open.
func (b *budget) endsWell(data []byte, open, end int) (good bool, back int) {
	closers, fault := openBrackets(data[open:end])
	if fault >= 0 {
		b.spend(end - open)
		return false, open + fault
	}
	slices.Reverse(closers)
	return !b.fails(data[:end], closers...), end - 1
}

// openBrackets returns what closes the brackets that are open at the end of text,
// outermost first; text begins with a bracket. fault is the place of a bracket that does
// not match the last open one, or of a quote that is never closed, or -1.
func openBrackets(text []byte) (closers []byte, fault int) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '[' || c == '{':
			closers = append(closers, c+2)
		case c == ']' || c == '}':
			if closers[len(closers)-1] != c {
				return closers, i
			}
			if closers = closers[:len(closers)-1]; len(closers) == 0 {
				return nil, -1
			}
		case (c == '"' || c == '\'') && !isWord(text[i-1]):
			closing := closingQuote(text, i)
			if closing < 0 {
				return closers, i
			}
			i = closing
		case c == '#' && strings.IndexByte(" \t\n", text[i-1]) >= 0:
			i = lineEnd(text, i) - 1
		}
	}
	return closers, -1
}

// structure is a line that every reader takes for a key or an item of a list, even where
// an open quote above makes it text to YAML.
var structure = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^ *(?:- |[A-Za-z_]+:(?: |\r?$))`)
})

// unclosedQuote is the place of a quote at data[at], or in the line of a bracket there,
// that is not closed on its line; -1 if there is none.
func unclosedQuote(data []byte, at int) int {
	end := at + 1
	if at < len(data) && (data[at] == '[' || data[at] == '{') {
		end = lineEnd(data, at)
	}
	for i := at; i < min(end, len(data)); i++ {
		if data[i] != '"' && data[i] != '\'' || i > at && isWord(data[i-1]) {
			continue // no quote, or an apostrophe
		}
		if runsOn(data, i) {
			return i
		}
		closing := closingQuote(data, i)
		if closing < 0 {
			return -1
		}
		i = closing
	}
	return -1
}

// runsOn reports whether the quote at data[at] opens a string that ends at a quote of a
// later line only because its own closing quote is missing.
func runsOn(data []byte, at int) bool {
	closing := closingQuote(data, at)
	if closing < 0 {
		return false
	}
	first := lineEnd(data, at)
	return closing > first && structure().Match(data[first+1:closing])
}

// closingQuote is the place of the quote that closes the one at data[at], or -1 if there
// is none.
func closingQuote(data []byte, at int) int {
	if at >= len(data) || data[at] != '"' && data[at] != '\'' {
		return -1
	}
	quote := data[at]
	for i := at + 1; i < len(data); i++ {
		switch {
		case quote == '"' && data[i] == '\\':
			i++
		case quote == '\'' && bytes.HasPrefix(data[i:], []byte("''")):
			i++
		case data[i] == quote:
			return i
		}
	}
	return -1
}

// startsToken reports whether something new may start at data[at]: not within a word, and
// not within a character.
func startsToken(data []byte, at int) bool {
	return at == len(data) || !isWord(data[at]) || !isWord(data[at-1])
}

func isWord(c byte) bool {
	return c >= utf8.RuneSelf || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// budget bounds the work of parsing prefixes of a file again and again.
type budget struct {
	left  int
	spent bool
	costs []int // of the prefix of each length
}

// The library needs about as long for a token as for this many bytes of text. A whole
// budget takes about 15 ms, and 30 ms in deep flow collections (measured).
const (
	tokenCost  = 32
	budgetSize = 1 << 20
)

func newBudget(data []byte) *budget {
	b := &budget{left: budgetSize, costs: make([]int, len(data)+1)}
	for i, c := range data {
		b.costs[i+1] = b.costs[i] + 1
		if !isWord(c) && c != ' ' {
			b.costs[i+1] += tokenCost
		}
	}
	return b
}

func (b *budget) spend(cost int) {
	b.left -= cost
	b.spent = b.left < 0
}

// fails reports whether prefix, followed by closers, is not well-formed, or the budget is
// spent.
func (b *budget) fails(prefix []byte, closers ...byte) bool {
	return b.syntaxError(prefix, closers...) != nil || b.spent
}

// syntaxError is the syntax error in prefix followed by closers. It is nil, too, when the
// budget is spent.
func (b *budget) syntaxError(prefix []byte, closers ...byte) error {
	if b.spend(b.costs[len(prefix)] + tokenCost*len(closers)); b.spent {
		return nil
	}
	return syntaxError(append(slices.Clip(prefix), closers...))
}

func lineStart(data []byte, at int) int { return bytes.LastIndexByte(data[:at], '\n') + 1 }

// lineEnd is the place of the line feed that ends the line of data[at], or the end of
// data.
func lineEnd(data []byte, at int) int {
	if i := bytes.IndexByte(data[min(at, len(data)):], '\n'); i >= 0 {
		return at + i
	}
	return len(data)
}
