package graphql

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// field is one field of a selection, with its arguments and its own selection.
type field struct {
	name string
	args map[string]any // a variable is a variable
	sub  []field
	on   string // the type of the fragment that has the field, "" for none
}

// variable is the name of a variable where an argument has one.
type variable string

// parser reads the part of the query language that the stand-in knows: one query with
// variables, arguments and inline fragments.
type parser struct {
	tokens []string
	at     int
}

// parse reads a query and returns its selection and the types of its variables.
func parse(text string) (fields []field, variables map[string]string, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			err = fmt.Errorf("parse error: %v", problem)
		}
	}()
	p := &parser{tokens: tokenize(text)}
	p.want("query")
	variables = map[string]string{}
	if p.peek() == "(" {
		for p.next(); p.peek() != ")"; {
			p.want("$")
			name := p.next()
			p.want(":")
			variables[name] = p.next()
			if p.peek() == "!" {
				variables[name] += p.next()
			}
			p.skip(",")
		}
		p.next()
	}
	fields = p.selection("")
	if p.at != len(p.tokens) {
		panic("more after the query")
	}
	return fields, variables, nil
}

func tokenize(text string) (tokens []string) {
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n := strings.IndexFunc(text, func(r rune) bool { return !isWord(r) })
		switch {
		case strings.HasPrefix(text, "..."):
			n = 3
		case text[0] == '"': // without escapes, which no query here has
			n = strings.IndexByte(text[1:], '"') + 2
			if n == 1 {
				panic("a string does not end")
			}
		case n == 0:
			n = 1
		case n < 0:
			n = len(text)
		}
		tokens = append(tokens, text[:n])
		text = text[n:]
	}
	return tokens
}

func (p *parser) peek() string {
	if p.at == len(p.tokens) {
		panic("unexpected end")
	}
	return p.tokens[p.at]
}

func (p *parser) next() string {
	t := p.peek()
	p.at++
	return t
}

func (p *parser) want(token string) {
	if got := p.next(); got != token {
		panic(fmt.Sprintf("got %q, want %q", got, token))
	}
}

func (p *parser) skip(token string) {
	if p.peek() == token {
		p.at++
	}
}

func (p *parser) selection(on string) (fields []field) {
	for p.want("{"); p.peek() != "}"; {
		if p.peek() == "..." {
			p.next()
			p.want("on")
			fields = append(fields, p.selection(p.next())...)
			continue
		}
		f := field{name: p.next(), args: map[string]any{}, on: on}
		if p.peek() == "(" {
			for p.next(); p.peek() != ")"; p.skip(",") {
				name := p.next()
				p.want(":")
				f.args[name] = p.value()
			}
			p.next()
		}
		if p.peek() == "{" {
			f.sub = p.selection("")
		}
		fields = append(fields, f)
	}
	p.next()
	return fields
}

// value reads a number, a name, a variable, a list or an object.
func (p *parser) value() any {
	switch t := p.next(); t {
	case "$":
		return variable(p.next())
	case "[":
		var list []any
		for ; p.peek() != "]"; p.skip(",") {
			list = append(list, p.value())
		}
		p.next()
		return list
	case "{":
		object := map[string]any{}
		for ; p.peek() != "}"; p.skip(",") {
			name := p.next()
			p.want(":")
			object[name] = p.value()
		}
		p.next()
		return object
	default:
		return strings.Trim(t, `"`)
	}
}

// types is the part of GitHub's schema that the stand-in knows: the type of each field,
// "" for a scalar, and the arguments of fields that have some.
var types = map[string]map[string]string{
	"Query":           {"repositoryOwner": "RepositoryOwner", "rateLimit": "RateLimit"},
	"RateLimit":       {"cost": "", "remaining": "", "resetAt": "", "limit": "", "used": ""},
	"RepositoryOwner": {"login": "", "repositories": "RepositoryConnection"},
	"RepositoryConnection": {"totalCount": "", "pageInfo": "PageInfo", "edges": "RepositoryEdge",
		"nodes": "Repository"},
	"PageInfo":       {"hasNextPage": "", "endCursor": ""},
	"RepositoryEdge": {"cursor": "", "node": "Repository"},
	"Repository": {"databaseId": "", "nameWithOwner": "", "isArchived": "", "isFork": "", "visibility": "",
		"defaultBranchRef": "Ref", "repositoryTopics": "TopicConnection", "object": "GitObject"},
	"Ref":             {"name": "", "target": "GitObject"},
	"TopicConnection": {"nodes": "RepositoryTopic"},
	"RepositoryTopic": {"topic": "Topic"},
	"Topic":           {"name": ""},
	"GitObject":       {"__typename": "", "oid": ""},
	"Blob":            {"byteSize": "", "isBinary": "", "isTruncated": "", "text": ""},
}

var arguments = map[string][]string{
	"repositoryOwner": {"login"},
	"repositories": {"first", "after", "ownerAffiliations", "isFork", "isArchived", "visibility", "orderBy",
		"affiliations", "privacy"},
	"repositoryTopics": {"first"},
	"object":           {"expression"},
}

// check returns what a selection asks of a type that the type does not have.
func check(on string, fields []field, variables map[string]string) error {
	if len(fields) == 0 {
		return fmt.Errorf("a field of type %s must have a selection", on)
	}
	for _, f := range fields {
		owner := on
		if f.on != "" {
			owner = f.on
		}
		kind, ok := types[owner][f.name]
		if !ok {
			return fmt.Errorf("field '%s' doesn't exist on type '%s'", f.name, owner)
		}
		for name, value := range f.args {
			if !slices.Contains(arguments[f.name], name) {
				return fmt.Errorf("field '%s' doesn't accept argument '%s'", f.name, name)
			}
			if v, ok := value.(variable); ok && variables[string(v)] == "" {
				return fmt.Errorf("variable $%s is used and not declared", v)
			}
		}
		switch {
		case kind == "" && f.sub != nil:
			return fmt.Errorf("field '%s' is a scalar", f.name)
		case kind == "":
			continue
		case strings.HasSuffix(kind, "Connection") && f.args["first"] == nil:
			return fmt.Errorf("you must provide a `first` value on the `%s` connection", f.name)
		}
		if err := check(kind, f.sub, variables); err != nil {
			return err
		}
	}
	return nil
}
