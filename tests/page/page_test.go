package page_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/report"
)

// The totals, the rows and the states of the page are those of the report.
func TestNumbers(t *testing.T) {
	t.Parallel()
	made := makeReport(t, exampleRoster, exampleEvidence)
	page := open(t, writePage(t, made), desktop)
	total := func(name string) string { return page.texts("#total-" + name)[0] }
	p := made.Totals.Periods
	for name, want := range map[string]int{
		"repositories": made.Totals.Repositories, "enabled": made.Totals.Enabled, "missed": p[report.Missed],
		"failed": p[report.Failed], "overdue": p[report.Overdue], "unreceived": made.Totals.Flags[report.Unreceived],
	} {
		if want == 0 || total(name) != fmt.Sprint(want) {
			t.Errorf("%s: the page shows %s, the report has %d", name, total(name), want)
		}
	}
	delivered := p[report.Executed] + p[report.Received] + p[report.Prepared] + p[report.Failed]
	for name, want := range map[string]float64{
		"delivered": float64(delivered) / float64(delivered+p[report.Missed]+p[report.Overdue]),
		"success":   float64(p[report.Executed]) / float64(p[report.Executed]+p[report.Failed]),
	} {
		if got := total(name); got != fmt.Sprintf("%g\u00a0%%", float64(int(want*1000))/10) {
			t.Errorf("%s: the page shows %s, the report has %v", name, got, want)
		}
	}
	if got := page.texts("#verdict strong")[0] + "."; got != made.Lines(nil)[0] {
		t.Errorf("the page says %q, the log %q", got, made.Lines(nil)[0])
	}
	var want []string
	for _, repo := range made.Repositories {
		for _, e := range repo.Entries {
			want = append(want, fmt.Sprintf("%s|%s|%s|%s", repo.Name, e.Agent, e.Cadence, e.State))
		}
		if len(repo.Entries) == 0 {
			want = append(want, fmt.Sprintf("%s|–|–|%s", repo.Name, repo.State))
		}
	}
	got := page.allRows()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the page has the rows\n%q\nwant\n%q", got, want)
	}
	days := map[string]int{}
	for _, repo := range made.Repositories {
		for _, e := range repo.Entries {
			for _, period := range e.Periods {
				if period.State == report.Executed {
					days[period.Slot.UTC().Format("Mon 2 Jan")]++
				}
			}
		}
	}
	page.do(chromedp.Focus(chromedp.CSS("#history .plot")))
	page.press(kb.Home, kb.ArrowRight)
	text := page.texts("#history .readout")[0]
	day, _, _ := strings.Cut(text, ":")
	if !strings.Contains(text, fmt.Sprintf(" %d executed", days[day])) {
		t.Errorf("the chart says %q, the report has %d executed on %q", text, days[day], day)
	}
}

// allRows scrolls through the table and returns its rows.
func (t *tab) allRows() []string {
	t.Helper()
	seen := map[string]string{}
	for top := 0; ; top += 300 {
		rows := eval[[][]string](t, fmt.Sprintf(`(async () => {
			document.getElementById("scroller").scrollTop = %d;
			await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
			return [...document.querySelectorAll("#rows .row")].map((r) =>
				[r.id, ...[...r.children].slice(0, 4).map((c) => (c.querySelector(".badge") ?? c).textContent)]);
		})()`, top))
		for _, r := range rows {
			seen[r[0]] = strings.Join(r[1:], "|")
		}
		if eval[bool](t, `(() => { const s = document.getElementById("scroller");
			return s.scrollTop + s.clientHeight >= s.scrollHeight - 1; })()`) {
			break
		}
	}
	var list []string
	for _, row := range seen {
		list = append(list, row)
	}
	return list
}

// Search, filters, sorting and the keyboard.
func TestTable(t *testing.T) {
	t.Parallel()
	page := open(t, writePage(t, makeReport(t, exampleRoster, exampleEvidence)), desktop)
	first := func() string { return strings.Join(page.texts("#rows .row:first-child .cell")[:2], " ") }
	count := func() string { return page.texts("#count")[0] }

	page.press("/")
	if got := eval[string](page, "document.activeElement.id"); got != "search" {
		t.Fatalf("a slash moves the focus to %q", got)
	}
	page.press("gateway tri")
	if first() != "acme/gateway triage" || count() != "2 of 94 entries" {
		t.Errorf("search: %q, %s", first(), count())
	}
	page.press("zzz")
	if page.texts("#none")[0] != "No entry matches. Clear the filters to see all." ||
		!eval[bool](page, `document.getElementById("grid").hidden`) {
		t.Error("nothing says that no entry matches")
	}
	page.do(chromedp.Click(chromedp.CSS("#clear")), chromedp.WaitVisible(chromedp.CSS("#grid")))
	if count() != "94 entries" {
		t.Errorf("after Clear: %s", count())
	}

	page.do(chromedp.Focus(chromedp.CSS("#state")))
	page.press("overdue")
	if states := page.texts("#rows .badge"); len(states) != 6 || slices.ContainsFunc(states,
		func(s string) bool { return s != "overdue" }) {
		t.Errorf("filtered by state: %q", states)
	}
	page.do(chromedp.Click(chromedp.CSS("#clear")))

	sortBy := func(column int) {
		page.do(chromedp.Click(chromedp.CSS(fmt.Sprintf("#columns > :nth-child(%d) button", column))))
	}
	sorted := func(column int) string {
		return eval[string](page, fmt.Sprintf("document.querySelector('#columns > :nth-child(%d)').ariaSort", column))
	}
	sortBy(1)
	if first() != "acme/atlas coach" || sorted(1) != "ascending" || sorted(4) != "none" {
		t.Errorf("sorted by repository: %q, %s", first(), sorted(1))
	}
	sortBy(1)
	if !strings.HasPrefix(first(), "acme/yard") || sorted(1) != "descending" {
		t.Errorf("sorted backwards: %q, %s", first(), sorted(1))
	}
	sortBy(1)

	position := func() string { return eval[string](page, "document.activeElement.dataset.position ?? ''") }
	page.do(chromedp.Focus(chromedp.CSS("#rows .row")))
	page.press(kb.ArrowDown, kb.ArrowDown)
	if position() != "2" {
		t.Errorf("two arrows lead to row %q", position())
	}
	page.press(kb.End)
	if position() != "93" {
		t.Errorf("End leads to row %q", position())
	}
	page.press(kb.Home, kb.Enter)
	if title := page.texts("#detail-title"); len(title) != 1 || title[0] != "acme/atlas · coach" {
		t.Errorf("Enter opens %q", title)
	}
	if got := eval[string](page, "document.activeElement.textContent"); got != "acme/atlas · coach" {
		t.Errorf("the focus of the dialog is on %q", got)
	}
	page.press(kb.Escape)
	if eval[bool](page, `document.getElementById("detail").open`) || position() != "0" {
		t.Errorf("Escape leaves the dialog open, or the focus on row %q", position())
	}
}

// A reader chooses the theme, which stays for the next page. So no other test may run
// meanwhile.
func TestTheme(t *testing.T) {
	dark := desktop
	dark.dark = true
	page := open(t, writePage(t, makeReport(t, fleet.New(0, nil), nil)), dark)
	theme := func() string { return eval[string](page, "document.documentElement.dataset.theme") }
	for i, w := range []string{"dark", "light", "dark", "dark", "light"} { // system, light, dark, system, light
		if theme() != w {
			t.Errorf("after %d clicks: %s, want %s", i, theme(), w)
		}
		page.do(chromedp.Click(chromedp.CSS("#theme")))
	}
	again := open(t, writePage(t, makeReport(t, fleet.New(0, nil), nil)), dark)
	if got := again.texts("#theme")[0]; got != "Theme: dark" {
		t.Errorf("the next page has %q", got)
	}
	again.do(chromedp.Evaluate[chromedp.Void](`localStorage.clear()`))
	for _, id := range []string{"history", "load", "agents"} {
		if len(page.texts("#"+id+" .empty")) != 1 {
			t.Errorf("%s does not say that it is empty", id)
		}
	}
	if page.texts("#none")[0] != "The roster has no repository with a manifest." {
		t.Errorf("the table says %q", page.texts("#none")[0])
	}
}

// A page whose data was cut says so.
func TestBrokenData(t *testing.T) {
	t.Parallel()
	address := writePage(t, makeReport(t, fleet.New(0, nil), nil))
	data, err := os.ReadFile(strings.TrimPrefix(address, "file://"))
	if err != nil {
		t.Fatal(err)
	}
	data = []byte(strings.Replace(string(data), `id="data">{`, `id="data">{{`, 1))
	if err := os.WriteFile(strings.TrimPrefix(address, "file://"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	page := openBroken(t, address)
	if got := page.texts("#fault:not([hidden])"); len(got) != 1 || !strings.HasPrefix(got[0],
		"The data of this page is") {
		t.Errorf("the page says %q", got)
	}
}

// Roles and names of what a screen reader reads.
func TestAccessibilityTree(t *testing.T) {
	t.Parallel()
	page := open(t, writePage(t, makeReport(t, exampleRoster, exampleEvidence)), desktop)
	tree := call(page, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	seen := map[string]bool{}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role, name := text(n.Role), text(n.Name)
		seen[role+" "+name] = true
		needsName := []string{"button", "link", "searchbox", "combobox", "grid", "columnheader", "heading", "row",
			"group", "dialog", "table"}
		if slices.Contains(needsName, role) && strings.TrimSpace(name) == "" {
			t.Errorf("a %s has no name", role)
		}
	}
	for _, want := range []string{"heading Scheduled agents", "heading Periods by day", "grid Entries",
		"searchbox Search",
		"combobox State", "button Clear", "columnheader Repository", "link Skip to the entries", "region Verdict",
		"grid Runs by day and hour, UTC. Arrow keys read single hours."} {
		if !seen[want] {
			t.Errorf("there is no %q", want)
		}
	}
}

func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// Text has a contrast of at least 4.5 to its background, in both themes: WCAG 2.2, 1.4.3.
func TestContrast(t *testing.T) {
	t.Parallel()
	address := writePage(t, makeReport(t, exampleRoster, exampleEvidence))
	for _, dark := range []bool{false, true} {
		v := desktop
		v.dark = dark
		page := open(t, address, v)
		page.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("details").open = true`))
		if faint := eval[[]string](page, contrastScript); len(faint) > 0 {
			t.Errorf("dark %t: %s", dark, strings.Join(faint, "; "))
		}
	}
}

// contrastScript returns the texts with a low contrast.
const contrastScript = `(() => {
	const parse = (c) => c.match(/[\d.]+/g).map(Number);
	const linear = (v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
	const light = (c) => { const [r, g, b] = c.slice(0, 3).map(linear);
		return .2126 * r + .7152 * g + .0722 * b; };
	const behind = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
		if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	const faint = new Set(), walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let checked = 0;
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		const text = walker.currentNode.data.trim().slice(0, 20);
		if (!text || /SCRIPT|STYLE|NOSCRIPT|OPTION/.test(e.tagName) || !e.checkVisibility()) continue;
		const style = getComputedStyle(e), color = parse(e.closest("svg") ? style.fill : style.color);
		const [a, b] = [light(color), light(behind(e))].sort((x, y) => y - x);
		checked++;
		const contrast = (a + .05) / (b + .05);
		if (contrast < 4.5) faint.add([e.tagName, e.className, text, contrast.toFixed(2)].join(" "));
	}
	return checked < 100 ? ["only " + checked + " texts were found"] : [...faint];
})()`

// The times of a page with 10,000 rows. Other work of the machine only adds to them, so the
// least of several attempts counts.
func TestTenThousandRows(t *testing.T) {
	roster, evidence := exampleFleet(5000, 2)
	made := makeReport(t, roster, evidence)
	address := writePage(t, made)
	var paints, rows, keys []time.Duration
	milliseconds := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	const limit = 200 * time.Millisecond
	for len(paints) < 3 || len(paints) < 20 && max(slices.Min(paints), slices.Min(keys)) > limit {
		page := open(t, address, desktop)
		paints = append(paints, milliseconds(eval[float64](page,
			`performance.getEntriesByName("first-contentful-paint")[0].startTime`)))
		rows = append(rows, milliseconds(eval[float64](page, `painted`)))
		page.do(chromedp.Poll[chromedp.Void](`document.readyState === "complete"`))
		keys = append(keys, milliseconds(eval[float64](page, `(async () => {
			const search = document.getElementById("search");
			search.focus();
			await new Promise((done) => setTimeout(done, 500));
			const start = performance.now();
			search.value = "g";
			search.dispatchEvent(new Event("input", { bubbles: true }));
			await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
			return performance.now() - start;
		})()`)))
		if n := eval[int](page, `document.querySelectorAll("#rows .row").length`); n < 10 || n > 60 {
			t.Fatalf("the document has %d rows", n)
		}
	}
	t.Logf("%d entries, %d periods: first paint %v after the request, with rows %v, a keystroke in the filter %v; "+
		"all: %v, %v, %v", made.Totals.Entries, sum(made.Totals.Periods), slices.Min(paints), slices.Min(rows),
		slices.Min(keys), paints, rows, keys)
	if max(slices.Min(paints), slices.Min(keys)) > limit {
		t.Errorf("more than %v", limit)
	}
}

func sum(counts map[report.State]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
