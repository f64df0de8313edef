package page_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "directory in which to write the pictures of the page")

// TestPictures takes the pictures of docs/report.md. The pictures are large, so that
// pngquant makes them smaller where they are kept.
func TestPictures(t *testing.T) {
	address := writePage(t, makeReport(t, exampleRoster, exampleEvidence))
	views := []struct {
		name  string
		view  view
		setup []chromedp.Action[chromedp.Void]
	}{
		{"report-light", view{width: 1280, height: 1560}, nil},
		{"report-dark", view{width: 1280, height: 1560, dark: true}, nil},
		{"report-wide", view{width: 1920, height: 1200}, nil},
		{"report-phone", view{width: 390, height: 1500, scale: 1, touch: true}, nil},
		{"report-phone-entries", view{width: 390, height: 844, scale: 1, touch: true}, []chromedp.Action[chromedp.Void]{
			chromedp.Evaluate[chromedp.Void](`document.getElementById("entries").scrollIntoView()`)}},
		{"report-detail", view{width: 1280, height: 900}, []chromedp.Action[chromedp.Void]{
			chromedp.SendKeys(chromedp.CSS("#search"), "identity sec"), openFirst}},
		{"report-print", view{width: 1000, height: 1400, print: true}, nil},
	}
	dir := *pictures
	if dir == "" {
		dir = t.TempDir()
	}
	for _, v := range views {
		t.Run(v.name, func(t *testing.T) {
			page := open(t, address, v.view)
			page.do(v.setup...)
			if wide := eval[float64](page, `document.documentElement.scrollWidth`); wide > float64(v.view.width) {
				t.Errorf("the page is %v wide, the window %d", wide, v.view.width)
			}
			png := run(page, chromedp.CaptureScreenshot())
			file := filepath.Join(dir, v.name+".png")
			if err := os.WriteFile(file, png, 0o644); err != nil {
				t.Fatal(err)
			}
			if *pictures == "" {
				return
			}
			quantize := exec.Command("pngquant", "--force", "--ext", ".png", "--quality", "60-90", file)
			if out, err := quantize.CombinedOutput(); err != nil {
				t.Fatalf("pngquant: %v %s", err, out)
			}
		})
	}
}
