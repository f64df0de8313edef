package fleet

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/cron"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
)

// The limits of a roster that is read. A fleet of 10,000 scheduled repositories has about
// 10 MB.
const (
	MaxSize         = 64 << 20 // bytes
	MaxRepositories = 100_000
	maxEntries      = 5_000 // of a repository; a manifest of the largest size has fewer
	maxFindings     = 1_000 // of a repository, the limit of schedule.Load
	maxTopics       = 100   // GitHub allows 20
	maxText         = 4_096 // characters of any text
)

// Encode returns the roster as JSON. Control and invisible characters are escaped, so it
// may be printed where the runner reads commands.
func (r *Roster) Encode() []byte {
	filled := *r
	filled.Repositories = make([]Repository, len(r.Repositories))
	for i, repo := range r.Repositories {
		repo.Topics, repo.Entries = orEmpty(repo.Topics), orEmpty(repo.Entries)
		repo.Findings = orEmpty(repo.Findings)
		filled.Repositories[i] = repo
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(filled); err != nil {
		panic(err) // plain structs always encode
	}
	return diag.EscapeJSON(b.Bytes())
}

func orEmpty[T any](list []T) []T { return append([]T{}, list...) }

// Decode reads a roster that Encode has written, and checks every value. A roster is
// untrusted: it may have been stored where others can write.
func Decode(data []byte) (*Roster, error) {
	const hint = "make it again with action discover --format json"
	if len(data) > MaxSize {
		return nil, advice.New("filter the repositories", "the roster has %d bytes, the limit is %d", len(data),
			MaxSize)
	}
	var r Roster
	if err := DecodeStrict(data, &r); err != nil {
		return nil, advice.New(hint, "not a roster: %w", err)
	}
	if err := r.Check(); err != nil {
		return nil, advice.New(hint, "not a valid roster: %w", err)
	}
	return &r, nil
}

// ReadRoster reads the roster in the file path, - for stdin. It returns nil without a path
// and, with a line in the log, for a file that does not exist: the first run of a workflow
// has none.
func ReadRoster(ctx context.Context, path string, stdin io.Reader, log func(format string, args ...any)) (
	*Roster, error,
) {
	if path == "" {
		return nil, nil
	}
	data, err := checkout.ReadArgument(ctx, path, stdin, MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		log("there is no roster %s, so nothing is compared", path)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the roster: %w", err)
	}
	return Decode(data)
}

// DecodeStrict decodes exactly one JSON value without unknown keys.
func DecodeStrict(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("the text is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // its text has names of Go
			return fmt.Errorf("%s must not be of the type %s", cmp.Or(wrong.Field, "the whole"), wrong.Value)
		}
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("there is more after the JSON value")
	}
	return nil
}

// Check returns the first value that Decode would refuse.
func (r *Roster) Check() error {
	switch {
	case r.Version != Version:
		return fmt.Errorf("version is %q, must be %q", r.Version, Version)
	case r.Repositories == nil:
		return errors.New("repositories is missing")
	case len(r.Repositories) > MaxRepositories:
		return fmt.Errorf("it has %d repositories, the limit is %d", len(r.Repositories), MaxRepositories)
	case r.Scanned < len(r.Repositories):
		return fmt.Errorf("scanned is %d, less than the repositories", r.Scanned)
	}
	c := checker{}
	for i := range r.Repositories {
		repo := &r.Repositories[i]
		if err := c.repository(repo); err != nil {
			return fmt.Errorf("repositories[%d]: %w", i, err)
		}
		if i > 0 && Compare(r.Repositories[i-1], *repo) >= 0 {
			return fmt.Errorf("repositories[%d]: %q is there twice, or not in order", i, repo.Name)
		}
	}
	return nil
}

// checker remembers which crons and zones are valid: those of a fleet are mostly the same.
type checker map[string]bool

func (c checker) once(key string, valid func() bool) bool {
	ok, known := c[key]
	if !known {
		ok = valid()
		c[key] = ok
	}
	return ok
}

func (c checker) isCron(s string) bool {
	return c.once("cron "+s, func() bool { _, err := cron.Parse(s, cron.Manifest); return err == nil })
}

func (c checker) isZone(s string) bool {
	return c.once("zone "+s, func() bool {
		_, err := time.LoadLocation(s)
		return err == nil && slices.Contains(spec.Zones(), s)
	})
}

// rule is the condition for a field, and what it must be.
type rule struct {
	ok          bool
	field, want string
}

func firstBroken(rules []rule) error {
	for _, r := range rules {
		if !r.ok {
			return fmt.Errorf("%s must be %s", r.field, r.want)
		}
	}
	return nil
}

func (c checker) repository(r *Repository) error {
	isCheckout := r.Forge == Local || r.Forge == StateHub
	return firstError(firstBroken([]rule{
		{bundleid.IsRepository(r.Name) || isCheckout && r.Name != "" && isText(r.Name), "name", "owner/name"},
		{r.ID >= 0, "id", "a number"},
		{r.Forge == GitHub || r.Forge == Gitea || isCheckout, "forge", "github, gitea, state-hub or local"},
		{r.Server == "" && isCheckout || isServer(r.Server), "server", "an address like https://github.com"},
		{isText(r.DefaultBranch), "default_branch", "one line"},
		{slices.Contains([]string{"", "public", "private", "internal"}, r.Visibility), "visibility",
			"public, private or internal"},
		{len(r.Topics) <= maxTopics && slices.IsSorted(r.Topics) && allText(r.Topics), "topics", "a sorted list"},
		{r.Slug == "" && !r.Valid || spec.IsSlug(r.Slug), "slug", "a slug like kaizen-agentic"},
		{isText(r.Domain), "domain", "one line"},
		{r.Root == "" || event.IsRoot(r.Root) && isText(r.Root), "root", "an absolute path"},
		{isPath(r.Manifest), "manifest", "a path in the repository"},
		{r.Commit == "" || isObject(r.Commit), "commit", "a commit id"},
		{r.Blob == "" || isObject(r.Blob), "blob", "an object id"},
		{r.Timezone == "" && !r.Valid || c.isZone(r.Timezone), "timezone", "an IANA name"},
		{utf8.RuneCountInString(r.Error) <= maxText, "error", "a short text"},
		{!r.Valid || r.Error == "", "error", "empty for a valid manifest"},
		{r.Valid != (len(r.Entries) == 0), "entries", "there exactly for a valid manifest"},
		{len(r.Entries) <= maxEntries, "entries", fmt.Sprintf("at most %d", maxEntries)},
		{len(r.Findings) <= maxFindings, "findings", fmt.Sprintf("at most %d", maxFindings)},
	}), c.entries(r), findings(r))
}

// firstError returns the first error.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c checker) entries(r *Repository) error {
	seen := make(map[string]bool, len(r.Entries))
	for i, e := range r.Entries {
		_, reserved := spec.ReservedAgents[e.Agent]
		err := firstBroken([]rule{
			{spec.IsAgent(e.Agent) && !reserved && !seen[e.Agent], "agent", "a name like coach, once"},
			{e.Cadence.Valid(), "cadence", "daily, weekly or monthly"},
			{c.isCron(e.Cron), "cron", "a cron expression of five fields"},
		})
		if err != nil {
			return fmt.Errorf("entries[%d]: %w", i, err)
		}
		seen[e.Agent] = true
	}
	return nil
}

func findings(r *Repository) error {
	for i, f := range r.Findings {
		err := firstBroken([]rule{
			{f.File != "" && isText(f.File), "file", "a path"},
			{f.Line >= 0 && f.Column >= 0, "line and column", "numbers"},
			{f.Rule != "" && isText(f.Rule), "rule", "the id of a rule"},
			{f.Severity == diag.Warning || f.Severity == diag.Error && !r.Valid, "severity",
				"error or warning, and not an error for a valid manifest"},
			{utf8.RuneCountInString(f.Message) <= maxText && utf8.RuneCountInString(f.Hint) <= maxText, "message",
				"a short text"},
		})
		if err != nil {
			return fmt.Errorf("findings[%d]: %w", i, err)
		}
	}
	return nil
}

// isText reports whether s is one short line of visible text.
func isText(s string) bool {
	return utf8.RuneCountInString(s) <= maxText && utf8.ValidString(s) && !strings.ContainsFunc(s, safetext.IsInvisible)
}

func allText(list []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !isText(s) })
}

func isPath(s string) bool {
	reason, _ := spec.CheckPath(s)
	return reason == "" && isText(s)
}

// isObject reports whether s is a git object id.
func isObject(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// isServer reports whether s is the address of a server's pages, as links need it.
func isServer(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil &&
		u.RawQuery == "" && u.Fragment == "" && isText(s) && !strings.HasSuffix(s, "/")
}

// Clean drops from the texts of a server what a roster may not have.
func (r *Repository) Clean() {
	for _, text := range []*string{&r.DefaultBranch, &r.Domain} {
		*text = safetext.Shorten(safetext.OneLine(*text), maxText)
	}
	r.Topics = slices.DeleteFunc(slices.Clone(r.Topics), func(s string) bool { return !isText(s) })
	slices.Sort(r.Topics)
	r.Topics = r.Topics[:min(len(r.Topics), maxTopics)]
	if r.Root != "" && !(event.IsRoot(r.Root) && isText(r.Root)) {
		r.Root = ""
	}
	if !bundleid.IsRepository(r.Name) {
		r.Name = cmp.Or(safetext.Shorten(safetext.OneLine(r.Name), maxText), "?")
	}
	if !slices.Contains([]string{"public", "private", "internal"}, r.Visibility) {
		r.Visibility = ""
	}
}
