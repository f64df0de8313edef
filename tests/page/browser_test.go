// Package page_test opens the page of report in headless Chromium: what a reader sees, does
// with the keyboard, and hears from a screen reader.
package page_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is the one Chromium of all tests.
var browser context.Context

func TestMain(m *testing.M) {
	os.Exit(func() int {
		path := ""
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
			if found, err := exec.LookPath(name); err == nil && path == "" {
				path = found
			}
		}
		if path == "" {
			println("no Chromium: install Debian's package chromium")
			return 1
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
			chromedp.DisableGPU, chromedp.Flag("hide-scrollbars", true),
			chromedp.WSURLReadTimeout(time.Minute))
		allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
		defer stop()
		var end context.CancelFunc
		browser, end = chromedp.NewContext(allocator)
		defer end()
		if err := chromedp.Do(browser); err != nil {
			println("Chromium does not start:", err.Error())
			return 1
		}
		return m.Run()
	}())
}

// view is how a page is opened.
type view struct {
	width, height int64
	scale         float64
	dark, print   bool
	touch         bool
}

var (
	desktop = view{width: 1280, height: 900}
	phone   = view{width: 390, height: 844, scale: 2, touch: true}
)

// tab is an open page. Its test fails at an error on the console, and at a request that is
// not for the page itself.
type tab struct {
	testing.TB
	ctx context.Context
}

func open(tb testing.TB, address string, v view) *tab {
	tb.Helper()
	return openUntil(tb, address, v, `html[data-ready="true"]`)
}

// openBroken opens a page that cannot be drawn.
func openBroken(tb testing.TB, address string) *tab {
	tb.Helper()
	return openUntil(tb, address, desktop, "#fault:not([hidden])")
}

// openUntil waits until the document has an element.
func openUntil(tb testing.TB, address string, v view, selector string) *tab {
	tb.Helper()
	ctx, end := chromedp.NewContext(browser)
	ctx, stop := context.WithTimeout(ctx, 90*time.Second)
	tb.Cleanup(func() { stop(); end() })
	var mu sync.Mutex
	var faults []string
	fault := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		faults = append(faults, text)
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			fault("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			fault("console: " + string(e.Type))
		case *log.EventEntryAdded:
			fault("log: " + e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != address && !strings.HasPrefix(e.Request.URL, "data:") {
				fault("request: " + e.Request.URL)
			}
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range faults {
			tb.Error(f)
		}
	})
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	media := ""
	if v.print {
		media = "print"
	}
	t := &tab{tb, ctx}
	call(t, network.Enable, network.EnableParams{})
	call(t, log.Enable, cdp.Empty{})
	call(t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: v.width, Height: v.height, DeviceScaleFactor: max(1, v.scale), Mobile: v.touch})
	call(t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		new MutationObserver((_, observer) => {
			if (document.documentElement?.dataset.ready !== "true") return;
			observer.disconnect();
			requestAnimationFrame(() => setTimeout(() => { window.painted = performance.now(); }));
		}).observe(document, { subtree: true, attributes: true, childList: true });`})
	t.do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS(selector)))
	return t
}

// call sends a command of the protocol.
func call[P, R any](t *tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	result, err := chromedp.Call(t.ctx, command, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// run returns the value of an action.
func run[T any](t *tab, action chromedp.Action[T]) T {
	t.Helper()
	value, err := chromedp.Run(t.ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func (t *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(t.ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns the value of an expression.
func eval[T any](t *tab, expression string) T {
	t.Helper()
	return run(t, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// press sends keys to what has the focus.
func (t *tab) press(keys ...string) {
	t.Helper()
	for _, k := range keys {
		t.do(chromedp.KeyEvent(k))
	}
}

// openFirst opens the first row. The rows may be drawn again between finding one and a click
// of the mouse, so the page finds it.
var openFirst = chromedp.Evaluate[chromedp.Void](`document.querySelector("#rows .row").click()`)

// texts returns the texts of the elements that a selector finds.
func (t *tab) texts(selector string) []string {
	t.Helper()
	return eval[[]string](t, `[...document.querySelectorAll(`+quote(selector)+`)].map((e) => e.textContent)`)
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }
