// Package ical writes the content lines of a calendar, RFC 5545.
package ical

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Writer collects the lines of a calendar.
type Writer struct{ bytes.Buffer }

// Instant returns an instant as the value of a DATE-TIME property.
func Instant(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// UID returns the value of a UID property that is the same for the same parts.
func UID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16]) + "@schedule-action"
}

// escapeText escapes the value of a TEXT property.
var escapeText = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`)

// Text writes a property whose value is a text.
func (w *Writer) Text(name, value string) { w.Line(name, escapeText.Replace(value)) }

// maxLine is how many bytes a line may have without its line end.
const maxLine = 75

// Line writes a content line, folded between characters.
func (w *Writer) Line(name, value string) {
	room := maxLine
	for _, char := range name + ":" + value {
		if size := len(string(char)); size > room {
			w.WriteString("\r\n ")
			room = maxLine - 1 - size
		} else {
			room -= size
		}
		w.WriteRune(char)
	}
	w.WriteString("\r\n")
}
