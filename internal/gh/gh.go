// Package gh is the one GitHub API client: authentication, redirects, retries, rate limits.
//
// go-github builds the requests it knows and reads their answers. Below it stands transport, which sends the token to one origin only,
// keeps within the platform's limits and tries again where that is safe.
package gh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"github.com/kaizen-agentic/schedule-action/internal/event"
)

// Options are what the client needs from outside; only BaseURL is required.
type Options struct {
	BaseURL   string // GITHUB_API_URL: https, or http on loopback; no userinfo, query or fragment
	Token     string // "" for anonymous requests
	UserAgent string
	Transport http.RoundTripper                                // default: a clone of http.DefaultTransport with time-outs
	Now       func() time.Time                                 // default time.Now
	Sleep     func(ctx context.Context, d time.Duration) error // default: a timer that ctx ends
	Log       func(format string, args ...any)                 // waits and retries are told here; default: nowhere
}

// Client talks to one GitHub API with one token. It is safe for concurrent use and paces itself to the platform's limits,
// which count per token: share one client among all that use the same token.
type Client struct {
	api   *transport
	hub   *github.Client
	input string // the action's input that holds the token, where the caller knows better than the method
}

// WithInput is the same client, limits and all, whose errors say that the token is that of this input of the action. By default
// they name `dispatch-token` for a dispatch and `token` for everything else.
func (c *Client) WithInput(name string) *Client {
	named := *c
	named.input = name
	return &named
}

// operation words what a method is for; input is the one that usually holds the token.
func (c *Client) operation(name, repository, permission, input string) operation {
	return operation{name, repository, permission, cmp.Or(c.input, input)}
}

// Time-outs of one attempt, so that a server that stalls or trickles is given up; the deadline of the whole is the caller's ctx.
const (
	connectTimeout = 10 * time.Second
	headerTimeout  = 15 * time.Second
	attemptTimeout = 30 * time.Second
)

// New checks the options and makes a client.
func New(o Options) (*Client, error) {
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(o.Token) // a pasted secret often ends with a line break
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the token holds white space or characters outside of ASCII: paste it again as one word")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	if o.Transport == nil {
		o.Transport = defaultTransport()
	}
	api := &transport{
		base:    base,
		token:   token,
		next:    o.Transport,
		timeout: attemptTimeout,
		log:     o.Log,
		pace:    newPacer(o.Now, o.Sleep, o.Log),
	}
	hub := github.NewClient(&http.Client{Transport: api, CheckRedirect: refuseRedirect})
	hub.BaseURL = base
	hub.UserAgent = cmp.Or(o.UserAgent, "schedule-action")
	return &Client{api: api, hub: hub}, nil
}

// parseBaseURL checks the API's address; its path ends with a slash, as go-github wants it.
func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("the API's address (GITHUB_API_URL) is not a URL") // err would print what may be a password
	case u.User != nil:
		return nil, errors.New("the API's address (GITHUB_API_URL) holds a user name or password: remove it, the token has its own input")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		return nil, errors.New("the API's address (GITHUB_API_URL) must end with its path: no query, no fragment")
	case u.Hostname() == "":
		return nil, fmt.Errorf("the API's address (GITHUB_API_URL) is %s: want one like https://api.github.com", quote(s))
	case !secure(u):
		return nil, fmt.Errorf("the API's address (GITHUB_API_URL) is %s: want https (http only on this machine), so that the token stays secret", quote(s))
	}
	u.Path = strings.TrimRight(u.Path, "/") + "/"
	u.RawPath = ""
	return u, nil
}

// secure reports whether a token may travel to u: https, or http that doesn't leave the machine.
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
	t := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DialContext = (&net.Dialer{Timeout: connectTimeout}).DialContext
	t.TLSHandshakeTimeout = connectTimeout
	t.ResponseHeaderTimeout = headerTimeout
	t.MaxIdleConnsPerHost = maxConcurrent
	return t
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// split checks the name of a repository, which becomes part of a path.
func split(repository string) (owner, name string, err error) {
	owner, name, _ = strings.Cut(repository, "/")
	if !event.IsRepository(repository) {
		return "", "", fmt.Errorf("%s is not the name of a repository: want owner/name", quote(repository))
	}
	return owner, name, nil
}
