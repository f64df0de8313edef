package suggest

// FixedWords returns the words of fixedWords, each with its entry on one line, or with ""
// if it has none.
func FixedWords() map[string]string {
	entries := make(map[string]string)
	for word := range fixedWords {
		entries[word] = ""
		if t, ok := parseTiming(word); ok {
			entries[word] = t.flow()
		}
	}
	return entries
}
