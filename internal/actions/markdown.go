package actions

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// noLink separates what GitHub would link: mentions, addresses and bare URLs. It is an
// invisible character, written as an entity.
const noLink = "&#8203;"

var inline = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"|", "&#124;", // not \|, which ends a cell after a backslash
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`,
	"(", `\(`, ")", `\)`, "!", `\!`, "#", `\#`,
	"$", "<span>$</span>", // mathematics, which no backslash stops
	"@", "@"+noLink,
	"://", ":"+noLink+"//",
)

var www = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)(www)\.`) })

// prose escapes one line of text for Markdown: it becomes no markup, HTML, table cell,
// link or mention.
func prose(s string) string {
	s = strings.TrimSpace(s)
	out := www().ReplaceAllString(inline.Replace(s), "${1}"+noLink+".")
	// At the start of a line these begin a list, a heading's underline or a rule.
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "=") {
		return `\` + out
	}
	if digits := strings.TrimLeft(s, "0123456789"); digits != s && strings.HasPrefix(digits, ".") {
		return strings.Replace(out, ".", `\.`, 1)
	}
	return out
}

func (c Cell) markdown() string {
	text := prose(safetext.Shorten(safetext.OneLine(c.Text), maxCell))
	if text == "" {
		return ""
	}
	if c.Code {
		text = "<code>" + text + "</code>" // not backticks, within which a backslash before | ends the cell
	}
	if link := safeURL(c.URL); link != "" {
		return "[" + text + "](" + link + ")"
	}
	return text
}

// safeURL returns s as the destination of a link, or "" unless it is an absolute http or
// https URL without credentials.
func safeURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#@+,;=%"
	var b strings.Builder
	for _, c := range []byte(u.String()) {
		switch {
		case c == '&':
			b.WriteString("&amp;")
		case strings.IndexByte(plain, c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}

// markdown folds d: a blank line ends the HTML, and the fence is longer than any in the
// body.
func (d Details) markdown() string {
	body := strings.TrimRight(safetext.Visible(d.Body), "\n")
	fence := "```"
	for strings.Contains(body, fence) {
		fence += "`"
	}
	title := strings.ReplaceAll(html.EscapeString(safetext.Shorten(safetext.OneLine(d.Title), maxCell)), "@",
		"@"+noLink)
	return "<details><summary>" + title + "</summary>\n\n" +
		fence + language(d.Language) + "\n" + body + "\n" + fence + "\n\n</details>\n\n"
}

// language returns s as the info string of a fence, or "" if it is not a plain word.
func language(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	if strings.Trim(s, plain) != "" {
		return ""
	}
	return s
}
