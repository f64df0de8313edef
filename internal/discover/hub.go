package discover

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// hubRepository is a repository as the State Hub lists it. It has more keys, which are of
// no use here.
type hubRepository struct {
	Slug      string            `json:"slug"`
	HostPaths map[string]string `json:"host_paths"` // by the name of the host
	Domain    string            `json:"domain"`
}

// hub is the answer of the State Hub.
type hub struct {
	repositories []hubRepository // sorted by slug
	bySlug       map[string]*hubRepository
	host         string
	chosen       bool
	log          func(format string, args ...any)
}

// The limits of the State Hub's answer.
const (
	maxHubAnswer = 16 << 20 // bytes
	maxHubPaths  = 1_000    // of a repository
	hubTimeout   = 30 * time.Second
)

// readHub reads the list of repositories from the State Hub or from a file.
func (r *run) readHub(ctx context.Context) (*hub, error) {
	data, err := r.hubAnswer(ctx)
	if err != nil {
		return nil, err
	}
	list, err := parseHub(data)
	if err != nil {
		return nil, advice.New("want the answer of GET /repos/: a list of objects with slug, host_paths and domain",
			"the answer of the State Hub is unusable: %w", err)
	}
	h := &hub{repositories: list, bySlug: make(map[string]*hubRepository), host: r.Host, chosen: r.Chosen, log: r.Log}
	for i := range list {
		h.bySlug[list[i].Slug] = &list[i]
	}
	return h, nil
}

// parseHub reads the State Hub's answer: the list, or an object with the list as repos.
func parseHub(data []byte) ([]hubRepository, error) {
	var list []hubRepository
	if strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 64)])), "{") {
		var object struct {
			Repos *[]hubRepository `json:"repos"`
		}
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, err
		}
		if object.Repos == nil {
			return nil, errors.New("the object has no list repos")
		}
		list = *object.Repos
	} else if err := json.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	if len(list) > fleet.MaxRepositories {
		return nil, errors.New("it has too many repositories")
	}
	for _, r := range list {
		if !spec.IsSlug(r.Slug) || len(r.HostPaths) > maxHubPaths {
			return nil, errors.New(transfer.Quote(r.Slug) + " is not a slug, or has too many paths")
		}
	}
	slices.SortStableFunc(list, func(a, b hubRepository) int { return cmp.Compare(a.Slug, b.Slug) })
	return slices.CompactFunc(list, func(a, b hubRepository) bool { return a.Slug == b.Slug }), nil
}

// hubAnswer reads the answer from a file, or asks the State Hub. The hub gets no token.
func (r *run) hubAnswer(ctx context.Context) ([]byte, error) {
	if !strings.Contains(r.Hub, "://") {
		data, err := checkout.ReadArgument(ctx, r.Hub, nil, maxHubAnswer)
		if err != nil {
			return nil, advice.New("name the address of the State Hub, or a file with its answer to GET /repos/",
				"state-hub: %w", err)
		}
		return data, nil
	}
	u, err := hubURL(r.Hub, r.ServerURL)
	if err != nil {
		return nil, err
	}
	rt := r.Transport
	if rt == nil {
		rt = transfer.NewTransport()
	}
	var data []byte
	loop := transfer.Loop{What: "GET " + transfer.Quote(u.Path), Backoff: transfer.Backoff, Now: r.Clock, Log: r.Log,
		Wait: func(ctx context.Context, until time.Time) error { return r.Sleep(ctx, until.Sub(r.Clock())) }}
	failed := loop.Do(ctx, func(int) *transfer.Failure {
		attempt, cancel := context.WithTimeout(ctx, hubTimeout)
		defer cancel()
		var f *transfer.Failure
		data, f = askHub(attempt, rt, u, r.UserAgent)
		return f
	})
	if failed != nil {
		message, hint := advice.Split(failed.Err)
		return nil, advice.New(hint, "asking the State Hub at %s failed: %s", transfer.Quote(u.Host), message)
	}
	return data, nil
}

// hubURL checks the State Hub's address. Plain http is for this machine and for the forge's
// own server: elsewhere someone on the network could name paths of this machine.
func hubURL(address, server string) (*url.URL, error) {
	u, err := url.Parse(address)
	invalid := func(hint string) (*url.URL, error) {
		return nil, advice.New(hint, "state-hub is not the address of a State Hub")
	}
	own, ownErr := url.Parse(server)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return invalid("want one like https://hub.example")
	case u.User != nil:
		return invalid("leave out user name and password: save the answer to a file and name that")
	case u.RawQuery != "" || u.Fragment != "":
		return invalid("end it with its path")
	case u.Scheme == "http" && !isLoopback(u.Hostname()) &&
		!(ownErr == nil && own.Scheme == "http" && strings.EqualFold(own.Hostname(), u.Hostname())):
		return invalid("want https; http is for this machine and for the forge's own host")
	}
	return u.JoinPath("repos", "/"), nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// askHub asks once. It follows no redirect, which could lead to another machine.
func askHub(ctx context.Context, rt http.RoundTripper, u *url.URL, agent string) ([]byte, *transfer.Failure) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &transfer.Failure{Err: err}
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("Accept", "application/json")
	answer, err := transfer.Send(rt, req, maxHubAnswer)
	switch {
	case err != nil:
		return nil, transfer.NoAnswer(err, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), u.Scheme)), hubTimeout)
	case answer.StatusCode == http.StatusOK:
		return answer.Data, nil
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return nil, &transfer.Failure{Err: advice.New("give state-hub the final address",
			"it redirects, which is not followed")}
	}
	return nil, &transfer.Failure{Err: advice.New(transfer.RunAgain, "it answers %d", answer.StatusCode),
		Again: transfer.Temporary(answer.StatusCode)}
}

// path returns where a repository is checked out: on the chosen host, else on this one,
// else on the only one. The reason says why there is none.
func (h *hub) path(r *hubRepository) (path, reason string) {
	path, ok := r.HostPaths[h.host]
	switch {
	case ok:
	case h.chosen:
		return "", "the State Hub knows no path on the host " + transfer.Quote(h.host)
	case len(r.HostPaths) == 1:
		path = slices.Collect(maps.Values(r.HostPaths))[0]
	case len(r.HostPaths) == 0:
		return "", "the State Hub knows no path"
	default:
		return "", "the State Hub knows paths on " + transfer.Quote(strings.Join(
			slices.Sorted(maps.Keys(r.HostPaths)), ", ")) + ": choose one with --host"
	}
	if !event.IsRoot(path) {
		return "", "the State Hub has the path " + transfer.Quote(path) + ", which is not absolute"
	}
	return path, ""
}

// describe adds to a repository what the State Hub knows about its slug.
func (h *hub) describe(repo *fleet.Repository) {
	if h == nil || h.bySlug[repo.Slug] == nil {
		return
	}
	known := h.bySlug[repo.Slug]
	repo.Domain = known.Domain
	if repo.Root == "" {
		path, reason := h.path(known)
		if repo.Root = path; reason != "" {
			h.log("%s has no root: %s", repo.Name, reason)
		}
	}
	repo.Clean()
}

// hubCheckouts reads the checkouts that the State Hub names on this machine, as the owner's
// resolver does.
func (r *run) hubCheckouts(ctx context.Context) error {
	for i := range r.hub.repositories {
		known := &r.hub.repositories[i]
		if !r.Filter.matches(known.Slug) {
			continue
		}
		repo := fleet.Repository{Name: known.Slug, Forge: fleet.StateHub, Slug: known.Slug, Domain: known.Domain,
			Manifest: r.File}
		path, reason := r.hub.path(known)
		if reason != "" {
			repo.Error = reason
			r.add(repo, true)
			continue
		}
		exists, err := r.checkout(ctx, &repo, path, known.Slug)
		if ctx.Err() != nil { // the error is not of the checkout
			return ctx.Err()
		}
		repo.Root = path // as the hub knows it
		if err != nil {
			setError(&repo, err)
			if errors.Is(err, fs.ErrNotExist) {
				repo.Error = "there is no checkout at the State Hub's path on this machine"
			}
		}
		repo.Clean()
		r.add(repo, exists)
	}
	return nil
}
