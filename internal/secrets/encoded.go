package secrets

import (
	"bytes"
	"context"
	"encoding/base64"
)

// leastEncoded is the length of the shortest base64 that is decoded, and leastLine that of
// the shortest line of it that may continue on the next line.
const leastEncoded, leastLine = 20, 40

// encodedSecrets returns the runs of base64 in text that encode a text with secrets.
func encodedSecrets(ctx context.Context, text []byte) []Span {
	var spans []Span
	for i := 0; i < len(text) && ctx.Err() == nil; {
		if !isBase64(text[i]) {
			i++
			continue
		}
		end := endOfBase64(text, i)
		if end-i >= leastEncoded {
			spans = append(spans, encodedRun(ctx, text[i:end], i)...)
		}
		i = end
	}
	return spans
}

// encodedRun returns the secrets that a run of base64 encodes. If the run is not text, its
// parts between separators are tried, such as the parts of a path.
func encodedRun(ctx context.Context, run []byte, at int) []Span {
	if decoded := decode(run); decoded != nil {
		if found := findPlain(ctx, decoded); len(found) > 0 {
			return []Span{{at, at + len(run), found[0].Kind}}
		}
		return nil
	}
	var spans []Span
	for start := 0; start < len(run) && ctx.Err() == nil; {
		n := bytes.IndexAny(run[start:], "/-_+\n")
		if n < 0 {
			n = len(run) - start
		}
		if n >= leastEncoded && n < len(run) {
			spans = append(spans, encodedRun(ctx, run[start:start+n], at+start)...)
		}
		start += n + 1
	}
	return spans
}

func isBase64(c byte) bool { return isAlnum(c) || c == '+' || c == '/' || c == '-' || c == '_' }

// endOfBase64 returns the end of the run of base64 that begins at start, with line breaks
// between long lines.
func endOfBase64(text []byte, start int) int {
	line := start
	for i := start; i < len(text); i++ {
		if isBase64(text[i]) {
			continue
		}
		if c := text[i]; c != '\n' && c != '\r' && c != ' ' || i-line < leastLine {
			return i
		}
		next := i + len(text[i:]) - len(bytes.TrimLeft(text[i:], "\r\n \t"))
		if next == len(text) || !isBase64(text[next]) || bytes.IndexByte(text[i:next], '\n') < 0 {
			return i
		}
		i, line = next, next
	}
	return len(text)
}

// decode returns the text that run encodes, or nil if it is not text.
func decode(run []byte) []byte {
	const probe = 24
	if first := decodeRaw(run[:min(len(run), probe)]); !isText(first) {
		return nil
	}
	if text := decodeRaw(run); isText(text) {
		return text
	}
	return nil
}

// decodeRaw decodes base64 with or without padding, in both alphabets. It ignores white
// space, and the last character if it is alone.
func decodeRaw(run []byte) []byte {
	var clean []byte
	for _, c := range run {
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		if isBase64(c) {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Decode(out, clean)
	if err != nil {
		return nil
	}
	return out[:n]
}

// isText reports whether nearly all of decoded is printable ASCII, or UTF-16 of it.
func isText(decoded []byte) bool {
	strange := 0
	for _, c := range decoded {
		if (c < ' ' || c > '~') && c != '\n' && c != '\t' && c != '\r' && c != 0 {
			strange++
		}
	}
	return len(decoded) > 0 && 20*strange <= len(decoded)
}
