package secrets

import (
	"context"
	"strings"
	"sync"
)

// keyword is a keyword of a row of the table.
type keyword struct {
	text     string
	exact    bool // found only as it is written, else in any case
	detector int
}

// index finds all keywords in one pass over a text. It is the automaton of Aho and
// Corasick, https://en.wikipedia.org/wiki/Aho%E2%80%93Corasick_algorithm, for text in
// lower case.
type index struct {
	detectors []*detector
	keywords  []keyword
	class     [256]uint8 // of a byte; 0 for those that no keyword has
	classes   int
	next      []uint16   // the state after a state and a class
	found     [][]uint16 // the keywords that end in a state
}

// tableIndex is the index of all kinds. It is built when a text is first searched.
var tableIndex = sync.OnceValue(func() *index {
	ix := &index{}
	for i := range kinds {
		ix.detectors = append(ix.detectors, newDetector(&kinds[i]))
		for _, word := range strings.Fields(kinds[i].keywords) {
			ix.keywords = append(ix.keywords, keyword{word, strings.ToLower(word) != word, i})
		}
	}
	ix.build()
	return ix
})

func (ix *index) build() {
	ix.classes = 1
	for _, k := range ix.keywords {
		for _, c := range lowerASCII([]byte(k.text)) {
			if ix.class[c] == 0 {
				ix.class[c] = uint8(ix.classes)
				ix.classes++
			}
		}
	}
	for c := 'A'; c <= 'Z'; c++ {
		ix.class[c] = ix.class[c+'a'-'A']
	}
	ix.addState()
	for i, k := range ix.keywords {
		state := 0
		for _, c := range []byte(k.text) {
			at := state*ix.classes + int(ix.class[c])
			if ix.next[at] == 0 {
				added := ix.addState()
				ix.next[at] = added
			}
			state = int(ix.next[at])
		}
		ix.found[state] = append(ix.found[state], uint16(i))
	}
	ix.link()
}

func (ix *index) addState() uint16 {
	ix.next = append(ix.next, make([]uint16, ix.classes)...)
	ix.found = append(ix.found, nil)
	return uint16(len(ix.found) - 1)
}

// link completes the automaton: a state continues like its longest proper suffix where no
// keyword continues it.
func (ix *index) link() {
	suffix := make([]int, len(ix.found))
	queue := []int{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		for class := 1; class < ix.classes; class++ {
			at := state*ix.classes + class
			after := 0
			if state != 0 {
				after = int(ix.next[suffix[state]*ix.classes+class])
			}
			child := int(ix.next[at])
			if child == 0 {
				ix.next[at] = uint16(after)
				continue
			}
			suffix[child] = after
			ix.found[child] = append(ix.found[child], ix.found[after]...)
			queue = append(queue, child)
		}
	}
}

// hit is a secret that a row of the table found.
type hit struct {
	Span
	detector int
}

// betweenChecks is how many bytes are searched before the context is looked at again. Text
// that is full of keywords takes a few milliseconds.
const betweenChecks = 4 << 10

// find returns the secrets in text, in the order of their keywords. Without contexts it
// skips the rows that words around a secret reveal, except names of issuers and rows that
// wrap. It stops when ctx ends.
func (ix *index) find(ctx context.Context, text []byte, contexts bool) []hit {
	var hits []hit
	done := make([]int, len(ix.detectors)) // the end of each detector's last match
	state := 0
	for i, c := range text {
		if i%betweenChecks == 0 && ctx.Err() != nil {
			return nil
		}
		state = int(ix.next[state*ix.classes+int(ix.class[c])])
		for _, n := range ix.found[state] {
			k := &ix.keywords[n]
			d := ix.detectors[k.detector]
			at := i + 1 - len(k.text)
			if at < done[k.detector] || k.exact && string(text[at:i+1]) != k.text ||
				!contexts && d.context && !d.wraps {
				continue
			}
			s, next, ok := d.find(text, done[k.detector], at, i+1)
			if ok && (contexts || mayBeWrapped(text[s.Start:s.End])) {
				hits = append(hits, hit{s, k.detector})
			}
			done[k.detector] = max(done[k.detector], next)
		}
	}
	return hits
}

// mayBeWrapped reports whether secret, whose lines were joined, is more than joined words:
// it is random, or all in capitals with a digit, such as the key of an account at AWS.
func mayBeWrapped(secret []byte) bool {
	digits := 0
	for _, c := range secret {
		switch classOf(c) {
		case lowerCase:
			return isRandom(secret)
		case digit:
			digits++
		}
	}
	return digits > 0 || isRandom(secret)
}

// lowerASCII returns text in lower case. Every byte keeps its place, unlike with
// bytes.ToLower.
func lowerASCII(text []byte) []byte {
	lower := append([]byte(nil), text...)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	return lower
}
