package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/workflow"
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
		result.unanswered = true
		return result
	}
	return failedBy(name, e)
}

// checkAPI warns about an API without TLS. An address that cannot be used is reported by
// the checks that use it.
func (d *doctor) checkAPI() {
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
	d.add(passed("ledger", "%s of %s can be read; receipts count from the branch %q", advice.Count(total, "artifact"),
		repository, branch))
}

// checkTargets checks every dispatch target, in parallel. An invalid token is reported
// once.
func (d *doctor) checkTargets(ctx context.Context) {
	const input = inputDispatchToken
	if !d.Targets.Channels.Dispatch {
		return
	}
	if d.Targets.RepositoriesErr != nil {
		d.add(failedBy(inputDispatchTo, d.Targets.RepositoriesErr))
		return
	}
	c, err := d.credential(input, d.Targets.DispatchToken)
	if err != nil || c.token == "" {
		if err == nil {
			err = errors.New("there is no token")
		}
		d.add(failed(input, "set it to a token with `contents: write` on every repository of dispatch-to", "%v", err))
		return
	}
	targets := d.Targets.Repositories
	checks := make([]Check, len(targets))
	pipeline.Each(len(targets), func(i int) { checks[i] = d.checkTarget(ctx, c, targets[i]) })
	refused := c.requestFailure("", "", &gh.Error{Kind: gh.Unauthorized, Status: 401})
	if i := slices.IndexFunc(checks, func(c Check) bool { return c.Message == refused.Message }); i >= 0 {
		refused.Name = input
		d.add(refused)
		return
	}
	if c.token != strings.TrimSpace(d.Stores.Token) {
		if _, ok := c.client.TokenInfo(); ok {
			d.add(c.tokenCheck(d.Clock()))
		}
	}
	d.add(checks...)
}

// checkTarget checks whether the target accepts a dispatch and runs a workflow for it.
func (d *doctor) checkTarget(ctx context.Context, c credential, target string) Check {
	name := "dispatch " + target
	access := "`contents: write` on " + target
	repository, err := c.client.Repository(ctx, target)
	if err != nil {
		return c.requestFailure(name, access, err)
	}
	if repository.Archived {
		return failed(name, "unarchive it, or drop it from dispatch-to",
			"the repository is archived, so it accepts no dispatch")
	}
	push := d.mayDispatch(c, name, repository)
	if push.Verdict == Failed {
		return push
	}
	receiver := checkReceiver(ctx, c, name, repository)
	if receiver.Verdict == OK && !strings.EqualFold(repository.FullName, target) {
		return warned(name, "write that name in dispatch-to", "it is now called %q", repository.FullName)
	}
	if receiver.Verdict == OK && push.Verdict == Warning {
		push.Message = receiver.Message + ", but " + push.Message
		return push
	}
	return receiver
}

// mayDispatch checks the token's access as far as the API reports it.
func (d *doctor) mayDispatch(c credential, name string, r gh.Repository) Check {
	info, _ := c.client.TokenInfo()
	access := "`contents: write` on " + r.FullName
	own := strings.EqualFold(r.FullName, d.Env.Repository)
	switch {
	case info.Classic && !slices.Contains(info.Scopes, "repo") &&
		(r.Private || !slices.Contains(info.Scopes, "public_repo")):
		return failed(name, "give the token of input `"+c.input+"` the scope `repo`",
			"the classic token lacks the scope `repo`")
	case c.isJobs() && !own:
		return failed(name, "give input `dispatch-token` a token with "+access,
			"the job's own token reaches its own repository only")
	case r.CanPush:
		return passed(name, "the token may write")
	case c.isJobs():
		return warned(name, "give the job the permission `contents: write`",
			"the API does not say whether the job's token may write")
	case strings.HasPrefix(c.token, installationToken):
		return warned(name, "give the app "+access, "the API does not say whether an installation token may write")
	}
	return failed(name, "give the token of input `"+c.input+"` "+access,
		"the token may read the repository, but not write to it")
}

// maxReceivers is how many workflow files of one target are read.
const maxReceivers = 100

// checkReceiver looks for a workflow on the default branch that a dispatch starts. GitHub
// accepts a dispatch even if there is none.
func checkReceiver(ctx context.Context, c credential, name string, r gh.Repository) Check {
	const dir = ".github/workflows"
	files, err := c.client.Files(ctx, r.FullName, dir)
	if err != nil {
		return c.requestFailure(name, "`contents: read` on "+r.FullName, err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return path.Ext(f) != ".yml" && path.Ext(f) != ".yaml" })
	other := ""
	for _, file := range files[:min(len(files), maxReceivers)] {
		data, err := c.client.File(ctx, r.FullName, dir+"/"+file, "", schedule.MaxSize)
		if e, ok := errors.AsType[*gh.Error](err); ok && (e.Kind == gh.NotFound || e.Kind == gh.Invalid) {
			continue // removed meanwhile, or not a readable file
		}
		if err != nil {
			return c.requestFailure(name, "`contents: read` on "+r.FullName, err)
		}
		switch listens, matches := workflow.ReceivesDispatch(data, event.Type); {
		case matches:
			return passed(name, "%q on %q listens for it", file, r.DefaultBranch)
		case listens && other == "":
			other = file
		}
	}
	if other != "" {
		return failed(name, fmt.Sprintf("add %s to the `types` of %q there", event.Type, other),
			"%q on %q listens for other types only, so a dispatch is accepted and starts nothing", other,
			r.DefaultBranch)
	}
	return failed(name,
		fmt.Sprintf("add one with `on: { repository_dispatch: { types: [%s] } }` to that branch", event.Type),
		"no workflow on its default branch %q listens for repository_dispatch, so a dispatch is accepted and starts "+
			"nothing",
		r.DefaultBranch)
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
		d.add(passed(name, "connected, and a stream captures the subject %q", d.Targets.NATS.Subject))
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

func (d *doctor) checkClock() {
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
