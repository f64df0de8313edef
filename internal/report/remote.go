package report

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/metrics"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Reader collects evidence.
type Reader struct {
	API *gh.Client // nil to read this machine only
	// Server is the address of the server's pages. Repositories of other servers are not
	// asked for.
	Server string
	Settings
	Stdin io.Reader
	Log   func(format string, args ...any)

	mu    sync.Mutex // guards facts
	facts *Facts
}

// Make reads the roster, collects the evidence and makes the report. It returns the servers
// to which links may lead. The error is about a file.
func (r *Reader) Make(ctx context.Context, now time.Time) (*Report, []string, error) {
	data, err := checkout.ReadArgument(ctx, r.Roster, r.Stdin, fleet.MaxSize)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the roster: %w", err)
	}
	roster, err := fleet.Decode(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the roster %s: %w", r.Roster, err)
	}
	facts, err := r.Collect(ctx, roster)
	if err != nil {
		return nil, nil, err
	}
	made, err := New(ctx, Options{Roster: roster, Facts: facts, Now: now, Since: r.Since, Grace: r.Grace})
	return made, ServersOf(roster, r.Server), err
}

// Collect returns the evidence about a roster: from files, and from the API, else from the
// checkouts on this machine. The error is about a file. What the API does not give becomes
// a problem of the report.
func (r *Reader) Collect(ctx context.Context, roster *fleet.Roster) (*Facts, error) {
	r.facts = NewFacts(ServersOf(roster, r.Server)...)
	if r.Ledger != "" {
		r.facts.Share(r.Ledger, r.Server)
	}
	for _, name := range r.Evidence {
		if err := r.facts.AddPath(ctx, name, r.Stdin); err != nil {
			return nil, err
		}
	}
	if r.API != nil {
		r.read(ctx, roster)
		return r.facts, nil
	}
	r.facts.ReadAll(roster)
	return r.facts, r.facts.AddCheckouts(ctx, roster, r.Since)
}

// parallel is how many repositories are read at once.
const parallel = 8

// read adds what the API knows.
func (r *Reader) read(ctx context.Context, roster *fleet.Roster) {
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, consumer := range r.Consumers {
		group.Go(func() error { r.consumer(ctx, roster, consumer); return nil })
	}
	shared := r.shared(ctx, roster)
	for i := range roster.Repositories {
		repo := &roster.Repositories[i]
		if !repo.Valid || len(repo.Entries) == 0 {
			continue
		}
		group.Go(func() error { r.repository(ctx, repo, shared); return nil })
	}
	group.Wait() // each has its own problems
}

// shared reads the ledger that the fleet shares; nil for none.
func (r *Reader) shared(ctx context.Context, roster *fleet.Roster) *history {
	if r.Ledger == "" {
		return nil
	}
	h := &history{
		api: r.API, repository: r.Ledger, page: strings.TrimRight(r.Server, "/") + "/" + r.Ledger, since: r.Since,
		trust: store.NewTrust(store.ArtifactsOptions{API: r.API, Repository: r.Ledger, Log: r.Log}),
	}
	unread := r.load(ctx, h)
	known := map[bundleid.Entry]bool{}
	r.with(func(f *Facts) {
		for i := range roster.Repositories {
			f.read(nameOf(&roster.Repositories[i]), unread)
			addEntries(known, &roster.Repositories[i], f.digits(&roster.Repositories[i]))
		}
		for _, a := range h.list {
			f.addRecorded(r.Ledger, &a)
		}
	})
	r.receipts(ctx, r.Ledger, h, known)
	return h
}

// with calls do with the facts, one caller at a time.
func (r *Reader) with(do func(f *Facts)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do(r.facts)
}

func (r *Reader) problem(repository string, err error) {
	message, hint := advice.Split(err)
	_, isAPI := errors.AsType[*gh.Error](err)
	r.with(func(f *Facts) { f.problems = append(f.problems, Problem{repository, message, hint, isAPI}) })
}

// repository reads the ledger of one repository, unless it is shared, and its metrics.
func (r *Reader) repository(ctx context.Context, repo *fleet.Repository, shared *history) {
	if !bundleid.IsRepository(repo.Name) || !strings.EqualFold(originOf(repo.Server), originOf(r.Server)) {
		unread := "it is not on the server of the token, and there is no --evidence"
		if len(r.Evidence) > 0 {
			unread = ""
		}
		r.with(func(f *Facts) { f.read(nameOf(repo), unread) })
		return
	}
	h := shared
	if h == nil {
		h = r.ledger(ctx, repo)
	}
	slug := repo.Slug
	if shared != nil {
		slug += "-" + r.facts.digits(repo)
	}
	for _, e := range repo.Entries {
		if e.Enabled && slices.ContainsFunc(h.list, func(a recorded) bool {
			b, ok := bundleid.ParseReceipt(a.Name)
			return ok && b.Of(slug, e.Agent)
		}) {
			r.metrics(ctx, repo, e.Agent)
		}
	}
}

// load reads a ledger as far as possible, and returns why it is not complete.
func (r *Reader) load(ctx context.Context, h *history) (unread string) {
	if err := h.read(ctx); err != nil {
		r.problem(h.repository, err)
		unread, _ = advice.Split(err)
	}
	return unread
}

// ledger reads the ledger of one repository.
func (r *Reader) ledger(ctx context.Context, repo *fleet.Repository) *history {
	h := &history{
		api: r.API, repository: repo.Name, page: pageOf(repo), since: r.Since,
		trust: store.NewTrust(store.ArtifactsOptions{
			API: r.API, Repository: repo.Name, RepositoryID: repo.ID, LedgerBranch: repo.DefaultBranch, Log: r.Log,
		}),
	}
	unread := r.load(ctx, h)
	r.with(func(f *Facts) {
		f.read(nameOf(repo), unread)
		for _, a := range h.list {
			f.addRecorded(repo.Name, &a)
		}
	})
	known := map[bundleid.Entry]bool{}
	addEntries(known, repo, "")
	r.receipts(ctx, repo.Name, h, known)
	return h
}

// addRecorded adds an artifact of the repository's own ledger.
func (f *Facts) addRecorded(repository string, a *recorded) {
	e := Evidence{At: a.CreatedAt, URL: a.url, id: strconv.FormatInt(a.RunID, 10)}
	name := a.Name
	if bundle, ok := bundleid.CutReceipt(name); ok {
		name, e.Kind = bundle, Receipt
	} else if bundle, ok := bundleid.CutPartial(name); ok {
		name, e.Kind = bundle, Unfinished
	} else {
		e.Kind = Bundle
	}
	f.add(repository, name, e)
}

// addEntries adds the entries of a repository as names of bundles have them, with the digits
// that set it apart.
func addEntries(known map[bundleid.Entry]bool, r *fleet.Repository, digits string) {
	slug := r.Slug
	if digits != "" {
		slug += "-" + digits
	}
	for _, e := range r.Entries {
		known[bundleid.Entry{Repo: slug, Agent: e.Agent}] = true
	}
}

// maxStarted is how many runs of one receipt are asked for.
const maxStarted = 100

// receipts reads the newest receipts of each entry, and asks for the runs that they name. A
// ledger with many other names does not use up the requests of the token.
func (r *Reader) receipts(ctx context.Context, repository string, h *history, known map[bundleid.Entry]bool) {
	read := map[bundleid.Entry]int{}
	newest := func(a, b recorded) int { return cmp.Compare(b.ID, a.ID) }
	for _, a := range slices.SortedFunc(slices.Values(h.list), newest) {
		b, ok := bundleid.ParseReceipt(a.Name)
		if !ok || a.Expired || !known[b.Entry] || read[b.Entry] >= r.Receipts || ctx.Err() != nil {
			continue
		}
		read[b.Entry]++
		receipt, err := h.trust.Receipt(ctx, a.Artifact, b.Name())
		if err != nil {
			r.problem(repository, err)
			continue
		}
		runs := slices.DeleteFunc(receipt.Deliveries, func(d store.Delivery) bool { return d.RunID == 0 })
		for _, d := range runs[:min(len(runs), maxStarted)] {
			r.started(ctx, repository, b.Name(), d, a.CreatedAt)
		}
	}
}

// started adds a run that a delivery started, and how it ended.
func (r *Reader) started(ctx context.Context, repository, bundle string, d store.Delivery, at time.Time) {
	e := started(d, at)
	run, err := r.API.Run(ctx, e.By, d.RunID)
	if failed, ok := errors.AsType[*gh.Error](err); ok && failed.Kind == gh.Unavailable {
		r.problem(e.By, err)
	} else if err != nil { // the token may not see it
		r.Log("run %d of %s, which %s started, is not known: %v", d.RunID, e.By, repository, err)
	} else {
		e = ended(e, run.Status, run.Conclusion, run.UpdatedAt)
		e.URL = cmp.Or(run.URL, e.URL)
	}
	r.with(func(f *Facts) { f.add(repository, bundle, e) })
}

// ended adds to the evidence of a run how it ended.
func ended(e Evidence, status, conclusion string, at time.Time) Evidence {
	e.Detail = detail(cmp.Or(conclusion, status))
	switch {
	case conclusion == "":
	case conclusion == "success", conclusion == "neutral":
		e.Result = Success
	case conclusion == "skipped":
		e.Detail = "skipped"
	default: // failure, cancelled, timed_out, startup_failure, action_required, stale
		e.Result = Failure
	}
	if e.Result != "" && at.After(e.At) {
		e.At = at
	}
	return e
}

// metrics reads what an agent recorded: from the checkout on this machine where the roster
// knows it, otherwise from the default branch.
func (r *Reader) metrics(ctx context.Context, repo *fleet.Repository, agent string) {
	file := path.Join(".kaizen/metrics", agent, "executions.jsonl")
	data, err := localFile(ctx, repo.Root, file)
	if err != nil {
		data, err = r.API.File(ctx, repo.Name, file, "", maxFile)
	}
	switch e, ok := errors.AsType[*gh.Error](err); {
	case ok && e.Kind == gh.NotFound:
		return
	case err != nil:
		r.problem(repo.Name, err)
		return
	}
	page := ""
	if base := pageOf(repo); base != "" && repo.DefaultBranch != "" {
		page = base + "/blob/" + repo.DefaultBranch + "/" + file
		if r.API.Forge() == gh.Gitea {
			page = base + "/src/branch/" + repo.DefaultBranch + "/" + file
		}
	}
	r.with(func(f *Facts) { f.addRecords(nameOf(repo), agent, data, page, r.Since) })
}

// addRecords adds the executions of an executions.jsonl since an instant.
func (f *Facts) addRecords(repository, agent string, data []byte, page string, since time.Time) {
	_ = metrics.Records(bytes.NewReader(data), agent, func(r metrics.Record) { // bytes can be read
		if !r.At.Before(since) {
			f.execute(repository, agent, Evidence{At: r.At, URL: page, Result: resultOf(r.Success),
				Quality: r.Quality, Seconds: r.Seconds})
		}
	})
}

// localFile reads a file of a checkout on this machine.
func localFile(ctx context.Context, root, file string) ([]byte, error) {
	if root == "" {
		return nil, errors.New("the checkout is not on this machine")
	}
	tree, err := checkout.OpenContext(ctx, root)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	return tree.ReadFile(file, maxFile)
}

// AddCheckouts adds what the checkouts on this machine have, without any request: what
// agents recorded, and the receipts of a directory store. The error is that of ctx.
func (f *Facts) AddCheckouts(ctx context.Context, roster *fleet.Roster, since time.Time) error {
	for i := range roster.Repositories {
		if repo := &roster.Repositories[i]; repo.Root != "" && ctx.Err() == nil {
			f.addCheckout(ctx, repo, since)
		}
	}
	return ctx.Err()
}

func (f *Facts) addCheckout(ctx context.Context, repo *fleet.Repository, since time.Time) {
	tree, err := checkout.OpenContext(ctx, repo.Root)
	if err != nil {
		return // it is not on this machine
	}
	defer tree.Close()
	for _, e := range repo.Entries {
		data, err := tree.ReadFile(path.Join(".kaizen/metrics", e.Agent, "executions.jsonl"), maxFile)
		if err == nil {
			f.addRecords(nameOf(repo), e.Agent, data, "", since)
		}
	}
	if err := f.addDir(tree, ".kaizen/prepared", 1); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.problem(nameOf(repo), err.Error(), "")
	}
}

// consumer reads the records and the runs of a repository that receives events.
func (r *Reader) consumer(ctx context.Context, roster *fleet.Roster, name string) {
	page := strings.TrimRight(r.Server, "/") + "/" + name
	h := &history{
		api: r.API, repository: name, page: page, since: r.Since,
		trust: store.NewTrust(store.ArtifactsOptions{API: r.API, Repository: name, Log: r.Log}),
	}
	if r.load(ctx, h) != "" {
		return
	}
	senders := roster.Senders()
	senders[bundleid.Sender(r.Ledger)] = strings.ToLower(r.Ledger)
	r.with(func(f *Facts) {
		f.acknowledged = true
		for _, a := range h.list {
			if b, ok := bundleid.ParseReceived(a.Name); ok {
				sender := senders[b.Source]
				b.Source = ""
				f.add(sender, b.Name(), Evidence{Kind: Acknowledgement, At: a.CreatedAt, URL: a.url, By: name,
					id: strconv.FormatInt(a.RunID, 10)})
			}
		}
	})
	for _, event := range []string{"repository_dispatch", "workflow_dispatch"} {
		if event == "repository_dispatch" && r.API.Forge() == gh.Gitea {
			continue
		}
		runs, complete, err := r.API.Runs(ctx, name, event, r.Since)
		if err != nil {
			r.problem(name, err)
			continue
		}
		if !complete {
			r.problem(name, advice.New("report a shorter window with --days",
				"%s has more runs in the window than are read: older ones are not known", name))
		}
		r.with(func(f *Facts) { f.addRuns(name, runs) })
	}
}

// addRuns adds the runs that are named after the event that started them.
func (f *Facts) addRuns(consumer string, runs []gh.NamedRun) {
	for _, run := range runs {
		for _, word := range strings.Fields(run.Title) {
			repository, b, ok := bundleid.ParseEventID(word)
			if !ok {
				continue
			}
			e := Evidence{Kind: Run, At: run.CreatedAt, URL: run.URL, By: consumer, id: strconv.FormatInt(run.ID, 10)}
			if e.At.IsZero() {
				e.At = run.UpdatedAt
			}
			f.add(repository, b.Name(), ended(e, run.Status, run.Conclusion, run.UpdatedAt))
		}
	}
}
