package page_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// lighthouse is where Chromium keeps its Lighthouse, which contains axe-core
// (https://github.com/dequelabs/axe-core), the independent checker of this test.
const lighthouse = "devtools://devtools/bundled/third_party/lighthouse/lighthouse-dt-bundle.js"

// axe returns the source of axe-core.
var axe = sync.OnceValues(func() (string, error) {
	ctx, end := chromedp.NewContext(browser)
	defer end()
	if err := chromedp.Do(ctx, chromedp.Navigate(lighthouse)); err != nil {
		return "", err
	}
	bundle, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return "", err
	}
	// It is a literal of JavaScript, which ends at a backtick without a backslash.
	_, literal, _ := strings.Cut(bundle, "`/*! axe v")
	length := 0
	for length < len(literal) && literal[length] != '`' {
		if literal[length] == '\\' {
			length++
		}
		length++
	}
	return chromedp.Run(ctx, chromedp.Evaluate[string]("`/*! axe v"+literal[:min(length, len(literal))]+"`"))
})

// axe-core finds nothing to complain about: in both themes, on a phone, with an open entry,
// and without any data.
func TestAxe(t *testing.T) {
	t.Parallel()
	source, err := axe()
	if err != nil || len(source) < 100_000 {
		t.Fatalf("axe-core has %d bytes: %v", len(source), err)
	}
	address := writePage(t, makeReport(t, exampleRoster, exampleEvidence))
	dark := desktop
	dark.dark = true
	empty := writePage(t, makeReport(t, small(), nil))
	const unfold, entry = `document.querySelector("details").open = true`,
		`document.querySelector("#rows .row").click()`
	for _, tt := range []struct {
		name, address string
		view          view
		before        string
	}{
		{"light", address, desktop, unfold}, {"dark", address, dark, unfold}, {"phone", address, phone, unfold},
		{"entry", address, desktop, entry}, {"dark entry", address, dark, entry},
		{"entry on a phone", address, phone, entry},
		{"empty", empty, desktop, unfold},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page := open(t, tt.address, tt.view)
			page.do(chromedp.Evaluate[chromedp.Void](tt.before), chromedp.Evaluate[chromedp.Void](source+";0"))
			const check = `axe.run().then((r) => ({ passes: r.passes.length, version: r.testEngine.version,
				violations: r.violations.map((v) =>
					[v.id, v.help, ...v.nodes.map((n) => n.target.join(" "))].join("; ")) }))`
			result := eval[struct {
				Violations []string
				Passes     int
				Version    string
			}](page, check)
			for _, v := range result.Violations {
				t.Error(v)
			}
			if result.Passes < 20 {
				t.Errorf("only %d rules were checked", result.Passes)
			}
			t.Logf("axe-core %s: %d rules passed, %d violated", result.Version, result.Passes, len(result.Violations))
		})
	}
}
