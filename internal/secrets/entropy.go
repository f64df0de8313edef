package secrets

import (
	"bytes"
	"math"
)

// entropy is Shannon's, in bits per byte.
func entropy(text []byte) float64 {
	var counts [256]int
	for _, b := range text {
		counts[b]++
	}
	var bits float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// relativeEntropy is the entropy of text in proportion to the largest that a text of its
// length in its alphabet can have: 1 at most. So a digest in hexadecimal and a token in
// base64 are judged alike. If a long run of letters and digits follows a prefix, only the
// run counts.
func relativeEntropy(text []byte) float64 {
	if run := longestRun(text); len(run) >= 16 {
		text = run
	}
	if len(text) < 2 {
		return 0
	}
	return entropy(text) / math.Log2(float64(max(2, min(alphabetSize(text), len(text)))))
}

// longestRun returns the longest run of base64 in text.
func longestRun(text []byte) []byte {
	var longest []byte
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && (isAlnum(text[end]) || text[end] == '+' || text[end] == '/') {
			end++
		}
		if end-start > len(longest) {
			longest = text[start:end]
		}
		start = end + 1
	}
	return longest
}

// alphabetSize is the size of the smallest usual alphabet that has all bytes of text:
// digits, hexadecimal, letters of one case or both, and the punctuation that text has.
func alphabetSize(text []byte) int {
	var letters [2]int // of the lower and the upper case
	var others [256]bool
	size, digits := 0, 0
	for _, c := range text {
		switch class := classOf(c); {
		case class == digit:
			digits = 10
		case class == other && !others[c]:
			size, others[c] = size+1, true
		case class != other && (c|0x20) > 'f':
			letters[class] = 26
		case class != other:
			letters[class] = max(letters[class], 6)
		}
	}
	return size + digits + letters[lowerCase] + letters[upperCase]
}

// The classes of characters.
const (
	lowerCase = iota
	upperCase
	digit
	other
)

func classOf(c byte) int {
	switch {
	case 'a' <= c && c <= 'z':
		return lowerCase
	case 'A' <= c && c <= 'Z':
		return upperCase
	case '0' <= c && c <= '9':
		return digit
	}
	return other
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isRandom reports whether the classes of characters in text change as often as in random
// text. Names and words change them rarely, at their boundaries.
func isRandom(text []byte) bool {
	changes, letters := 0, 0
	for i, c := range text {
		if classOf(c) < digit {
			letters++
		}
		if i > 0 && classOf(c) != classOf(text[i-1]) {
			changes++
		}
	}
	switch {
	case letters == 0 || isCamelCase(text):
		return false
	case alphabetSize(text) == 16:
		return changes > 1
	case !bytes.ContainsAny(text, "0123456789"):
		return 5*changes >= 2*(len(text)-1)
	}
	return 5*changes >= len(text)-1
}

// isCamelCase reports whether most of text is words that capitals separate. In random
// text few lower-case letters follow each other, and fewer with a vowel among them.
func isCamelCase(text []byte) bool {
	inWords, start, upper := 0, 0, false
	for i := 0; i <= len(text); i++ {
		if i < len(text) && classOf(text[i]) == lowerCase {
			continue
		}
		if word := text[start:i]; len(word) >= 3 && bytes.ContainsAny(word, "aeiouAEIOU") {
			inWords += len(word)
		}
		start = i + 1
		if i < len(text) && classOf(text[i]) == upperCase {
			start, upper = i, true
		}
	}
	return upper && 5*inWords >= 3*len(text)
}

// isSequence reports whether most of run continues an alphabet or the digits, as in
// abcdef0123456789.
func isSequence(run []byte) bool {
	steps := 0
	for i := 1; i < len(run); i++ {
		if run[i] == run[i-1]+1 || run[i] == run[i-1] || run[i] == '0' && run[i-1] == '9' {
			steps++
		}
	}
	return len(run) > 8 && 2*steps >= len(run)
}
