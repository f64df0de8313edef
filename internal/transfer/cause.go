package transfer

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Refusal is an answer that refuses a request.
type Refusal struct {
	Status int
	Header http.Header
	Said   string // the server's own reason; untrusted
	Code   string // of a Twirp error, "" for none
	Host   string // of the server, without its port

	Input      string // the action's input that holds the token
	Repository string // owner/name that the request is about
	IsTarget   bool   // the repository is in dispatch-to
}

// Cause is why a server refuses. Another attempt does not help.
type Cause struct {
	Name string // for programs, such as "sso"
	Hint string // the next step
}

// causes are tried in order. The texts are those of GitHub, of Gitea and of the artifact
// service, in lower case.
var causes = []struct {
	name   string
	status []int
	texts  []string // any of them in the reason; none means any reason
	also   func(Refusal) bool
	hint   func(Refusal) string
}{
	{name: "sso", status: []int{403}, also: needsSSO, hint: ssoHint},
	{name: "sso", status: []int{403}, texts: []string{"saml enforcement"}, hint: ssoHint},
	{name: "ip-allow-list", status: []int{403}, texts: []string{"ip allow list"}, hint: always(
		"add the runner's address to the organization's IP allow list, or use a runner whose address is on it")},
	{name: "token-kind", status: []int{403}, texts: []string{"forbids access via"}, hint: func(r Refusal) string {
		return "give input `" + r.Input + "` a token of a kind and lifetime that the organization allows"
	}},
	{name: "suspended", status: []int{403}, texts: []string{"suspended"}, hint: always(
		"ask the owner of the account, or of the app's installation, to lift the suspension")},
	{name: "archived", status: []int{403, 423}, texts: []string{"archived"}, hint: func(r Refusal) string {
		if r.IsTarget {
			return "unarchive " + r.Repository + ", or remove it from `dispatch-to`"
		}
		return "unarchive " + r.Repository
	}},
	{name: "quota", status: []int{403, 413, 429},
		texts: []string{"storage quota", "insufficient usage", "quota exceeded"},
		hint:  always("delete old artifacts, or raise the storage quota of the repository's owner")},
	{name: "blocked", status: []int{403, 451}, texts: []string{"access blocked"}, hint: func(r Refusal) string {
		return "read on the page of " + r.Repository + " why the platform blocks it"
	}},
	{name: "workflow-disabled", status: []int{403, 422}, texts: []string{"disabled workflow", "workflow is disabled"},
		hint: func(r Refusal) string { return "enable the workflow on the Actions page of " + r.Repository }},
	{name: "actions-disabled", status: []int{403, 404, 409, 422},
		texts: []string{"actions has been disabled", "actions is disabled", "actions are disabled"},
		hint:  func(r Refusal) string { return "enable Actions in the settings of " + r.Repository }},
	{name: "workflow-trigger", status: []int{422}, texts: []string{"'workflow_dispatch' trigger"}, hint: always(
		"add `workflow_dispatch` with the input `event` to that workflow, on that branch")},
	{name: "workflow-input", status: []int{422}, texts: []string{"unexpected inputs"}, hint: always(
		"declare the input `event` of `workflow_dispatch` in that workflow, on that branch")},
	{name: "workflow-required-input", status: []int{422}, texts: []string{"required input"}, hint: always(
		"give the workflow's other inputs a default: only `event` is sent")},
	{name: "workflow-ref", status: []int{404, 422}, texts: []string{"no ref found", "ref \""}, hint: always(
		"check the branch or tag after the @: on Gitea a tag is written refs/tags/NAME")},
	{name: "workflow-missing", status: []int{404}, texts: []string{"workflow \""}, hint: always(
		"check that the workflow's file exists on that branch: on Gitea .gitea/workflows hides .github/workflows")},
	{name: "bad-route", status: []int{404}, also: func(r Refusal) bool { return r.Code == "bad_route" }, hint: always(
		"update the server, which has no artifact service of version 4, or keep the directory of `out` between runs")},
	{name: "page", status: []int{401, 403, 404, 405}, also: isPage, hint: always(LookForProxy)},
}

// LookForProxy is the hint after an answer that is not the server's own.
const LookForProxy = "look for a proxy in between"

const headerSSO = "X-GitHub-SSO"

// CauseOf returns the cause that a refusal shows; false where its status says all that is
// known.
func CauseOf(r Refusal) (Cause, bool) {
	reason := strings.ToLower(r.Said)
	said := func(text string) bool { return strings.Contains(reason, text) }
	for _, c := range causes {
		if slices.Contains(c.status, r.Status) && (c.texts == nil || slices.ContainsFunc(c.texts, said)) &&
			(c.also == nil || c.also(r)) {
			return Cause{c.name, c.hint(r)}, true
		}
	}
	return Cause{}, false
}

func always(hint string) func(Refusal) string { return func(Refusal) string { return hint } }

func needsSSO(r Refusal) bool { return strings.HasPrefix(r.Header.Get(headerSSO), "required") }

// isPage recognizes a web page, which neither the API nor the artifact service answers.
func isPage(r Refusal) bool {
	return r.Said == "" && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html")
}

func ssoHint(r Refusal) string {
	hint := "authorize the token of input `" + r.Input + "` for the organization's single sign-on"
	if address := r.ssoURL(); address != "" {
		hint += " at " + address
	}
	return hint
}

// maxAddress bounds an address in a hint, in bytes.
const maxAddress = 500

// ssoURL is where a user authorizes the token, "" unless that belongs to the server:
// api.github.com names an address of github.com.
// https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api
func (r Refusal) ssoURL() string {
	_, address, _ := strings.Cut(r.Header.Get(headerSSO), "url=")
	u, err := url.Parse(strings.TrimSpace(address))
	unsafe := func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"'`<>\\;,", c) }
	if err != nil || len(address) > maxAddress || u.Scheme != "https" || u.User != nil ||
		!strings.EqualFold(u.Host, strings.TrimPrefix(strings.ToLower(r.Host), "api.")) ||
		strings.ContainsFunc(u.String(), unsafe) {
		return ""
	}
	return u.String()
}
