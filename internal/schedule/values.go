package schedule

import (
	_ "embed"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zone files, and every machine must know the same zones
	"unicode"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// The forms of single values (design §3). schema/schedule.schema.json states the same.
var (
	timePattern = pattern(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)
	// looseTime is what people write when they mean a time.
	looseTime = pattern(`^([0-9]{1,2})[:.h]([0-9]{2})(?::00)?$`)
	drive     = pattern(`^[A-Za-z]:`)
)

// Limits on lists and strings, so that an event stays far below the platform's 64 KB.
const (
	maxPath         = 4096 // bytes, as PATH_MAX
	maxPointers     = 64
	maxSessionLines = 32
	maxSessionLine  = 1000 // characters
)

var (
	cadences = []string{string(Daily), string(Weekly), string(Monthly)}
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} // as time.Weekday counts
)

// zoneNames are the names in Go's zone data, one a line. The list is there to refuse a wrong case that some file systems forgive, and
// to suggest; a test compares it with the tool chain's data.
//
//go:embed zones.txt
var zoneNames string

// example is how a required key is written.
func example(key string) string {
	switch key {
	case "version":
		return `version: "1"`
	case "schedules":
		return "schedules: with at least - agent: coach, cadence: weekly"
	case "agent":
		return "agent: and its name"
	default:
		return key + ": " + strings.Join(cadences, ", or ")
	}
}

// quote quotes untrusted text for a message, shortened.
func quote(s string) string {
	const most = 60
	if utf8.RuneCountInString(s) <= most {
		return strconv.Quote(s)
	}
	return strconv.Quote(string([]rune(s)[:most])) + "…"
}

// describe names what a value is, for a message.
func describe(n *node) string {
	if n.kind != scalarNode {
		return n.kind.String()
	}
	if n.absent {
		return "empty"
	}
	switch n.typ() {
	case typeNull:
		return "null"
	case typeBool:
		return "the boolean " + n.value
	case typeInt, typeFloat:
		return "the number " + quote(n.value)
	}
	return "the string " + quote(n.value)
}

func (l *loader) wrongType(f field, want, hint string) {
	l.report(diag.WrongType, f.pos(), fmt.Sprintf("%s is %s, not %s", f.name, describe(f.value), want), hint)
}

// scalar reports whether f is a single value that is written out; if not it is reported, unless it was before.
func (l *loader) scalar(f field, want, hint string) bool {
	switch {
	case isRefused(f.value):
		return false
	case f.value.kind != scalarNode || f.value.typ() == typeNull:
		l.wrongType(f, want, hint)
		return false
	}
	return true
}

// text returns f's string; anything else is reported.
func (l *loader) text(f field) (string, bool) {
	hint := "write a value, or remove the key"
	if f.name == "agent" || f.name == "cadence" { // required
		hint = "write " + example(f.name)
	}
	if !l.scalar(f, "a string", hint) {
		return "", false
	}
	if f.value.typ() != typeString {
		l.wrongType(f, "a string", "quote it: "+quote(f.value.value))
		return "", false
	}
	return f.value.value, true
}

func (l *loader) version(f field) {
	const hint = `write version: "1"`
	if !l.scalar(f, `the string "1"`, hint) {
		return
	}
	switch {
	case f.value.value == "1" && f.value.style == plainStyle:
		l.report(diag.Version, f.pos(), "version is a number, not a string", `quote it: version: "1"`)
	case f.value.value != "1":
		l.report(diag.Version, f.pos(), fmt.Sprintf("version %s is not known", quote(f.value.value)), hint)
	}
}

func (l *loader) repo(f field) string {
	s, ok := l.text(f)
	if ok && !IsSlug(s) {
		hint := "use 1 to 100 letters, digits, dots, hyphens and underscores, the first a letter or digit"
		if _, name, found := strings.Cut(s, "/"); found && IsSlug(name) {
			hint = fmt.Sprintf("leave the owner out: %s", name)
		}
		l.report(diag.Repo, f.pos(), fmt.Sprintf("repo %s is not a slug", quote(s)), hint)
	}
	return s
}

// defaultRepo is the slug of a manifest that names none.
func (l *loader) defaultRepo(root *node, name string) string {
	if name == "" || root.kind != mappingNode || IsSlug(name) {
		return name
	}
	hint := "add repo: and the State Hub slug"
	if near := asSlug(name); near != "" {
		hint = fmt.Sprintf("add repo: %s, or whatever State Hub calls it", near)
	}
	l.report(diag.Repo, root.pos, fmt.Sprintf("the manifest has no repo, and the repository's name %s is not a slug", quote(name)), hint)
	return name
}

func (l *loader) timezone(f field) *time.Location {
	s, ok := l.text(f)
	if !ok {
		return time.UTC
	}
	names := strings.Fields(zoneNames)
	if slices.Contains(names, s) {
		if loc, err := time.LoadLocation(s); err == nil {
			return loc
		}
	}
	hint := "use an IANA name such as Europe/Berlin, or UTC"
	if s == "Local" {
		hint = "name the zone, such as Europe/Berlin or UTC"
	} else if near := suggestZone(s, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	l.report(diag.Timezone, f.pos(), fmt.Sprintf("timezone %s is not an IANA name", quote(s)), hint)
	return time.UTC
}

// suggestZone also knows a zone by its city or one like it, and with blanks for underscores. An offset is no misspelt name: GMT+2 is not Etc/GMT+2,
// which is two hours behind.
func suggestZone(s string, names []string) string {
	if digits(s) != "" {
		return ""
	}
	s = strings.ReplaceAll(strings.TrimSpace(s), " ", "_")
	if near := Suggest(s, names); near != "" {
		return near
	}
	cities := make([]string, len(names))
	for i, name := range names {
		cities[i] = path.Base(name)
	}
	if i := slices.Index(cities, Suggest(s, cities)); i >= 0 {
		return names[i]
	}
	return ""
}

func (l *loader) agent(f field) string {
	s, ok := l.text(f)
	if !ok {
		return ""
	}
	if !IsAgent(s) {
		l.report(diag.Agent, f.pos(), fmt.Sprintf("agent %s is not a name", quote(s)), "use 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit")
		return ""
	}
	if meaning, ok := reservedAgents[s]; ok {
		l.report(diag.Agent, f.pos(), fmt.Sprintf("no agent can be named %q: where agents are named, as in the input agents, it means %s", s, meaning), "rename the agent and its files")
		return ""
	}
	if at, ok := l.agents[s]; ok {
		l.report(diag.DuplicateAgent, f.pos(), fmt.Sprintf("agent %q has two entries; first on line %d", s, at.Line), "remove one of the two, or rename the agent")
		return s
	}
	l.agents[s] = f.pos()
	return s
}

func (l *loader) cadence(f field) Cadence {
	s, ok := l.text(f)
	if !ok {
		return ""
	}
	if !slices.Contains(cadences, s) {
		l.report(diag.Cadence, f.pos(), fmt.Sprintf("cadence %s is not known", quote(s)), didYouMean(s, cadences, "use daily, weekly or monthly"))
		return ""
	}
	return Cadence(s)
}

// defaultDay is the day of an entry that names none.
func defaultDay(c Cadence) (time.Weekday, int) {
	switch c {
	case Weekly:
		return time.Monday, 0
	case Monthly:
		return 0, 1
	}
	return 0, 0
}

// day reads the day and holds it against the cadence. An entry without a valid cadence may have the day of either.
func (l *loader) day(e *Entry, f field) {
	if e.Cadence == Daily {
		if !isRefused(f.value) {
			l.report(diag.Day, f.key.pos, "a daily entry has no day", "remove day, or write cadence: weekly")
		}
		return
	}
	if !l.scalar(f, "a day", "write a weekday or a day of the month, or remove the key") {
		return
	}
	weekday := slices.Index(weekdays, f.value.value)
	number, isNumber := f.value.integer()
	inMonth := isNumber && number >= 1 && number <= 31
	switch {
	case weekday >= 0 && e.Cadence != Monthly:
		e.Weekday = time.Weekday(weekday)
	case inMonth && e.Cadence != Weekly:
		e.MonthDay = number
	default:
		l.report(diag.Day, f.pos(), dayMessage(e.Cadence, f.value), dayHint(e.Cadence, f.value))
	}
}

func dayMessage(c Cadence, n *node) string {
	switch c {
	case Weekly:
		return fmt.Sprintf("day %s is not a weekday", quote(n.value))
	case Monthly:
		return fmt.Sprintf("day %s is not a day of the month, 1 to 31", quote(n.value))
	}
	return fmt.Sprintf("day %s is neither a weekday nor a day of the month", quote(n.value))
}

func dayHint(c Cadence, n *node) string {
	number, err := strconv.Atoi(strings.TrimSpace(n.value))
	isDay := err == nil && number >= 1 && number <= 31
	switch {
	case c == Monthly && isDay:
		return fmt.Sprintf("write it as a plain number: day: %d", number)
	case c == Monthly && slices.Contains(weekdays, n.value):
		return "write a number, or cadence: weekly"
	case c == Monthly:
		return "write a number from 1 to 31; a short month uses its last day"
	case c == Weekly && isDay:
		return "write a weekday such as monday, or cadence: monthly"
	}
	fallback := "use monday, tuesday, wednesday, thursday, friday, saturday or sunday"
	if c != Weekly {
		fallback = "use a weekday such as monday if weekly, a number from 1 to 31 if monthly"
	}
	return didYouMean(n.value, weekdays, fallback)
}

func (l *loader) time(f field) (hour, minute int) {
	if !l.scalar(f, "a time of day", `write time: "05:00", or remove the key`) {
		return 0, 0
	}
	s := f.value.value
	match := timePattern().FindStringSubmatch(s)
	switch {
	case match == nil:
		l.report(diag.Time, f.pos(), fmt.Sprintf("time %s is not a time of day", quote(s)), timeHint(s))
		return 0, 0
	case f.value.style == plainStyle:
		l.report(diag.Time, f.pos(), fmt.Sprintf("time %s is not quoted, and some programs read it as a number", s), fmt.Sprintf("write time: %q", s))
		return 0, 0
	}
	hour, _ = strconv.Atoi(match[1]) // two digits
	minute, _ = strconv.Atoi(match[2])
	return hour, minute
}

func timeHint(s string) string {
	if m := looseTime().FindStringSubmatch(s); m != nil {
		if near := fmt.Sprintf("%02s:%s", m[1], m[2]); timePattern().MatchString(near) {
			return fmt.Sprintf("write time: %q", near)
		}
	}
	return `write hours and minutes in quotes, "00:00" to "23:59"`
}

func (l *loader) enabled(f field) bool {
	const hint = "write true or false, without quotes"
	if !l.scalar(f, "true or false", hint) {
		return false
	}
	if f.value.typ() != typeBool {
		l.wrongType(f, "true or false", boolHint(f.value.value, hint))
		return false
	}
	return strings.EqualFold(f.value.value, "true")
}

func boolHint(s, otherwise string) string {
	switch strings.ToLower(s) {
	case "yes", "on", "y", "1", "true":
		return "write enabled: true"
	case "no", "off", "n", "0", "false":
		return "write enabled: false"
	}
	return otherwise
}

func (l *loader) path(f field) string {
	s, ok := l.text(f)
	if !ok {
		return ""
	}
	if reason, hint := badPath(s); reason != "" {
		l.report(diag.Path, f.pos(), fmt.Sprintf("%s %s %s", f.name, quote(s), reason), hint)
		return ""
	}
	return path.Clean(s)
}

// badPath says why s is not a path to something inside a repository.
func badPath(s string) (reason, hint string) {
	const relative = "write it relative to the repository's root, such as docs/SCOPE.md"
	clean := path.Clean(s)
	switch {
	case s == "":
		return "is empty", "write a path, or remove the key"
	case len(s) > maxPath:
		return fmt.Sprintf("is longer than %d bytes", maxPath), "shorten it"
	case strings.ContainsFunc(s, isControl):
		return "holds a control character", "write the path on one line"
	case drive().MatchString(s):
		return "starts with a drive letter", relative
	case strings.Contains(s, `\`):
		return "holds a backslash", fmt.Sprintf("use slashes: %s", quote(strings.ReplaceAll(s, `\`, "/")))
	case path.IsAbs(s):
		return "is absolute", relative
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "leaves the repository", relative
	case clean == ".":
		return "is the repository itself", "name a file in it"
	case slices.ContainsFunc(strings.Split(s, "/"), isGitDir):
		return "leads into .git", "name a file that is checked in"
	}
	return "", ""
}

func isGitDir(segment string) bool { return strings.EqualFold(segment, ".git") }

// isControl reports what has no place in a single line of text.
func isControl(r rune) bool { return unicode.IsControl(r) || r == 0x2028 || r == 0x2029 }

// pointers reads a map of labels to paths. It adds their positions under "pointers.<label>".
func (l *loader) pointers(f field, positions map[string]Pos) []Pointer {
	n := f.value
	if isRefused(n) {
		return nil
	}
	if n.kind != mappingNode {
		l.wrongType(f, "a mapping of labels to paths", "write pointers: { scope: SCOPE.md }")
		return nil
	}
	if len(n.pairs) > maxPointers {
		l.report(diag.PointerLabel, n.pairs[maxPointers].key.pos, fmt.Sprintf("more than %d pointers", maxPointers), "keep those that the agent needs")
		return nil
	}
	var pointers []Pointer
	for _, p := range l.unique(n) {
		if !IsAgent(p.name) {
			l.report(diag.PointerLabel, p.key.pos, fmt.Sprintf("pointer label %s is not a name", quote(p.name)), "use 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit")
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

// sessionClose reads the list of close commands. It adds their positions under "session_close.<index>".
func (l *loader) sessionClose(f field, positions map[string]Pos) []string {
	n := f.value
	if isRefused(n) {
		return nil
	}
	if n.kind != sequenceNode {
		l.wrongType(f, "a list of commands", "write each command behind a hyphen on its own line")
		return nil
	}
	if len(n.items) == 0 {
		l.report(diag.SessionClose, n.pos, "session_close has no command", "remove the key to get the default command")
		return nil
	}
	if len(n.items) > maxSessionLines {
		l.report(diag.SessionClose, n.items[maxSessionLines].pos, fmt.Sprintf("more than %d session_close commands", maxSessionLines), "put them in a script")
		return nil
	}
	var lines []string
	for _, item := range n.items {
		if s, ok := l.sessionLine(item); ok {
			positions[fmt.Sprintf("session_close.%d", len(lines))] = item.pos
			lines = append(lines, s)
		}
	}
	return lines
}

func (l *loader) sessionLine(n *node) (string, bool) {
	switch {
	case isRefused(n):
		return "", false
	case n.kind != scalarNode || n.typ() != typeString:
		hint := "write the command behind the hyphen"
		if n.kind == mappingNode {
			hint = "quote the command: a colon followed by a blank makes it a mapping"
		}
		l.report(diag.WrongType, n.pos, fmt.Sprintf("a session_close command is %s, not a string", describe(n)), hint)
		return "", false
	}
	reason, hint := badSessionLine(n.value)
	if reason == "" {
		return n.value, true
	}
	l.report(diag.SessionClose, n.pos, "a session_close command "+reason, hint)
	return "", false
}

func badSessionLine(s string) (reason, hint string) {
	switch {
	case strings.TrimSpace(s) == "":
		return "is empty", "write a command, or remove the line"
	case strings.ContainsAny(s, "\n\r"):
		return "has more than one line", "write each command as its own list item on one line (not with |)"
	case strings.ContainsFunc(s, isControl):
		return "holds a control character", "remove it"
	case utf8.RuneCountInString(s) > maxSessionLine:
		return fmt.Sprintf("is longer than %d characters", maxSessionLine), "put it in a script"
	}
	return "", ""
}
