// Package page is the report as one HTML file that needs nothing else: no server, no
// network, no build step.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // for the parts of the page
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// The parts of the page. A browser runs this script only, and loads nothing.
var (
	//go:embed page.html
	template string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// Render returns the page. The browser reads data when it opens the page, and details, a
// list with one element for each row, when a row is opened.
func Render(data any, details []any) ([]byte, error) {
	head, err := encode(data)
	if err != nil {
		return nil, err
	}
	var lines bytes.Buffer
	for _, d := range details {
		line, err := encode(d)
		if err != nil {
			return nil, err
		}
		lines.Write(line)
		lines.WriteByte('\n')
	}
	parts := map[string]string{"policy": policy(), "style": style, "script": script, "data": string(head),
		"details": lines.String()}
	var page bytes.Buffer
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "{{")
		page.WriteString(before)
		if !found {
			return page.Bytes(), nil
		}
		name, after, _ := strings.Cut(after, "}}")
		part, known := parts[name]
		if !known {
			return nil, fmt.Errorf("the page has no part %q", name)
		}
		page.WriteString(part)
		rest = after
	}
}

// encode writes v so that it can stand inside of a script element: <, >, & and the line
// separators of JavaScript are escaped, which is the default of encoding/json.
func encode(v any) ([]byte, error) { return json.Marshal(v) }

// policy forbids everything but this style and this script. Data in a script element is no
// script.
func policy() string {
	return "default-src 'none'; img-src data:; script-src " + hash(script) + "; style-src " + hash(style) +
		"; base-uri 'none'; form-action 'none'"
}

// hash names a text for a policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
