package schedule

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// limits bound what parseYAML accepts.
type limits struct {
	size  int // bytes
	depth int // nested mappings and sequences
	nodes int // keys, values and collections
	// spaces refuses characters that look like a space where YAML wants one.
	spaces bool
}

// manifestLimits are those of design §3. Workflow files are held to the same, except that the platform is the judge of their spaces.
var (
	manifestLimits = limits{size: MaxSize, depth: 32, nodes: 10_000, spaces: true}
	workflowLimits = limits{size: MaxSize, depth: 32, nodes: 10_000}
)

// kind is what a node is.
type kind uint8

const (
	scalarNode kind = iota
	mappingNode
	sequenceNode
	aliasNode
)

func (k kind) String() string {
	return [...]string{"a single value", "a mapping", "a list", "an alias"}[k]
}

// style is how a scalar is written.
type style uint8

const (
	plainStyle style = iota
	quotedStyle
	blockStyle // | or >
)

// node is one node of a parsed YAML file.
type node struct {
	kind  kind
	style style
	// value is a scalar's text, or the name of an alias.
	value string
	// pos is where the node starts: at its anchor or tag if it has one.
	pos Pos
	// items are a sequence's elements, pairs a mapping's, in the file's order and with duplicates.
	items []*node
	pairs []pair
	// target is what an alias stands for; nil when that encloses the alias.
	target *node
	// anchored and tagged say that the node carries &name or !tag.
	anchored, tagged bool
	// omitted says that the node is not read: it is beyond a limit, or an alias of nothing, and that is told already.
	omitted bool
	// absent says that nothing is written where the value belongs, as in `key:`.
	absent bool
}

type pair struct{ key, value *node }

// get returns the value of key in a mapping (through an alias), or nil. The first of two equal keys counts.
func (n *node) get(key string) *node {
	n = n.resolve()
	if n == nil || n.kind != mappingNode {
		return nil
	}
	for _, p := range n.pairs {
		if p.key.kind == scalarNode && p.key.value == key {
			return p.value
		}
	}
	return nil
}

// resolve returns what an alias stands for, and any other node itself.
// Aliases are shared, never copied: who walks through them must bound the walk.
func (n *node) resolve() *node {
	if n != nil && n.kind == aliasNode {
		return n.target
	}
	return n
}

// problem is a reason why a file cannot be taken as YAML; it becomes a finding once the file's name is known.
type problem struct {
	rule          diag.Rule
	pos           Pos
	message, hint string
}

func (p problem) finding(file string) diag.Finding {
	return p.rule.At(file, p.pos.Line, p.pos.Column, p.message, p.hint)
}

// parseYAML parses data, a file of one YAML document, into a tree. It is nil if nothing can be read; beside other problems it is what can be,
// so that all that is wrong is told at once.
//
// Anchors, tags and aliases are left to the caller to judge. The cost is linear in len(data), and nothing that data holds makes it panic.
func parseYAML(data []byte, lim limits) (*node, []problem) {
	if len(data) > lim.size {
		return nil, []problem{{diag.TooLarge, Pos{}, fmt.Sprintf("the file has %d bytes; the limit is %d", len(data), lim.size),
			"split the schedules over several repositories or shorten the comments"}}
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if problems := checkText(data); problems != nil {
		return nil, problems
	}
	if p := checkDensity(data, lim); p != nil {
		return nil, []problem{*p}
	}
	data, p := withoutDirective(data)
	if p != nil {
		return nil, []problem{*p}
	}
	if !lim.spaces {
		return parseTree(data, lim)
	}
	return parseSpaced(data, lim)
}

// parseSpaced is parseTree for data that may hold lookalikes of spaces. They are reported, and read as the spaces that they look like.
func parseSpaced(data []byte, lim limits) (*node, []problem) {
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
	// A space is often not as wide as what it replaces, so the structure may not fit even now.
	problems = slices.DeleteFunc(problems, func(p problem) bool { return p.rule == diag.Syntax })
	return root, append(explainLookalikes(found), problems...)
}

// parseTree is parseYAML for text without directives.
func parseTree(data []byte, lim limits) (*node, []problem) {
	doc, problems := decodeDefined(data)
	if doc == nil {
		return nil, problems
	}
	c := converter{text: cursor{lines: splitLines(data)}, limits: lim, done: map[*yaml.Node]*node{}, problems: problems}
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

// posAt is the position of a byte offset; one beyond the end is the place after the last character.
func posAt(data []byte, offset int) Pos {
	before := data[:min(offset, len(data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	return Pos{Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[start:]) + 1}
}

// withoutDirective returns data with its %YAML line, if any, turned into a comment: the library knows version 1.1 only. Other directives are
// refused: a %TAG multiplies its text in every tag that uses it.
func withoutDirective(data []byte) ([]byte, *problem) {
	line, offset, head := 0, 0, true
	for text := range bytes.Lines(data) {
		line++
		switch {
		case head && bytes.HasPrefix(text, []byte("%YAML 1.")):
			data = bytes.Clone(data)
			data[offset] = '#'
			head = false
		case text[0] == '%':
			return nil, &problem{diag.Syntax, Pos{line, 1}, "a line that starts with % is a YAML directive", "remove the line, or quote the value it belongs to"}
		case text[0] != '#' && len(bytes.TrimSpace(text)) > 0:
			head = false
		}
		offset += len(text)
	}
	return data, nil
}

// checkDensity refuses a file with far more YAML punctuation than the nodes that are allowed can need, before the library spends its time on it.
func checkDensity(data []byte, lim limits) *problem {
	left := 4 * lim.nodes
	for i, c := range data {
		switch c {
		case '-', ':', '?':
			if i+1 < len(data) && strings.IndexByte(" \t\r\n,", data[i+1]) < 0 {
				continue // within a word
			}
		case ',', '[', ']', '{', '}', '&', '*', '!', '\'', '"':
		default:
			continue
		}
		if left--; left < 0 {
			return &problem{diag.TooLarge, posAt(data, i), fmt.Sprintf("far too much punctuation; a file has at most %d keys and values", lim.nodes), "shorten the file"}
		}
	}
	return nil
}

// stepReader hands out data in small steps. When the library gives up, offset tells how far it came: it reports
// a line at best itself, and often a wrong one.
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

// decodeOne parses data as exactly one document. Where more follows, the first is returned beside the problem.
func decodeOne(data []byte) (*yaml.Node, *problem) {
	r := &stepReader{data: data}
	dec := yaml.NewDecoder(r)
	doc, err := decode(dec)
	if errors.Is(err, io.EOF) || err == nil && isBlank(doc) {
		return nil, &problem{diag.OneDocument, Pos{}, "the file holds no YAML", "start with version: \"1\", or remove the file and run `action init`"}
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
	return doc, &problem{diag.OneDocument, Pos{second.Line, second.Column}, "a second YAML document starts here", "keep one document and remove the rest"}
}

// maxUndefined is how many aliases without an anchor are read past. Finding one takes the work of finding a mistake in the syntax.
const maxUndefined = 3

// decodeDefined is decodeOne for data that may hold aliases without an anchor, at which the library gives up: each is a problem, and a plain word
// in what is returned.
func decodeDefined(data []byte) (*yaml.Node, []problem) {
	var problems []problem
	for {
		doc, p := decodeOne(data)
		if p == nil {
			return doc, problems
		}
		problems = append(problems, *p)
		at := offsetOf(data, p.pos)
		if p.rule != diag.NoAlias || len(problems) > maxUndefined || at == len(data) || data[at] != '*' {
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

// decode reads the next document. A panic of the library is its way to report something it did not foresee.
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
	limits  limits
	count   int
	done    map[*yaml.Node]*node
	tooMany *problem // where the nodes became too many; nothing behind is read
	tooDeep *problem // the first collection that is nested too deep; none of them is read
	// problems are those that are told already; what stands at the place of one means nothing.
	problems []problem
}

func (c *converter) convert(y *yaml.Node, depth int) *node {
	n := &node{pos: Pos{y.Line, y.Column}, value: y.Value, anchored: y.Anchor != ""}
	n.tagged = y.Style&yaml.TaggedStyle != 0 || strings.HasPrefix(c.text.from(n.pos), "!")
	told := slices.ContainsFunc(c.problems, func(p problem) bool { return p.pos == n.pos })
	if n.omitted = c.exceeds(n, y.Kind, depth) || told; n.omitted {
		return n
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.kind = mappingNode
		n.pairs = make([]pair, 0, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content) && c.tooMany == nil; i += 2 {
			key := c.convert(y.Content[i], depth+1)
			value := c.convert(y.Content[i+1], depth+1)
			n.pairs = append(n.pairs, pair{key, value})
		}
	case yaml.SequenceNode:
		n.kind = sequenceNode
		n.items = make([]*node, 0, len(y.Content))
		for i := 0; i < len(y.Content) && c.tooMany == nil; i++ {
			item := c.convert(y.Content[i], depth+1)
			if item.absent {
				item.pos.Column-- // the library puts nothing behind the hyphen that announces it
			}
			n.items = append(n.items, item)
		}
	case yaml.AliasNode:
		n.kind = aliasNode
		n.target = c.done[y.Alias] // not there yet if it encloses the alias
	default:
		n.style = styleOf(y.Style)
		n.absent = n.style == plainStyle && y.Value == "" && !n.tagged && !n.anchored
	}
	if n.anchored {
		c.done[y] = n
	}
	return n
}

// exceeds counts n and reports whether it is beyond a limit, of which the first case is noted.
func (c *converter) exceeds(n *node, k yaml.Kind, depth int) bool {
	if c.count++; c.count > c.limits.nodes {
		if c.tooMany == nil {
			c.tooMany = &problem{diag.TooLarge, n.pos, fmt.Sprintf("more than %d keys and values", c.limits.nodes), "shorten the file"}
		}
		return true
	}
	if depth <= c.limits.depth || k != yaml.MappingNode && k != yaml.SequenceNode {
		return false
	}
	if c.tooDeep == nil {
		c.tooDeep = &problem{diag.TooLarge, n.pos, fmt.Sprintf("nested more than %d levels deep", c.limits.depth), "flatten the file"}
	}
	return true
}

// cursor finds positions in lines. It walks on from where it was last, so that asking for them in about their order, as they stand in a
// tree, costs no more than one walk through the file, however long its lines are.
type cursor struct {
	lines  []string
	at     Pos
	offset int // of at, in bytes of its line
}

// from is the rest of the line from pos on, "" where there is none.
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

func styleOf(s yaml.Style) style {
	switch {
	case s&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return quotedStyle
	case s&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return blockStyle
	}
	return plainStyle
}

// scalarType is the type that YAML 1.2's core schema gives a scalar.
type scalarType uint8

const (
	typeString scalarType = iota
	typeNull
	typeBool
	typeInt
	typeFloat
)

var (
	intPattern   = pattern(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)
	floatPattern = pattern(`^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
)

// typ is the scalar's type. Only a plain scalar can be anything but a string.
func (n *node) typ() scalarType {
	if n.style != plainStyle {
		return typeString
	}
	switch n.value {
	case "", "~", "null", "Null", "NULL":
		return typeNull
	case "true", "True", "TRUE", "false", "False", "FALSE":
		return typeBool
	}
	switch {
	case intPattern().MatchString(n.value):
		return typeInt
	case floatPattern().MatchString(n.value):
		return typeFloat
	}
	return typeString
}

// integer is the value of a scalar of typeInt; ok is false if it is no such scalar or does not fit.
func (n *node) integer() (value int, ok bool) {
	if n.kind != scalarNode || n.typ() != typeInt {
		return 0, false
	}
	digits, base := n.value, 10
	switch {
	case strings.HasPrefix(digits, "0o"):
		digits, base = digits[2:], 8
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	}
	v, err := strconv.ParseInt(digits, base, 64)
	return int(v), err == nil
}

// syntaxError is what keeps data from being YAML, of any number of documents; nil if nothing does.
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
