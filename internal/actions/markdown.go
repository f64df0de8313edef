package actions

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// noLink is an invisible character that stops GitHub from linking mentions, email
// addresses and bare URLs.
const noLink = "&#8203;"

var inline = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"|", "&#124;", // not \|, because a backslash before it would end the cell
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`,
	"(", `\(`, ")", `\)`, "!", `\!`, "#", `\#`,
	"$", "<span>$</span>", // a backslash does not stop mathematics
	"@", "@"+noLink,
	"://", ":"+noLink+"//",
)

var www = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)(www)\.`) })

// escapeMarkdown escapes one line of text so that Markdown shows it as it is: without
// markup, HTML, table cells, links or mentions.
func escapeMarkdown(s string) string {
	s = strings.TrimSpace(s)
	out := www().ReplaceAllString(inline.Replace(s), "${1}"+noLink+".")
	// At the start of a line these would begin a list, a heading or a horizontal rule.
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "=") {
		return `\` + out
	}
	if digits := strings.TrimLeft(s, "0123456789"); digits != s && strings.HasPrefix(digits, ".") {
		return strings.Replace(out, ".", `\.`, 1)
	}
	return out
}

// markdownLine returns untrusted text as one line of Markdown, cut to maxCell characters.
func markdownLine(s string) string {
	return escapeMarkdown(safetext.Shorten(safetext.OneLine(s), maxCell))
}

func (c Cell) markdown() string {
	text := markdownLine(c.Text)
	if text == "" {
		return ""
	}
	if c.Code {
		text = "<code>" + text + "</code>" // not backticks: inside them, a backslash before | would end the cell
	}
	if link := safeURL(c.URL); link != "" {
		return "[" + text + "](" + link + ")"
	}
	return text
}

// safeURL returns s, escaped as the destination of a link. It returns "" unless s is an
// absolute http or https URL without credentials.
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

// markdown renders d as a folded section. The blank line ends the HTML. The fence is
// longer than any run of backticks in the body.
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

// language returns s, or "" if it is not a plain word. It follows the opening fence.
func language(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"
	if strings.Trim(s, plain) != "" {
		return ""
	}
	return s
}
