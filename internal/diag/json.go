package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// WriteJSON writes findings as one JSON array, which is [] if there are none. It escapes
// control and invisible characters. It also escapes ##[, because the runner accepts that
// form of a command anywhere in a line. The other form, ::, needs no escape: the runner
// accepts it only at the start of a line, and no line of the JSON starts with it.
func WriteJSON(w io.Writer, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	return writeJSON(w, findings)
}

// writeJSON writes v, indented, with a line break at the end.
func writeJSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding findings: %w", err)
	}
	if _, err := w.Write(EscapeJSON(buf.Bytes())); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// EscapeJSON escapes in valid JSON what WriteJSON escapes. These characters can only be
// inside strings.
func EscapeJSON(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); {
		r, size := utf8.DecodeRune(in[i:])
		switch {
		case bytes.HasPrefix(in[i:], []byte("##[")):
			out = append(out, `\u0023`...)
		case r == '\n' || unicode.IsPrint(r):
			out = append(out, in[i:i+size]...)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
		i += size
	}
	return out
}
