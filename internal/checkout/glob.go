package checkout

import "strings"

// glob is a pattern of a .gitignore file, split at slashes. It works on bytes, as git's
// wildmatch.c does.
type glob struct {
	segments []segment
	anchored bool // relative to the directory of the file; else it is compared with the last part of a path
}

// segment matches one part of a path. A deep one matches any number of parts.
type segment struct {
	elements []element
	deep     bool // **
}

// element matches one byte, or any number of bytes.
type element struct {
	star bool
	set  *[256]bool // nil matches any
	char byte       // used if set is nil; 0 matches any byte
}

// parseGlob reads a pattern without its ! and its last slash. It returns false if the
// pattern can never match.
func parseGlob(pattern string) (g glob, ok bool) {
	g.anchored = strings.Contains(pattern, "/")
	pattern = strings.TrimPrefix(pattern, "/")
	if pattern == "" {
		return g, false
	}
	var s segment
	for i := 0; i < len(pattern); i++ {
		t := element{char: pattern[i]}
		switch pattern[i] {
		case '/':
			g.segments, s = append(g.segments, s.finish()), segment{}
			continue
		case '*':
			t = element{star: true}
		case '?':
			t.char = 0
		case '\\':
			if i++; i == len(pattern) {
				return g, false
			}
			t.char = pattern[i]
		case '[':
			if t.set, i = parseClass(pattern, i); t.set == nil {
				return g, false
			}
		}
		s.elements = append(s.elements, t)
	}
	g.segments = append(g.segments, s.finish())
	return g, true
}

// finish recognizes **, which is special only as a whole segment. Elsewhere several stars
// count as one.
func (s segment) finish() segment {
	stars := 0
	for _, t := range s.elements {
		if t.star {
			stars++
		}
	}
	s.deep = stars > 1 && stars == len(s.elements)
	return s
}

// parseClass reads the class that opens at pattern[i], and returns the index at which it
// closes. The set is nil if the class is invalid.
func parseClass(pattern string, i int) (set *[256]bool, end int) {
	at := func(i int) byte {
		if i < len(pattern) {
			return pattern[i]
		}
		return 0
	}
	set = new([256]bool)
	i++
	negated := at(i) == '!' || at(i) == '^'
	if negated {
		i++
	}
	previous := byte(0)
	for first := true; first || at(i) != ']'; first = false {
		c := at(i)
		switch {
		case c == 0:
			return nil, i
		case c == '\\':
			i++
			c = at(i)
			set[c] = true
		case c == '-' && previous != 0 && at(i+1) != 0 && at(i+1) != ']':
			if i++; at(i) == '\\' {
				i++
			}
			for b := int(previous); b <= int(at(i)); b++ {
				set[b] = true
			}
			c = 0
		case c == '[' && at(i+1) == ':' && strings.Contains(pattern[i+2:], ":]"):
			name, _, _ := strings.Cut(pattern[i+2:], ":]")
			if !addClass(set, name) {
				return nil, i
			}
			i += len(name) + 3
			c = 0
		default:
			set[c] = true
		}
		previous = c
		i++
	}
	if negated {
		for b := range set {
			set[b] = !set[b]
		}
	}
	return set, i
}

// classes has the POSIX classes of ASCII, as ranges of bytes.
var classes = map[string]string{
	"alnum": "09AZaz", "alpha": "AZaz", "blank": "  \t\t", "cntrl": "\x00\x1f\x7f\x7f", "digit": "09", "graph": "!~",
	"lower": "az", "print": " ~", "punct": "!/:@[`{~", "space": "  \t\r", "upper": "AZ", "xdigit": "09AFaf",
}

func addClass(set *[256]bool, name string) bool {
	ranges, ok := classes[name]
	for i := 0; i < len(ranges); i += 2 {
		for b := int(ranges[i]); b <= int(ranges[i+1]); b++ {
			set[b] = true
		}
	}
	return ok
}

// match reports whether the glob matches the path of parts. It returns false when the
// budget for comparisons is used up.
func (g glob) match(parts []string, left *int) bool {
	if !g.anchored {
		return g.segments[0].matchPart(parts[len(parts)-1], left)
	}
	return matchSegments(g.segments, parts, left)
}

// matchSegments backtracks to the last ** only, because the match of an earlier one need
// not change.
func matchSegments(segments []segment, parts []string, left *int) bool {
	s, p := 0, 0
	backS, backP := -1, 0
	for p < len(parts) {
		switch {
		case s < len(segments) && segments[s].deep && s == len(segments)-1:
			return true // at least one part is below
		case s < len(segments) && segments[s].deep:
			s++
			backS, backP = s, p
		case s < len(segments) && segments[s].matchPart(parts[p], left):
			s++
			p++
		case backS >= 0:
			backP++
			s, p = backS, backP
		default:
			return false
		}
	}
	return s == len(segments)
}

// matchPart reports whether the segment matches one part of a path. It backtracks to the
// last star only.
func (s segment) matchPart(part string, left *int) bool {
	t, i := 0, 0
	backT, backI := -1, 0
	for i < len(part) {
		if *left--; *left < 0 {
			return false
		}
		switch {
		case t < len(s.elements) && s.elements[t].star:
			t++
			backT, backI = t, i
		case t < len(s.elements) && s.elements[t].matches(part[i]):
			t++
			i++
		case backT >= 0:
			backI++
			t, i = backT, backI
		default:
			return false
		}
	}
	for t < len(s.elements) && s.elements[t].star {
		t++
	}
	return t == len(s.elements)
}

func (t element) matches(c byte) bool {
	if t.set != nil {
		return t.set[c]
	}
	return t.char == 0 || t.char == c
}
