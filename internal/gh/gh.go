// Package gh is the one API client, for GitHub and Gitea: authentication, redirects,
// retries, rate limits.
//
// go-github builds the requests that it knows and reads their answers. Below it,
// transport sends the token to one origin only, keeps within the platform's limits and
// tries again where that is safe.
package gh

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/gh/pace"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// Options are what the client needs from outside; only BaseURL is required.
type Options struct {
	BaseURL   string // GITHUB_API_URL: https, or http on loopback; no userinfo, query or fragment
	PlainHTTP bool   // allow http elsewhere, because BaseURL is the runner's own server
	Token     string // "" for anonymous requests
	UserAgent string
	Transport http.RoundTripper                                // default: Go's own with time-outs
	Now       func() time.Time                                 // default time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // default: a timer that ctx ends
	Log       func(format string, args ...any)                 // gets waits and retries; default: none
	// Attempts is how often a request is sent at most; default transfer.Attempts. Timeout is
	// that of one attempt; default 30 s.
	Attempts int
	Timeout  time.Duration
}

// Client talks to one GitHub API with one token. It is safe for concurrent use, and paces
// itself to the platform's limits. These count per token: share one client among all
// users of a token.
type Client struct {
	api     *transport
	queries *transport // to the GraphQL API
	hub     *github.Client
	started *sync.Map // ids of the workflow runs that this client started
	input   string    // the action's input that holds the token, where the caller knows better than the method
}

// Forge is the kind of server that an API belongs to.
type Forge string

// The forges.
const (
	GitHub Forge = "GitHub"
	Gitea  Forge = "Gitea" // Forgejo has the same API
)

// giteaPath ends the address of every API of Gitea, whatever the path of its pages:
// https://docs.gitea.com/development/api-usage. GitHub's ends in its host or in /api/v3.
const giteaPath = "/api/v1"

// GiteaAPI is the address of the API of the Gitea whose pages are at server.
func GiteaAPI(server string) string { return strings.TrimRight(server, "/") + giteaPath }

// Forge returns the kind of server that the client talks to.
func (c *Client) Forge() Forge {
	if strings.HasSuffix(c.api.base.Path, giteaPath+"/") {
		return Gitea
	}
	return GitHub
}

// IsPlain reports whether the API is on another machine and has no TLS, so that tokens
// travel unencrypted.
func (c *Client) IsPlain() bool { return !secure(c.api.base) }

// WithInput returns the same client, limits included, whose errors name this input of the
// action as the one that holds the token. By default they name `dispatch-token` for a
// dispatch and `token` for everything else.
func (c *Client) WithInput(name string) *Client {
	named := *c
	named.input = name
	return &named
}

// operation describes what a method is for; input is the one that usually holds the
// token.
func (c *Client) operation(name, repository, permission, input string) operation {
	return operation{
		name: name, repository: repository, permission: permission, input: cmp.Or(c.input, input),
		token: c.api.token, host: c.api.base.Hostname(), check: "check the name",
	}
}

// call sends a request and decodes its answer.
func (c *Client) call(ctx context.Context, op operation, method, path string, body, answer any) error {
	req, err := c.hub.NewRequest(method, path, body)
	if err != nil {
		return op.failed(err)
	}
	if _, err := c.hub.Do(ctx, req, answer); err != nil {
		return op.failed(err)
	}
	return nil
}

// Time-outs of one attempt, against a server that stalls or trickles. The deadline of the
// whole is the caller's ctx.
const (
	connectTimeout = 10 * time.Second
	headerTimeout  = 15 * time.Second
	attemptTimeout = 30 * time.Second
)

// New checks the options and makes a client.
func New(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL, o.PlainHTTP)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(o.Token) // a pasted secret often ends with a line break
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &advice.Error{
			Message: "the token holds white space or characters outside of ASCII", Hint: "paste it again as one word",
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = transfer.Sleep
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if o.Transport == nil {
		o.Transport = defaultTransport()
	}
	newTransport := func(base *url.URL) *transport {
		return &transport{
			base:     base,
			token:    token,
			next:     o.Transport,
			attempts: o.Attempts,
			timeout:  cmp.Or(o.Timeout, attemptTimeout),
			log:      o.Log,
			pace:     pace.New(o.Now, o.Sleep, o.Log),
		}
	}
	api, queries := newTransport(base), newTransport(graphqlURL(base))
	queries.queries = true
	hub := github.NewClient(&http.Client{Transport: api, CheckRedirect: refuseRedirect})
	hub.BaseURL = base
	hub.UserAgent = cmp.Or(o.UserAgent, "schedule-action")
	return &Client{api: api, queries: queries, hub: hub, started: &sync.Map{}}, nil
}

// parseBaseURL checks the API's address; its path ends with a slash, as go-github wants
// it.
func parseBaseURL(s string, plainHTTP bool) (*url.URL, error) {
	invalid := func(problem, hint string) (*url.URL, error) {
		return nil, &advice.Error{Message: "the API's address (GITHUB_API_URL) " + problem, Hint: hint}
	}
	u, err := url.Parse(s)
	switch {
	case err != nil: // err prints the address, which may hold a password
		return invalid("is not a URL", "")
	case u.User != nil:
		return invalid("holds a user name or password", "remove it, the token has its own input")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return invalid("must end with its path", "no query, no fragment")
	case u.Hostname() == "":
		return invalid("is "+transfer.Quote(s), "want one like https://api.github.com")
	case !secure(u) && !(plainHTTP && u.Scheme == "http"):
		return invalid("is "+transfer.Quote(s), "want https, so that the token stays secret; http is for this "+
			"machine, and for the server of the runner itself")
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	u.RawPath = ""
	return u, nil
}

// secure reports whether a token may travel to u: https, or http that doesn't leave the
// machine.
func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func defaultTransport() http.RoundTripper {
	t := transfer.NewTransport()
	t.DialContext = (&net.Dialer{Timeout: connectTimeout}).DialContext
	t.TLSHandshakeTimeout = connectTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxIdleConnsPerHost = pace.MaxConcurrent
	return t
}
