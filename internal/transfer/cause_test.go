package transfer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

const ssoAddress = "https://github.com/orgs/acme/sso?authorization_request=AB12"

// refusals are answers as the platforms give them, and the cause that each shows.
var refusals = []struct {
	name   string
	r      transfer.Refusal
	cause  string // "" for none
	hint   string
	absent string // not in the hint
}{
	{name: "no permission", r: transfer.Refusal{Status: 403, Said: "Resource not accessible by integration"}},
	{name: "no such repository", r: transfer.Refusal{Status: 404, Said: "Not Found"}},
	{name: "invalid", r: transfer.Refusal{Status: 422, Said: "Invalid request."}},
	{name: "quota in a text of success", r: transfer.Refusal{Status: 500, Said: "storage quota"}},
	{name: "single sign-on", r: transfer.Refusal{Status: 403, Header: header("X-GitHub-SSO", "required; url="+ssoAddress),
		Said: "Resource protected by organization SAML enforcement."},
		cause: "sso", hint: "input `dispatch-token` for the organization's single sign-on at " + ssoAddress},
	{name: "single sign-on without an address", r: transfer.Refusal{Status: 403,
		Said: "Resource protected by organization SAML enforcement. You must grant your Personal Access token access"},
		cause: "sso", hint: "single sign-on", absent: " at "},
	{name: "partial results", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "partial-results; organizations=21955855,20582480")}},
	{name: "single sign-on at another server", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "required; url=https://github.com.example/sso")},
		cause: "sso", hint: "single sign-on", absent: "example"},
	{name: "single sign-on without TLS", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "required; url=http://github.com/sso")}, cause: "sso", absent: "http"},
	{name: "single sign-on as a user", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "required; url=https://u:p@github.com/sso")}, cause: "sso", absent: "u:p"},
	{name: "single sign-on with a command", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "required; url=https://github.com/sso?`id`")}, cause: "sso", absent: "id"},
	{name: "single sign-on of great length", r: transfer.Refusal{Status: 403,
		Header: header("X-GitHub-SSO", "required; url=https://github.com/"+strings.Repeat("x", 500))}, cause: "sso",
		absent: "xxx"},
	{name: "IP allow list", r: transfer.Refusal{Status: 403,
		Said: "Although you appear to have the correct authorization credentials, the `acme` organization has an IP " +
			"allow list enabled, and 20.1.2.3 is not permitted to access this resource."},
		cause: "ip-allow-list", hint: "add the runner's address to the organization's IP allow list"},
	{name: "classic token", r: transfer.Refusal{Status: 403,
		Said: "`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a " +
			"personal access token with fine-grained permissions."},
		cause: "token-kind", hint: "give input `dispatch-token` a token of a kind"},
	{name: "suspended app", r: transfer.Refusal{Status: 403, Said: "This installation has been suspended"},
		cause: "suspended", hint: "lift the suspension"},
	{name: "archived target", r: transfer.Refusal{Status: 403, Said: "Repository was archived so is read-only."},
		cause: "archived", hint: "unarchive acme/web, or remove it from `dispatch-to`"},
	{name: "archived on Gitea", r: transfer.Refusal{Status: 423, Said: "Repo is archived"}, cause: "archived",
		hint: "unarchive acme/web"},
	{name: "artifact quota", r: transfer.Refusal{Status: 403, Code: "resource_exhausted",
		Said: "Failed to CreateArtifact: Artifact storage quota has been hit. Unable to upload any new artifacts."},
		cause: "quota", hint: "delete old artifacts"},
	{name: "artifact quota as a limit", r: transfer.Refusal{Status: 429,
		Said: "insufficient usage to create artifact"}, cause: "quota", hint: "delete old artifacts"},
	{name: "blocked", r: transfer.Refusal{Status: 451, Said: "Repository access blocked"}, cause: "blocked",
		hint: "the page of acme/web"},
	{name: "disabled workflow", r: transfer.Refusal{Status: 422,
		Said: "Cannot trigger a 'workflow_dispatch' on a disabled workflow"}, cause: "workflow-disabled",
		hint: "enable the workflow on the Actions page of acme/web"},
	{name: "disabled workflow on Gitea", r: transfer.Refusal{Status: 403, Said: "workflow is disabled"},
		cause: "workflow-disabled", hint: "enable the workflow"},
	{name: "Actions disabled", r: transfer.Refusal{Status: 422, Said: "Actions has been disabled for this user."},
		cause: "actions-disabled", hint: "enable Actions in the settings of acme/web"},
	{name: "no trigger", r: transfer.Refusal{Status: 422, Said: "Workflow does not have 'workflow_dispatch' trigger"},
		cause: "workflow-trigger", hint: "add `workflow_dispatch` with the input `event`"},
	{name: "no input", r: transfer.Refusal{Status: 422, Said: `Unexpected inputs provided: ["event"]`},
		cause: "workflow-input", hint: "declare the input `event`"},
	{name: "required input", r: transfer.Refusal{Status: 422, Said: "Required input 'env' not provided"},
		cause: "workflow-required-input", hint: "only `event` is sent"},
	{name: "no ref", r: transfer.Refusal{Status: 422, Said: "No ref found for: mian"}, cause: "workflow-ref",
		hint: "check the branch or tag"},
	{name: "no ref on Gitea", r: transfer.Refusal{Status: 404, Said: `ref "mian" doesn't exist`}, cause: "workflow-ref",
		hint: "refs/tags/NAME"},
	{name: "no workflow on Gitea", r: transfer.Refusal{Status: 404, Said: `workflow "react.yml" doesn't exist`},
		cause: "workflow-missing", hint: "check that the workflow's file exists"},
	{name: "no artifact service", r: transfer.Refusal{Status: 404, Code: "bad_route",
		Said: `no handler for path "/twirp/x"`}, cause: "bad-route", hint: "update the server"},
	{name: "page of a proxy", r: transfer.Refusal{Status: 403, Header: header("Content-Type", "text/html; charset=utf-8")},
		cause: "page", hint: "proxy"},
}

func header(name, value string) http.Header {
	h := http.Header{}
	h.Set(name, value)
	return h
}

func TestCauseOf(t *testing.T) {
	t.Parallel()
	for _, tt := range refusals {
		tt.r.Host, tt.r.Input, tt.r.Repository, tt.r.IsTarget = "api.github.com", "dispatch-token", "acme/web", true
		got, ok := transfer.CauseOf(tt.r)
		if ok != (tt.cause != "") || got.Name != tt.cause || !strings.Contains(got.Hint, tt.hint) {
			t.Errorf("%s: got %+v (%t), want %q with %q", tt.name, got, ok, tt.cause, tt.hint)
		}
		if tt.absent != "" && strings.Contains(got.Hint, tt.absent) {
			t.Errorf("%s: the hint has %q: %s", tt.name, tt.absent, got.Hint)
		}
	}
}
