package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
)

// installationToken is the prefix of the tokens of a job and of a GitHub App's
// installation. The API does not say what they may do: the permissions in its answers are
// those of a user.
const installationToken = "ghs_"

// tokenKinds lists the kinds of tokens by their prefix
// (https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats).
var tokenKinds = []struct{ prefix, kind string }{
	{installationToken, "an installation token, the job's own or a GitHub App's"},
	{"github_pat_", "a fine-grained personal token"},
	{"ghp_", "a classic personal token"},
	{"gho_", "an OAuth app's token"},
	{"ghu_", "a GitHub App's token for a user"},
}

// credential is a token with its client, which knows what the API says about it.
type credential struct {
	input  string // the input that holds the token
	token  string
	client *gh.Client
}

func (d *doctor) credential(input, token string) (credential, error) {
	c := credential{input: input, token: strings.TrimSpace(token)}
	client, err := d.Clients.For(token)
	if err != nil {
		return c, err
	}
	c.client = client.WithInput(input)
	return c, nil
}

// isJobs reports whether the token is the job's own. It decides by the prefix and the
// rate limit, so it may be wrong.
func (c credential) isJobs() bool {
	info, _ := c.client.TokenInfo()
	return strings.HasPrefix(c.token, installationToken) && info.Limit == gh.JobLimit
}

// renewBefore is how long before its expiry a token gets a warning.
const renewBefore = 7 * 24 * time.Hour

// tokenCheck describes a token that the API accepted.
func (c credential) tokenCheck(now time.Time) Check {
	info, _ := c.client.TokenInfo()
	kind := "a token"
	for _, k := range tokenKinds {
		if strings.HasPrefix(c.token, k.prefix) {
			kind = k.kind
		}
	}
	switch {
	case c.token == "":
		return warned(c.input, fmt.Sprintf("give input `%s` a token; a secret that does not exist is empty", c.input),
			"there is no token, so requests are anonymous and their rate limit is low")
	case c.isJobs():
		kind = "the job's own token, which reaches this repository only"
	case info.Classic && kind == "a token":
		kind = "a classic token"
	}
	if info.Limit > 0 {
		kind += fmt.Sprintf(", with %d requests an hour", info.Limit)
	}
	if !info.Expires.IsZero() {
		kind += ", valid until " + info.Expires.UTC().Format(time.DateOnly)
		if info.Expires.Sub(now) < renewBefore {
			return warned(c.input, "renew it", "%s", kind)
		}
	}
	return passed(c.input, "%s", kind)
}

// requestFailure describes a failed request. Name is the check, and access is the
// permission that the token needs.
func (c credential) requestFailure(name, access string, err error) Check {
	e, ok := errors.AsType[*gh.Error](err)
	if !ok {
		return failedBy(name, err)
	}
	if e.Cause != "" {
		return failed(name, e.Hint, "%s (%d)", e.Message, e.Status)
	}
	switch e.Kind {
	case gh.Unauthorized:
		return failed(name, fmt.Sprintf("give input `%s` a valid token", c.input), "the token is wrong or expired (%d)",
			e.Status)
	case gh.Forbidden:
		return failed(name, fmt.Sprintf("give the token of input `%s` %s", c.input, access),
			"the token may not read it (%d)", e.Status)
	case gh.NotFound:
		return failed(name, fmt.Sprintf("check the name, then give the token of input `%s` %s", c.input, access),
			"not found, or the token may not see it (%d)", e.Status)
	case gh.RateLimited, gh.Unavailable:
		message, hint := e.Message, cmp.Or(e.Hint, "check GITHUB_API_URL and the network")
		if e.Status != 0 {
			message += " (" + strconv.Itoa(e.Status) + ")"
		} else if e.Kind == gh.Unavailable && strings.HasPrefix(hint, "run again") {
			hint = "check GITHUB_API_URL and the network, then " + hint
		}
		result := failed(name, hint, "%s", message)
		result.unanswered, result.silent = true, e.Kind == gh.Unavailable && e.Status == 0
		return result
	}
	return failedBy(name, e)
}

// checkAPI warns about an API without TLS. An address that cannot be used is reported by
// the checks that use it.
func (d *doctor) checkAPI(context.Context) {
	client, err := d.Clients.For(d.Stores.Token)
	if err != nil || !client.IsPlain() {
		return
	}
	d.add(warned("api", "give the server a certificate, and https in its own settings",
		"the API at %s has no TLS, so tokens travel unencrypted", d.Env.APIURL))
}

// checkLedger reads what `due` reads: the repository and its artifacts.
func (d *doctor) checkLedger(ctx context.Context) {
	repository := d.Env.Repository
	if repository == "" || d.Env.Actions && !d.Env.HasArtifactService() {
		return // the ledger is a directory, and no request is made
	}
	c, err := d.credential(inputToken, d.Stores.Token)
	if err != nil {
		d.add(failedBy("token", err))
		return
	}
	info, err := c.client.Repository(ctx, repository)
	if e, ok := errors.AsType[*gh.Error](err); ok && e.Kind == gh.Unauthorized {
		d.add(c.requestFailure("token", "", err))
		return
	}
	if err != nil {
		d.add(c.requestFailure("ledger", "`metadata: read` on "+repository, err))
		return
	}
	d.add(c.tokenCheck(d.Clock()))
	_, total, err := c.client.ArtifactPage(ctx, repository, 1)
	if err != nil {
		d.add(c.requestFailure("ledger", "`actions: read` on "+repository, err))
		return
	}
	branch := cmp.Or(d.Stores.Branch, info.DefaultBranch)
	if c.client.Forge() == gh.GitHub { // Gitea names no branch for the run of a tag
		tagged, err := c.client.HasTag(ctx, repository, branch)
		if err != nil {
			d.add(c.requestFailure("ledger", "`contents: read` on "+repository, err))
			return
		}
		if tagged {
			d.add(failed("ledger", "delete the tag, and protect tags of this name by a rule of the repository",
				"a tag is called %q like the branch, so the receipts of its runs count as well", branch))
			return
		}
	}
	d.add(passed("ledger", "%s of %s can be read; receipts count from the branch %q", advice.Count(total, "artifact"),
		repository, branch))
}

// checkNATS connects and looks for a stream that captures the subject.
func (d *doctor) checkNATS(ctx context.Context) {
	const name = "nats"
	if !d.Targets.Channels.NATS {
		return
	}
	n, err := d.OpenNATS(d.Targets, true)
	if err != nil {
		d.add(failedBy(name, err))
		return
	}
	defer n.Close()
	err = n.Check(ctx)
	if err == nil {
		d.add(passed(name, "connected, and a stream captures the subject %q", n.Subject()))
		return
	}
	result := failedBy(name, err)
	result.unanswered = errors.Is(err, emit.ErrUnreachable)
	if errors.Is(err, emit.ErrStreamUnknown) {
		result.Verdict = Warning
	}
	d.add(result)
}

// The clock decides what is due. With a larger difference from the API's clock, a slot
// may be met early or late, or in another period.
const (
	clockWarning = time.Minute
	clockFailure = time.Hour
)

func (d *doctor) checkClock(context.Context) {
	const name, hint = "clock", "set the machine's clock, for example by NTP"
	for _, token := range []string{d.Stores.Token, d.Targets.DispatchToken} {
		client, err := d.Clients.For(token)
		if err != nil {
			continue
		}
		info, ok := client.TokenInfo()
		if !ok {
			continue
		}
		direction := "behind"
		if info.Ahead < 0 {
			direction = "ahead of"
		}
		skew := info.Ahead.Abs()
		switch {
		case skew > clockFailure:
			d.add(failed(name, hint, "it is %s %s the API's", skew, direction))
		case skew > clockWarning:
			d.add(warned(name, hint, "it is %s %s the API's", skew, direction))
		default:
			d.add(passed(name, "it agrees with the API's"))
		}
		return
	}
}
