package schedule

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/suggest"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// These limits keep an event far below the platform's limit of 64 KB.
const (
	maxPointers     = 64
	maxSessionLines = 32
)

func (l *loader) wrongType(f field, want, hint string) {
	l.report(diag.WrongType, f.pos(), fmt.Sprintf("%s is %s, not %s", f.name, f.value.Describe(), want), hint)
}

// scalar reports whether f is a scalar other than null. If not, it adds a finding, unless
// the value has one already.
func (l *loader) scalar(f field, want, hint string) bool {
	switch {
	case isReported(f.value):
		return false
	case f.value.Kind != yamlnode.Scalar || f.value.Type() == yamlnode.TypeNull:
		l.wrongType(f, want, hint)
		return false
	}
	return true
}

// text returns the string of f. It reports a value that is not a string.
func (l *loader) text(f field) (string, bool) {
	n := f.value
	switch plain := suggest.TrimQuotes(n.Value); {
	case isReported(n):
		return "", false
	case n.Kind != yamlnode.Scalar || n.Type() != yamlnode.TypeString:
		l.wrongType(f, "a string", suggest.TextHint(f.name, n))
		return "", false
	case plain != n.Value && n.Style == yamlnode.Plain:
		l.report(diag.WrongType, f.pos(), f.name+" has typographic quotes, which YAML reads as part of the value",
			"write it with straight quotes: "+diag.Quote(plain))
		return "", false
	}
	return n.Value, true
}

func (l *loader) version(f field) {
	const hint = `write version: "1"`
	if !l.scalar(f, `the string "1"`, hint) {
		return
	}
	switch {
	case f.value.Value == "1" && f.value.Style == yamlnode.Plain:
		l.report(diag.Version, f.pos(), "version is a number, not a string", `quote it: version: "1"`)
	case f.value.Value != "1":
		l.report(diag.Version, f.pos(), fmt.Sprintf("version %s is not supported", diag.Quote(f.value.Value)), hint)
	}
}

func (l *loader) repo(f field) string {
	s, ok := l.text(f)
	if ok && !spec.IsSlug(s) {
		hint := "use 1 to 100 letters, digits, dots, hyphens and underscores, starting with a letter or digit"
		if _, name, found := strings.Cut(s, "/"); found && spec.IsSlug(name) {
			hint = fmt.Sprintf("leave out the owner: %s", name)
		}
		l.report(diag.Repo, f.pos(), fmt.Sprintf("repo %s is not a valid slug", diag.Quote(s)), hint)
	}
	return s
}

// defaultRepo checks the slug of a manifest without a repo.
func (l *loader) defaultRepo(root *yamlnode.Node, name string) string {
	if name == "" || root.Kind != yamlnode.Mapping || spec.IsSlug(name) {
		return name
	}
	hint := "add repo: with the State Hub slug"
	if near := spec.AsSlug(name); near != "" {
		hint = fmt.Sprintf("add repo: %s, or the slug that State Hub uses", near)
	}
	l.report(diag.Repo, root.Pos,
		fmt.Sprintf("the manifest has no repo, and the repository's name %s is not a valid slug", diag.Quote(name)),
		hint)
	return name
}

func (l *loader) timezone(f field) *time.Location {
	s, ok := l.text(f)
	if !ok {
		return time.UTC
	}
	if slices.Contains(spec.Zones(), s) {
		if loc, err := time.LoadLocation(s); err == nil {
			l.fixedOffset(f, s)
			return loc
		}
	}
	hint := "use an IANA name such as Europe/Berlin, or UTC"
	if s == "Local" {
		hint = "name the zone, such as Europe/Berlin or UTC"
	} else if near := suggest.Zone(s); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.report(diag.Timezone, f.pos(), fmt.Sprintf("timezone %s is not an IANA name", diag.Quote(s)), hint)
	return time.UTC
}

// fixedOffset warns about a zone with a fixed offset, because it follows no clock
// changes.
func (l *loader) fixedOffset(f field, zone string) {
	if city := spec.FixedOffsetCity(zone); city != "" {
		l.report(diag.FixedOffset, f.pos(),
			fmt.Sprintf("timezone %s is a fixed offset without clock changes", diag.Quote(zone)),
			fmt.Sprintf("name the zone of a city, such as %s", city))
	}
}

// cadence reads the cadence of an entry.
func (l *loader) cadence(f field, n *yamlnode.Node) Cadence {
	s, ok := l.text(f)
	if !ok {
		return ""
	}
	if !slices.Contains(spec.Cadences, s) {
		l.report(diag.Cadence, f.pos(), fmt.Sprintf("unknown cadence %s", diag.Quote(s)), suggest.CadenceHint(s, n))
		return ""
	}
	return Cadence(s)
}

// cron reads the cron of an entry and compares it with its cadence.
func (l *loader) cron(e *Entry, f field) {
	s, ok := l.text(f)
	if !ok {
		return
	}
	slots, err := cron.Parse(s, cron.Manifest)
	if err != nil {
		message, hint := cron.Explain(err)
		hint = cmp.Or(suggest.CronHint(s, e.Cadence), hint)
		l.report(diag.Cron, f.pos(), fmt.Sprintf("cron %s %s", diag.Quote(s), message), hint)
		return
	}
	e.Cron, e.Slots = strings.Join(strings.Fields(s), " "), slots
	if e.Cadence != "" && l.runsRarer(timing{e.Cadence, slots}) {
		l.report(diag.CronCadence, f.pos(),
			fmt.Sprintf("cron %q runs less often than cadence %s: %s", e.Cron, e.Cadence, gapText[e.Cadence]),
			rarerHint(e))
	}
}

// gapText describes the gaps of a cron that runs less often than its cadence.
var gapText = map[Cadence]string{
	Daily: "some days have no run", Weekly: "some weeks have no run", Monthly: "some months have no run",
}

// runsRarer reports whether a cron runs less often than its cadence.
func (l *loader) runsRarer(t timing) bool {
	rarer, known := l.rarer[t]
	if !known {
		rarer = !t.slots.EveryUnit(t.cadence.Unit())
		l.rarer[t] = rarer
	}
	return rarer
}

// rarerHint returns the hint for a cron that runs less often than its cadence.
func rarerHint(e *Entry) string {
	if fits := spec.CadenceOf(e.Slots); e.Slots.EveryUnit(fits.Unit()) {
		return fmt.Sprintf("write cadence: %s, or a cron that matches more often", fits)
	}
	better, example := "matches more often", e.Cadence.DefaultCron()
	if e.Cadence == Monthly {
		better, example = "matches in every month", "0 9 28 * *"
	}
	return fmt.Sprintf("write a cron that %s, such as %q, or silence this with # kaizen-ignore: %s",
		better, example, diag.CronCadence.ID)
}

func (l *loader) enabled(f field) bool {
	const hint = "write true or false, without quotes"
	if !l.scalar(f, "true or false", hint) {
		return false
	}
	if f.value.Type() != yamlnode.TypeBool {
		l.wrongType(f, "true or false", cmp.Or(suggest.EnabledHint(f.value.Value), hint))
		return false
	}
	return strings.EqualFold(f.value.Value, "true")
}

func (l *loader) path(f field) string {
	s, ok := l.text(f)
	if !ok {
		return ""
	}
	if reason, hint := spec.CheckPath(s); reason != "" {
		l.report(diag.Path, f.pos(), fmt.Sprintf("%s %s %s", f.name, diag.Quote(s), reason), hint)
		return ""
	}
	return path.Clean(s)
}

// pointers reads a mapping of labels to paths. It adds their positions under
// "pointers.<label>".
func (l *loader) pointers(f field, positions map[string]yamlnode.Pos) []Pointer {
	n := f.value
	if isReported(n) {
		return nil
	}
	if n.Kind != yamlnode.Mapping {
		l.wrongType(f, "a mapping of labels to paths", "write pointers: { scope: SCOPE.md }")
		return nil
	}
	if len(n.Pairs) > maxPointers {
		l.report(diag.PointerLabel, n.Pairs[maxPointers].Key.Pos, fmt.Sprintf("more than %d pointers", maxPointers),
			"keep only those that the agent needs")
		return nil
	}
	var pointers []Pointer
	for _, p := range l.unique(n) {
		if !spec.IsAgent(p.name) {
			l.report(diag.PointerLabel, p.key.Pos,
				fmt.Sprintf("pointer label %s is not a valid name", diag.Quote(p.name)),
				"use 1 to 64 letters, digits, hyphens and underscores, starting with a letter or digit")
			p.name = "this pointer"
			l.path(p)
			continue
		}
		label := p.name
		positions["pointers."+label] = p.pos()
		p.name = "pointer " + label
		pointers = append(pointers, Pointer{label, l.path(p)})
	}
	return pointers
}

// sessionClose reads the list of close commands. It adds their positions under
// "session_close.<index>".
func (l *loader) sessionClose(f field, positions map[string]yamlnode.Pos) []string {
	n := f.value
	if isReported(n) {
		return nil
	}
	if n.Kind != yamlnode.Sequence {
		l.wrongType(f, "a list of commands", "write each command on its own line after a hyphen")
		return nil
	}
	if len(n.Items) == 0 {
		l.report(diag.SessionClose, n.Pos, "session_close has no commands", "remove the key to use the default command")
		return nil
	}
	if len(n.Items) > maxSessionLines {
		l.report(diag.SessionClose, n.Items[maxSessionLines].Pos,
			fmt.Sprintf("more than %d session_close commands", maxSessionLines), "move them into a script")
		return nil
	}
	var lines []string
	for _, item := range n.Items {
		if s, ok := l.sessionLine(item); ok {
			positions[fmt.Sprintf("session_close.%d", len(lines))] = item.Pos
			lines = append(lines, s)
		}
	}
	return lines
}

func (l *loader) sessionLine(n *yamlnode.Node) (string, bool) {
	switch {
	case isReported(n):
		return "", false
	case n.Kind != yamlnode.Scalar || n.Type() != yamlnode.TypeString:
		hint := "write the command after the hyphen"
		if n.Kind == yamlnode.Mapping {
			hint = "quote the command: a colon followed by a space makes it a mapping"
		}
		l.report(diag.WrongType, n.Pos, fmt.Sprintf("a session_close command is %s, not a string", n.Describe()), hint)
		return "", false
	}
	reason, hint := spec.CheckCommand(n.Value)
	if reason == "" {
		return n.Value, true
	}
	l.report(diag.SessionClose, n.Pos, "a session_close command "+reason, hint)
	return "", false
}
