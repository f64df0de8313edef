// Package yamlnode reads a YAML file as nodes with exact positions, within limits.
// It is the only importer of gopkg.in/yaml.v3.
package yamlnode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// Pos is a place in a file: 1-based line, and 1-based column in Unicode code points.
type Pos struct{ Line, Column int }

// Limits bound what Parse accepts.
type Limits struct {
	Size  int // bytes
	Depth int // nested mappings and sequences
	Nodes int // keys, values and collections
	// StrictSpaces refuses characters that look like a space where YAML needs one.
	StrictSpaces bool
}

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias
)

// String returns the kind as messages name it.
func (k Kind) String() string {
	return [...]string{"a single value", "a mapping", "a list", "an alias"}[k]
}

// Style is how a scalar is written.
type Style uint8

// The styles of scalars.
const (
	Plain Style = iota
	Quoted
	Block // | or >
)

// Node is one node of a parsed YAML file.
type Node struct {
	Kind  Kind
	Style Style
	// Value is a scalar's text, or the name of an alias.
	Value string
	// Pos is where the node starts: at its anchor or tag if it has one.
	Pos Pos
	// Items are a sequence's elements and Pairs a mapping's, in the file's order and with
	// duplicates.
	Items []*Node
	Pairs []Pair
	// Target is the node that an alias refers to, or nil when that node encloses the alias.
	Target *Node
	// Anchored and Tagged say that the node has &name or !tag.
	Anchored, Tagged bool
	// Omitted says that the node is not read: it is beyond a limit or an undefined alias,
	// and a problem reports that.
	Omitted bool
	// Absent says that nothing is written where the value belongs, as in `key:`.
	Absent bool
}

// Pair is one key of a mapping with its value.
type Pair struct{ Key, Value *Node }

// Get returns the value of key in a mapping (through an alias), or nil. The first of two
// equal keys counts.
func (n *Node) Get(key string) *Node {
	n = n.Resolve()
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key.Kind == Scalar && p.Key.Value == key {
			return p.Value
		}
	}
	return nil
}

// Resolve returns the node that an alias refers to, and any other node itself. Aliases
// are shared, never copied, so a walk through them must be bounded.
func (n *Node) Resolve() *Node {
	if n != nil && n.Kind == Alias {
		return n.Target
	}
	return n
}

// Problem is a reason why a file is not read as YAML. It becomes a finding once the
// file's name is known.
type Problem struct {
	Rule          diag.Rule
	Pos           Pos
	Message, Hint string
}

// Finding returns the problem as a finding about a file.
func (p Problem) Finding(file string) diag.Finding {
	return p.Rule.At(file, p.Pos.Line, p.Pos.Column, p.Message, p.Hint)
}

// Parse parses data, a file with one YAML document, into a tree. The tree is nil if
// nothing can be read. Beside problems it is what can be read, so that everything wrong
// is reported at once.
//
// Anchors, tags and aliases are left to the caller. The cost is linear in len(data), and
// no data makes it panic.
func Parse(data []byte, lim Limits) (*Node, []Problem) {
	if len(data) > lim.Size {
		return nil, []Problem{{diag.TooLarge, Pos{},
			fmt.Sprintf("the file has %d bytes; the limit is %d", len(data), lim.Size),
			"shorten the file"}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if problems := checkText(data); problems != nil {
		return nil, problems
	}
	if p := checkDensity(data, lim); p != nil {
		return nil, []Problem{*p}
	}
	data, p := withoutDirective(data)
	if p != nil {
		return nil, []Problem{*p}
	}
	if !lim.StrictSpaces {
		return parseTree(data, lim)
	}
	return parseSpaced(data, lim)
}

// parseSpaced is parseTree for data that may hold lookalikes of spaces. They are
// reported, and read as the spaces that they look like.
func parseSpaced(data []byte, lim Limits) (*Node, []Problem) {
	lines := splitLines(data)
	found := findLookalikes(lines)
	root, problems := parseTree(data, lim)
	if root != nil && problems == nil {
		found = outside(found, lines, root)
	}
	if len(found) == 0 {
		return root, problems
	}
	root, problems = parseTree(withSpaces(lines, found), lim)
	// A space is often narrower than the character that it replaces, so the structure may
	// still be wrong.
	problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Rule == diag.Syntax })
	return root, append(explainLookalikes(found), problems...)
}

// parseTree is Parse for text without directives.
func parseTree(data []byte, lim Limits) (*Node, []Problem) {
	doc, problems := decodeDefined(data)
	if doc == nil {
		return nil, problems
	}
	c := converter{text: cursor{lines: splitLines(data)}, limits: lim, done: map[*yaml.Node]*Node{}, problems: problems}
	root := c.convert(doc.Content[0], 1)
	if c.tooDeep != nil {
		problems = append(problems, *c.tooDeep)
	}
	if c.tooMany != nil {
		return nil, append(problems, *c.tooMany)
	}
	return root, problems
}

// splitLines splits at line feeds, which stay at the ends.
func splitLines(data []byte) []string { return strings.SplitAfter(string(data), "\n") }

// PosAt is the position of a byte offset. An offset beyond the end is the place after the
// last character.
func PosAt(data []byte, offset int) Pos {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1}
}

// withoutDirective returns data with its %YAML line, if any, turned into a comment: the
// library knows version 1.1 only. Other directives are refused: a %TAG multiplies its
// text in every tag that uses it.
func withoutDirective(data []byte) ([]byte, *Problem) {
	line, offset, head := 0, 0, true
	for text := range bytes.Lines(data) {
		line++
		switch {
		case head && bytes.HasPrefix(text, []byte("%YAML 1.")):
			data = bytes.Clone(data)
			data[offset] = '#'
			head = false
		case text[0] == '%':
			return nil, &Problem{diag.Syntax, Pos{line, 1}, "a line that starts with % is a YAML directive",
				"remove the line, or quote the value it belongs to"}
		case text[0] != '#' && len(bytes.TrimSpace(text)) > 0:
			head = false
		}
		offset += len(text)
	}
	return data, nil
}

// checkDensity refuses a file with far more YAML punctuation than the allowed nodes can
// need, before the library spends time on it. Comments and quoted text count, too, so the
// limit is generous: twice the keys and items, and four other characters for each node.
func checkDensity(data []byte, lim Limits) *Problem {
	left := 4 * lim.Nodes
	for i, c := range data {
		cost := 1
		switch c {
		case '-', ':', '?':
			if i+1 < len(data) && strings.IndexByte(" \t\r\n,", data[i+1]) < 0 {
				continue // within a word
			}
			if cost = 2; c == ':' {
				cost = 4 // two nodes, a key and its value
			}
		case ',', '[', ']', '{', '}', '&', '*', '!', '\'', '"':
		default:
			continue
		}
		if left -= cost; left < 0 {
			return &Problem{diag.TooLarge, PosAt(data, i),
				fmt.Sprintf("far too much punctuation; a file has at most %d keys and values", lim.Nodes),
				"shorten the file"}
		}
	}
	return nil
}

// stepReader returns data in small steps. When the library fails, offset says how far it
// read: the library itself reports a line at best, and often a wrong one.
type stepReader struct {
	data   []byte
	offset int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if r.offset == len(r.data) {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 64)], r.data[r.offset:])
	r.offset += n
	return n, nil
}

// decodeOne parses data as exactly one document. Where more follows, the first is
// returned beside the problem.
func decodeOne(data []byte) (*yaml.Node, *Problem) {
	r := &stepReader{data: data}
	dec := yaml.NewDecoder(r)
	doc, err := decode(dec)
	if errors.Is(err, io.EOF) || err == nil && isBlank(doc) {
		return nil, &Problem{diag.OneDocument, Pos{}, "the file holds no YAML", "write a document, or remove the file"}
	}
	if err != nil {
		return nil, explain(data, r.offset, err)
	}
	second, err := decode(dec)
	if errors.Is(err, io.EOF) {
		return doc, nil
	}
	if err != nil {
		return doc, explain(data, r.offset, err)
	}
	return doc, &Problem{diag.OneDocument, Pos{second.Line, second.Column}, "a second YAML document starts here",
		"keep one document and remove the rest"}
}

// maxUndefined is how many undefined aliases are read past. Finding one costs as much as
// finding a syntax error.
const maxUndefined = 3

// decodeDefined is decodeOne for data that may hold undefined aliases, at which the
// library fails. Each is a problem, and a plain word in what is returned.
func decodeDefined(data []byte) (*yaml.Node, []Problem) {
	var problems []Problem
	for {
		doc, p := decodeOne(data)
		if p == nil {
			return doc, problems
		}
		problems = append(problems, *p)
		at := offsetOf(data, p.Pos)
		if p.Rule != diag.NoAlias || len(problems) > maxUndefined || at == len(data) || data[at] != '*' {
			return doc, problems
		}
		data = bytes.Clone(data)
		data[at] = 'x'
	}
}

// offsetOf is the byte offset of a position, or len(data) if there is no such place.
func offsetOf(data []byte, pos Pos) int {
	offset := 0
	for line := range bytes.Lines(data) {
		if pos.Line--; pos.Line > 0 {
			offset += len(line)
			continue
		}
		for i := range string(line) {
			if pos.Column--; pos.Column == 0 {
				return offset + i
			}
		}
		break
	}
	return len(data)
}

// decode reads the next document. The library panics on input that it does not foresee,
// which is an error here.
func decode(dec *yaml.Decoder) (doc *yaml.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	doc = new(yaml.Node)
	if err := dec.Decode(doc); err != nil {
		return nil, err
	}
	if len(doc.Content) != 1 {
		return nil, io.EOF
	}
	return doc, nil
}

// isBlank reports whether a document holds nothing, as after a lone `---`.
func isBlank(doc *yaml.Node) bool {
	n := doc.Content[0]
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

// converter turns the library's nodes into ours, within limits.
type converter struct {
	text    cursor
	limits  Limits
	count   int
	done    map[*yaml.Node]*Node
	tooMany *Problem // where the nodes became too many; nothing after it is read
	tooDeep *Problem // the first collection that is nested too deep; none of them is read
	// problems are those found before. A node at the place of one is not read.
	problems []Problem
}

func (c *converter) convert(y *yaml.Node, depth int) *Node {
	n := &Node{Pos: Pos{y.Line, y.Column}, Value: y.Value, Anchored: y.Anchor != ""}
	n.Tagged = y.Style&yaml.TaggedStyle != 0 || strings.HasPrefix(c.text.from(n.Pos), "!")
	reported := slices.ContainsFunc(c.problems, func(p Problem) bool { return p.Pos == n.Pos })
	if n.Omitted = c.exceeds(n, y.Kind, depth) || reported; n.Omitted {
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.Kind = Mapping
		n.Pairs = make([]Pair, 0, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content) && c.tooMany == nil; i += 2 {
			key := c.convert(y.Content[i], depth+1)
			value := c.convert(y.Content[i+1], depth+1)
			n.Pairs = append(n.Pairs, Pair{key, value})
		}
	case yaml.SequenceNode:
		n.Kind = Sequence
		n.Items = make([]*Node, 0, len(y.Content))
		for i := 0; i < len(y.Content) && c.tooMany == nil; i++ {
			item := c.convert(y.Content[i], depth+1)
			if item.Absent {
				item.Pos.Column-- // the library puts nothing behind the hyphen that announces it
			}
			n.Items = append(n.Items, item)
		}
	case yaml.AliasNode:
		n.Kind = Alias
		n.Target = c.done[y.Alias] // not there yet if it encloses the alias
	default:
		n.Style = styleOf(y.Style)
		n.Absent = n.Style == Plain && y.Value == "" && !n.Tagged && !n.Anchored
	}
	if n.Anchored {
		c.done[y] = n
	}
	return n
}

// exceeds counts n and reports whether it is beyond a limit. It keeps the first problem
// of each kind.
func (c *converter) exceeds(n *Node, k yaml.Kind, depth int) bool {
	if c.count++; c.count > c.limits.Nodes {
		if c.tooMany == nil {
			c.tooMany = &Problem{diag.TooLarge, n.Pos, fmt.Sprintf("more than %d keys and values", c.limits.Nodes),
				"shorten the file"}
		}
		return true
	}
	if depth <= c.limits.Depth || k != yaml.MappingNode && k != yaml.SequenceNode {
		return false
	}
	if c.tooDeep == nil {
		c.tooDeep = &Problem{diag.TooLarge, n.Pos, fmt.Sprintf("nested more than %d levels deep", c.limits.Depth),
			"flatten the file"}
	}
	return true
}

// cursor finds positions in lines. It continues from its last position, so asking for the
// positions of a tree in order costs one walk through the file, however long its lines
// are.
type cursor struct {
	lines  []string
	at     Pos
	offset int // of at, in bytes of its line
}

// from is the rest of the line from pos on, "" if there is no such place.
func (c *cursor) from(pos Pos) string {
	if pos.Line < 1 || pos.Line > len(c.lines) || pos.Column < 1 {
		return ""
	}
	if pos.Line != c.at.Line {
		c.at, c.offset = Pos{pos.Line, 1}, 0
	}
	line := c.lines[pos.Line-1]
	for c.at.Column > pos.Column {
		_, size := utf8.DecodeLastRuneInString(line[:c.offset])
		c.offset -= size
		c.at.Column--
	}
	for c.at.Column < pos.Column && c.offset < len(line) {
		_, size := utf8.DecodeRuneInString(line[c.offset:])
		c.offset += size
		c.at.Column++
	}
	if c.at.Column < pos.Column {
		return ""
	}
	return line[c.offset:]
}

func styleOf(s yaml.Style) Style {
	switch {
	case s&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return Quoted
	case s&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return Block
	}
	return Plain
}

// ScalarType is the type that YAML 1.2's core schema gives a scalar.
type ScalarType uint8

// The types of scalars.
const (
	TypeString ScalarType = iota
	TypeNull
	TypeBool
	TypeInt
	TypeFloat
)

var (
	intPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	})
	floatPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:` + strings.Join([]string{
			`[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?`,
			`[-+]?\.(?:inf|Inf|INF)`,
			`\.(?:nan|NaN|NAN)`,
		}, "|") + `)$`)
	})
)

// Type is the scalar's type. Only a plain scalar can be anything but a string.
func (n *Node) Type() ScalarType {
	if n.Style != Plain {
		return TypeString
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return TypeNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return TypeBool
	}
	switch {
	case intPattern().MatchString(n.Value):
		return TypeInt
	case floatPattern().MatchString(n.Value):
		return TypeFloat
	}
	return TypeString
}

// syntaxError is the first syntax error in data, a file of any number of documents, or
// nil.
func syntaxError(data []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := decode(dec); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Text is a scalar's value (through an alias), "" for anything else.
func (n *Node) Text() string {
	if n = n.Resolve(); n == nil || n.Kind != Scalar {
		return ""
	}
	return n.Value
}

// Describe names what a value is, for a message: the number "5".
func (n *Node) Describe() string {
	if n.Kind != Scalar {
		return n.Kind.String()
	}
	if n.Absent {
		return "empty"
	}
	switch n.Type() {
	case TypeNull:
		return "null"
	case TypeBool:
		return "the boolean " + n.Value
	case TypeInt, TypeFloat:
		return "the number " + diag.Quote(n.Value)
	}
	return "the string " + diag.Quote(n.Value)
}
