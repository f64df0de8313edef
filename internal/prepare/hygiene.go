package prepare

import (
	"bytes"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// How many places of one file are reported: enough to see what is wrong, too few to bury
// the rest.
const (
	maxHidden  = 10
	maxSecrets = 20
)

// hygiene checks what a part carries, and takes the secrets out where the policy says so.
func (c *collector) hygiene(p *part) {
	if p == nil || p.state == Omitted || p.state == Summarized {
		return
	}
	c.checkText(p)
	if c.policy == SecretsOff {
		return
	}
	spans := p.secrets()
	for _, s := range spans[:min(len(spans), maxSecrets)] {
		line, column := p.place(s.start)
		c.secret(p.Path, secretAt{s.rule, line, column})
	}
	if len(spans) > 0 {
		p.state, p.content = Redacted, redact(p.content, spans)
	}
}

// secretAt is where a secret is and which detector found it; never the secret.
type secretAt struct {
	rule         string
	line, column int
}

func (c *collector) secretFinding(file string, s secretAt) diag.Finding {
	return diag.Secret.At(file, s.line, s.column,
		fmt.Sprintf("a secret of the kind %s stands in what agent %q reads", s.rule, c.entry.Agent),
		"remove it and revoke it: it is in the history too")
}

func (c *collector) secret(file string, s secretAt) {
	f := c.secretFinding(file, s)
	if c.policy == SecretsRedact {
		f.Severity = diag.Warning
		f.Message += "; the bundle does not hold it"
	}
	c.findings = append(c.findings, f)
}

// cleanSessionClose checks the suggested commands, which go into the event, as hygiene
// checks a file.
func (c *collector) cleanSessionClose(lines []string) {
	file := c.manifest()
	for i, line := range lines {
		pos := c.commandPos(i)
		if hidden := hiddenRunes([]byte(line)); len(hidden) > 0 {
			c.findings = append(c.findings, hiddenFinding(file, pos.Line, pos.Column, hidden[0].r, len(hidden)-1))
		}
		if c.policy == SecretsOff {
			continue
		}
		spans := findSecrets([]byte(line))
		for _, s := range spans {
			c.secret(file, secretAt{s.rule, pos.Line, pos.Column})
		}
		lines[i] = string(redact([]byte(line), spans))
	}
}

// commandPos is the place of the command with that index in the manifest, or of
// session_close where the manifest keeps no place of each command.
func (c *collector) commandPos(i int) yamlnode.Pos {
	if pos := c.entry.Pos(fmt.Sprintf("session_close.%d", i)); pos != c.entry.Pos("") {
		return pos
	}
	return c.entry.Pos("session_close")
}

// checkText warns about bytes that are not UTF-8 and characters that a reader does not see.
func (c *collector) checkText(p *part) {
	if at, message, hint := notText(p.content); message != "" {
		line, column := p.place(at)
		c.findings = append(c.findings, diag.InvalidUTF8.At(p.Path, line, column, message, hint))
		return
	}
	if i := invalidUTF8(p.content); i >= 0 {
		line, column := p.place(i)
		c.findings = append(c.findings, diag.InvalidUTF8.At(p.Path, line, column,
			fmt.Sprintf("byte 0x%02x is not UTF-8; the bundle carries the file as base64", p.content[i]),
			"save the file as UTF-8"))
	}
	hidden := hiddenRunes(p.content)
	for i, h := range hidden {
		if i == maxHidden {
			break
		}
		line, column := p.place(h.offset)
		more := 0
		if i == maxHidden-1 {
			more = len(hidden) - maxHidden
		}
		c.findings = append(c.findings, hiddenFinding(p.Path, line, column, h.r, more))
	}
}

// notText says why data is no text in UTF-8 as a whole, and where that shows; "" if only
// single bytes may be wrong. UTF-16 is known by its byte order mark, or by a NUL in every
// other byte of most characters; a binary file by a NUL and many bytes that no text has.
func notText(data []byte) (at int, message, hint string) {
	var nul [2]int
	strange := 0
	for i, b := range data {
		if b == 0 {
			nul[i%2]++
		}
		if b < 0x20 && !bytes.ContainsRune([]byte("\t\n\v\f\r\x1b"), rune(b)) {
			strange++
		}
	}
	strange += bytes.Count(bytes.ToValidUTF8(data, []byte("\ufffd")), []byte("\ufffd")) // runs of them count once
	marked := bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff"))
	switch most := max(nul[0], nul[1]); {
	case marked, most > len(data)/4 && min(nul[0], nul[1]) < most/8:
		return 0, "the file is UTF-16, which reaches the agent as noise", "save it as UTF-8"
	case most > 0 && strange > len(data)/8:
		return bytes.IndexByte(data, 0), "the file is binary, which reaches the agent as noise", "name a text file"
	}
	return 0, "", ""
}

// hiddenFinding reports r, and how many more follow that are not reported one by one.
func hiddenFinding(file string, line, column int, r rune, more int) diag.Finding {
	message := fmt.Sprintf("U+%04X is invisible or changes the direction of text", r)
	if more > 0 {
		message += fmt.Sprintf("; %d more follow", more)
	}
	return diag.HiddenUnicode.At(file, line, column, message, "remove it: an agent reads what a reviewer does not see")
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

type hiddenRune struct {
	r      rune
	offset int
}

// hiddenRunes finds the characters that can hide text from a reviewer. A byte order mark
// at the start, joiners inside emoji and inside words of scripts that need them,
// variation selectors after a symbol, and flags spelled in tag characters are as they
// should be.
func hiddenRunes(data []byte) []hiddenRune {
	var found []hiddenRune
	var before rune // the last visible character
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		rest := data[i+size:]
		if isTag(r) {
			n := tagRun(data[i:])
			if !isFlag(before, data[i:i+n]) {
				found = append(found, hiddenRune{r, i})
			}
			i += n
			continue
		}
		if isHidden(r) && !(r == '\ufeff' && i == 0) && !inPlace(r, before, rest) {
			found = append(found, hiddenRune{r, i})
		}
		if !isSelector(r) && !isJoiner(r) {
			before = r
		} else if isSelector(r) {
			before = selected(before)
		}
		i += size
	}
	return found
}

// selected is what comes before a second variation selector: nothing that one may follow.
func selected(before rune) rune {
	if unicode.Is(unicode.So, before) || unicode.Is(unicode.Sk, before) {
		return unicode.MaxRune // an emoji that has its selector may still be joined to another
	}
	return 0
}

var hiddenTable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0000, 0x0008, 1}, {0x000b, 0x000b, 1}, {0x000e, 0x001f, 1}, {0x007f, 0x009f, 1}, // controls but \t \n \f \r
		{0x00ad, 0x00ad, 1}, {0x034f, 0x034f, 1}, {0x061c, 0x061c, 1}, {0x115f, 0x1160, 1},
		{0x17b4, 0x17b5, 1}, {0x180b, 0x180f, 1},
		{0x200b, 0x200f, 1}, {0x2028, 0x202e, 1}, {0x2060, 0x206f, 1}, {0x3164, 0x3164, 1},
		{0xfe00, 0xfe0f, 1}, {0xfeff, 0xfeff, 1},
		{0xffa0, 0xffa0, 1}, {0xfff9, 0xfffb, 1},
	},
	R32: []unicode.Range32{
		{0x1bca0, 0x1bca3, 1}, {0x1d173, 0x1d17a, 1}, {0xe0000, 0xe0fff, 1},
	},
}

func isHidden(r rune) bool   { return unicode.Is(hiddenTable, r) }
func isJoiner(r rune) bool   { return r == 0x200c || r == 0x200d }
func isSelector(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef }
func isTag(r rune) bool      { return r >= 0xe0000 && r <= 0xe007f }

// inPlace reports whether r is a joiner or selector that its neighbours call for.
func inPlace(r, before rune, rest []byte) bool {
	next, _ := utf8.DecodeRune(rest)
	switch {
	case r == 0x200c && !isHidden(next) && (shapes(before) || shapes(next)):
		// One is enough: Persian joins its suffixes to Latin words.
		return true
	case isJoiner(r):
		return joins(before) && joins(next)
	case r >= 0xe0100: // ideographic variation
		return unicode.Is(unicode.Han, before)
	case isSelector(r):
		return before == '#' || before == '*' || before >= '0' && before <= '9' ||
			before > 0x7f && before != unicode.MaxRune && unicode.IsGraphic(before)
	}
	return false
}

// joins reports whether a joiner may be next to r: next to emoji, and to letters and
// marks of the scripts that shape their words.
func joins(r rune) bool {
	return r == unicode.MaxRune || unicode.In(r, unicode.So, unicode.Sk) || shapes(r)
}

// shapes reports whether r is a letter or mark of a script that shapes its words.
func shapes(r rune) bool {
	return r > 0x300 &&
		unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko,
			unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati,
			unicode.Oriya, unicode.Tamil, unicode.Telugu, unicode.Kannada, unicode.Malayalam,
			unicode.Sinhala, unicode.Khmer, unicode.Myanmar)
}

// tagRun is the length in bytes of the tag characters that data starts with.
func tagRun(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if !isTag(r) {
			break
		}
		n += size
	}
	return n
}

// isFlag reports whether before and tags are a subdivision's flag, such as Scotland's: a
// black flag, up to six letters and the cancel tag.
func isFlag(before rune, tags []byte) bool {
	runes := bytes.Runes(tags)
	return before == 0x1f3f4 && len(runes) >= 4 && len(runes) <= 7 &&
		runes[len(runes)-1] == 0xe007f && !slices.Contains(runes[:len(runes)-1], 0xe007f)
}
