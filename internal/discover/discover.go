// Package discover builds the roster of a fleet: from GitHub, from Gitea, from the State
// Hub, and from checkouts on this machine.
package discover

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// Options say where repositories are found.
type Options struct {
	Owners []string // users and organisations of the API's server
	Roots  []string // directories with checkouts
	Hub    string   // the State Hub's address, or a file with its answer; "" for none
	// Host is the name under which the State Hub knows this machine. Chosen says that the
	// user gave it.
	Host   string
	Chosen bool
	Filter Filter
	File   string // path of the manifest in each repository
	Cursor Cursor

	Client    func() (*gh.Client, error) // for the owners
	APIURL    string
	ServerURL string // of the owners' pages
	UserAgent string
	// HostPath returns the path on the runner's host of a path in this process; nil if they
	// are the same.
	HostPath  func(dir string) string
	Transport http.RoundTripper // to the State Hub; nil is the default
	Clock     func() time.Time  // for waits between requests to it
	Sleep     func(ctx context.Context, d time.Duration) error
	Log       func(format string, args ...any)
	Progress  func(Progress) // called after each page; nil for none
}

// Progress is how far the listing of an owner is.
type Progress struct {
	Owner     string
	Page      int // of this run, counted from 1
	Size      int // repositories of the page
	Seen      int
	Total     int // 0 if unknown
	Scheduled int
	Done      bool
}

// Filter says which repositories belong to the fleet.
type Filter struct {
	// Match are patterns as path.Match has them: of owner/name with a slash, else of the
	// name. A pattern after ! excludes. No pattern matches everything.
	Match      []string `json:"match"`
	Topics     []string `json:"topics"` // a repository has at least one of them
	Visibility string   `json:"visibility"`
	Forks      bool     `json:"forks"`    // include them
	Archived   bool     `json:"archived"` // include them
	Domain     string   `json:"domain"`   // of the State Hub
}

// Check returns an error for an invalid pattern.
func (f Filter) Check() error {
	for _, pattern := range f.Match {
		if _, err := path.Match(strings.TrimPrefix(pattern, "!"), ""); err != nil {
			return advice.New("use *, ? and [a-z], and a slash between owner and name",
				"match has the invalid pattern %q", pattern)
		}
	}
	return nil
}

// includes reports whether a repository belongs to the fleet.
func (f Filter) includes(r *fleet.Repository) bool {
	hasTopic := len(f.Topics) == 0 || slices.ContainsFunc(r.Topics, func(t string) bool {
		return slices.ContainsFunc(f.Topics, func(want string) bool { return strings.EqualFold(t, want) })
	})
	return hasTopic && (f.Visibility == "" || f.Visibility == r.Visibility) && (f.Forks || !r.Fork) &&
		(f.Archived || !r.Archived) && f.matches(r.Name)
}

func (f Filter) matches(name string) bool {
	included, positive := false, false
	for _, pattern := range f.Match {
		pattern, excludes := strings.CutPrefix(strings.ToLower(pattern), "!")
		text := strings.ToLower(name)
		if !strings.Contains(pattern, "/") {
			text = path.Base(text)
		}
		ok, _ := path.Match(pattern, text) // Check has checked it
		if excludes && ok {
			return false
		}
		positive, included = positive || !excludes, included || ok && !excludes
	}
	return included || !positive
}

// Result is what was found.
type Result struct {
	Roster *fleet.Roster
	// Failures are repositories of which not even the name could be read, and directories
	// that may have checkouts. The roster is then incomplete.
	Failures []string
	Requests int // of listings, without reads of single files
}

// run is one run of Discover.
type run struct {
	Options
	Result
	hub   *hub
	state state
	// done are the checkouts that were read and the directories that could not be: roots may
	// overlap.
	done map[string]bool
}

// Discover builds the roster. The error is about a source that could not be read: without
// it the roster would look complete. What was read of it is in the cursor file.
func Discover(ctx context.Context, o Options) (*Result, error) {
	if o.HostPath == nil {
		o.HostPath = func(dir string) string { return dir }
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	o.Owners = distinct(o.Owners)
	r := &run{Options: o, done: map[string]bool{}}
	if o.Hub != "" {
		var err error
		if r.hub, err = r.readHub(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.owners(ctx); err != nil {
		return nil, err
	}
	for _, root := range o.Roots {
		if err := r.root(ctx, root); err != nil {
			return nil, err
		}
	}
	if r.hub != nil && len(o.Owners)+len(o.Roots) == 0 {
		if err := r.hubCheckouts(ctx); err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// distinct returns the names without those that differ in case only.
func distinct(names []string) (out []string) {
	for _, name := range names {
		if !slices.ContainsFunc(out, func(s string) bool { return strings.EqualFold(s, name) }) {
			out = append(out, name)
		}
	}
	return out
}

// finish merges what was found twice, adds what the State Hub knows, and checks the
// roster.
func (r *run) finish() (*Result, error) {
	found := r.state.Repositories
	for i := range found {
		r.hub.describe(&found[i])
	}
	merged, twice := merge(found)
	merged = slices.DeleteFunc(merged, func(repo fleet.Repository) bool {
		return r.Filter.Domain != "" && repo.Domain != r.Filter.Domain || r.isFilteredOut(&repo)
	})
	r.Roster, r.Failures = fleet.New(r.state.Scanned-twice, merged), r.state.Failures
	if err := r.Roster.Check(); err != nil { // a mistake of this program
		return nil, fmt.Errorf("the roster is not valid: %w", err)
	}
	if r.Cursor.Path != "" && len(r.Owners) > 0 {
		r.state.Done, r.state.Repositories = true, nil
		if err := r.Cursor.write(&r.state); err != nil {
			return nil, err
		}
	}
	return &r.Result, nil
}

// isFilteredOut reports whether a repository is a checkout whose topics and visibility
// only the listing of its owner knows, and that the listing does not have.
func (r *run) isFilteredOut(repo *fleet.Repository) bool {
	owner, _, _ := strings.Cut(repo.Name, "/")
	return isCheckout(repo) && (len(r.Filter.Topics) > 0 || r.Filter.Visibility != "") && repo.Server == r.ServerURL &&
		slices.ContainsFunc(r.Owners, func(o string) bool { return strings.EqualFold(o, owner) })
}

func isCheckout(r *fleet.Repository) bool { return r.Forge == fleet.Local || r.Forge == fleet.StateHub }

// merge drops a checkout of a repository that a forge listed, and keeps its root. It also
// drops repeats. It returns how many were dropped.
func merge(found []fleet.Repository) (merged []fleet.Repository, dropped int) {
	key := func(r *fleet.Repository) string { return strings.ToLower(r.Server + "/" + r.Name) }
	at := make(map[string][]int)
	slices.SortStableFunc(found, func(a, b fleet.Repository) int {
		return cmp.Compare(map[bool]int{true: 1}[isCheckout(&a)], map[bool]int{true: 1}[isCheckout(&b)])
	})
	for i := range found {
		r := &found[i]
		known := at[key(r)]
		switch {
		case len(known) > 0 && r.Server != "" && isCheckout(r) && !isCheckout(&merged[known[0]]):
			merged[known[0]].Root = cmp.Or(merged[known[0]].Root, r.Root)
			dropped++
		case len(known) > 0 && !isCheckout(r),
			slices.ContainsFunc(known, func(i int) bool { return merged[i].Root == r.Root }):
			dropped++
		default:
			at[key(r)] = append(known, len(merged))
			merged = append(merged, *r)
		}
	}
	return merged, dropped
}

// add counts a repository, and keeps it if it has a manifest or an error.
func (r *run) add(repo fleet.Repository, hasManifest bool) {
	r.state.Scanned++
	if hasManifest || repo.Error != "" {
		r.state.Repositories = append(r.state.Repositories, repo)
	}
}

// scheduled counts the repositories that were found so far.
func (r *run) scheduled() int { return len(r.state.Repositories) }

// Check returns an error for options that find nothing, or that no source reads.
func (o *Options) Check() error {
	f := o.Filter
	switch {
	case len(o.Owners)+len(o.Roots) == 0 && o.Hub == "":
		return advice.New("name at least one of --owner, --root and --state-hub",
			"nothing says where the repositories are")
	case len(o.Owners) == 0 && (len(f.Topics) > 0 || f.Visibility != "" || o.Cursor.Path != ""):
		return advice.New("add --owner, or leave them out",
			"topic, visibility and cursor are for repositories of an owner")
	case o.Hub == "" && (f.Domain != "" || o.Chosen):
		return advice.New("add --state-hub, or leave them out", "only the State Hub knows a domain and a host")
	}
	for _, owner := range o.Owners {
		if !bundleid.IsRepository(owner + "/x") {
			return advice.New("want the name of a user or an organisation", "owner has %q", owner)
		}
	}
	return f.Check()
}
