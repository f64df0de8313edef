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

// WriteJSON writes findings as one JSON array; no findings are []. It escapes characters
// that a terminal would act on or hide, and ##[, which the runner takes for a command
// anywhere in a line. The other form of a command, ::, works only at the start of a line,
// where JSON has none.
func WriteJSON(w io.Writer, findings []Finding) error {
	if findings == nil {
		findings = []Finding{}
	}
	return writeJSON(w, findings)
}

// writeJSON writes v, indented and with a final line break.
func writeJSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encoding findings: %w", err)
	}
	if _, err := w.Write(escapeJSON(buf.Bytes())); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return nil
}

// escapeJSON rewrites valid JSON. All characters that it escapes are inside strings.
func escapeJSON(in []byte) []byte {
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
