// Package markdown reads the summary of a run with a parser of CommonMark and GitHub's
// extensions, which the program does not need.
package markdown

import (
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
)

// allowedHTML is the HTML that a summary has itself. Its text is escaped.
var allowedHTML = regexp.MustCompile(`^(?:</?code>|</?span>|<br>|</details>\s*|<details><summary>[^<]*(?:<span>\$</span>[^<]*)*` +
	`</summary>\s*)$`)

// hostile are the seeds.
var hostile = []string{
	"plain", "", "a | b", "`code` | `x", "[a](http://x.example)", "![a](http://x.example/a.png)",
	"<img src=x onerror=y>",
	"<!-- ", "</details>", "</summary>", "http://x.example www.x.example a@x.example @user #12", "*a* _b_ ~~c~~ **d**",
	"# a", "- a", "1. a", "1) a", "> a", "```\na\n```", "~~~", "---", "===", "a\n\n# b", "\\| \\` \\[", "&lt;b&gt; &#60;",
	"\t\ta", "    a", "| a | b |\n|---|---|\n| c | d |", "[a]: http://x.example", "[a]", "$x$", "- [ ] a", "a\\",
	"<a@b.cd>",
	"<http://x.example>", "\u2028a", "\x00\x1b[31m", "+ a", "* a", "xmpp:a@b.cd", "ftp://x.example", "mailto:a@b.cd",
}

// checkSummary puts s into every place of a summary, and checks that it is only text.
func checkSummary(t *testing.T, s string) {
	const body = "body\n"
	summary := actions.Summary{Verdict: "v " + s, Sections: []actions.Section{{
		Title: "t " + s, Text: s,
		Table: &actions.Table{Header: []string{"a", "b " + s}, Rows: [][]actions.Cell{
			{{Text: s}, {Text: s, Code: true}},
			{{Text: "x " + s, URL: "https://example.com/?q=" + s}, {Text: s, URL: s}},
		}},
		Details: []actions.Details{{Title: s, Language: s, Body: body + s}},
	}}}
	source := []byte(summary.Markdown(1 << 20))
	counts := map[ast.NodeKind]int{}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	err := ast.Walk(md.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		counts[n.Kind()]++
		switch n := n.(type) {
		case *ast.Link:
			if !strings.HasPrefix(string(n.Destination), "http") {
				t.Errorf("%q: a link to %q", s, n.Destination)
			}
		case *ast.RawHTML:
			checkHTML(t, s, string(n.Segments.Value(source)))
		case *ast.HTMLBlock:
			html := string(n.Lines().Value(source))
			if n.HasClosure() {
				html += string(n.ClosureLine.Value(source))
			}
			checkHTML(t, s, html)
		case *ast.FencedCodeBlock:
			if got := string(n.Lines().Value(source)); !strings.HasPrefix(got, body[:4]) {
				t.Errorf("%q: a code block with %q", s, got)
			}
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[ast.NodeKind]int{ast.KindHeading: 2, east.KindTable: 1, east.KindTableRow: 2, east.KindTableCell: 6,
		ast.KindFencedCodeBlock: 1}
	for kind, n := range want {
		if counts[kind] != n {
			t.Errorf("%q: %d of %s, want %d\n%s", s, counts[kind], kind, n, source)
		}
	}
	if counts[ast.KindLink] > 2 {
		t.Errorf("%q: %d links\n%s", s, counts[ast.KindLink], source)
	}
	for _, kind := range []ast.NodeKind{ast.KindImage, ast.KindAutoLink, ast.KindEmphasis, ast.KindList,
		ast.KindListItem,
		ast.KindBlockquote, ast.KindCodeBlock, ast.KindCodeSpan, ast.KindThematicBreak, ast.KindLinkReferenceDefinition,
		east.KindStrikethrough, east.KindTaskCheckBox} {
		if counts[kind] > 0 {
			t.Errorf("%q: %d of %s\n%s", s, counts[kind], kind, source)
		}
	}
}

func checkHTML(t *testing.T, s, html string) {
	t.Helper()
	if !allowedHTML.MatchString(html) {
		t.Errorf("%q: the HTML %q", s, html)
	}
}

// FuzzMarkdown checks that untrusted text in a summary is neither markup nor HTML.
func FuzzMarkdown(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(checkSummary)
}
