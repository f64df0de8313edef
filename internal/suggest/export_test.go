package suggest

// FixedWords returns every word that stands for a schedule as a whole, with the entry that
// is proposed for it on one line, or "".
func FixedWords() map[string]string {
	entries := make(map[string]string)
	for word := range fixedWords {
		entries[word] = ""
		if p, ok := propose(word); ok {
			entries[word] = p.flow()
		}
	}
	return entries
}
