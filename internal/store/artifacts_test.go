package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
	"github.com/kaizen-agentic/schedule-action/internal/results"
)

const happy = "CreateArtifact block blocklist FinalizeArtifact"

func TestPutBundleAsArtifact(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		dialect ghtest.Dialect
		want    string
	}{
		{"github", ghtest.GitHub, happy},
		{"act", ghtest.Act, happy},
		{"newer", ghtest.Newer, "CreateArtifact " + happy},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, test.dialect)
			w.options.RetentionDays = func(string) int { return 15 }
			got, err := w.open(t).PutBundle(t.Context(), bundleName, files)
			if err != nil {
				t.Fatal(err)
			}
			want := event.Artifact{
				Repository: repository, RunID: runID, Name: bundleName, ID: 1, Digest: digestOf(zipOf(t, files...)),
				URL: "https://github.com/acme/web/actions/runs/4711/artifacts/1",
			}
			if *got != want {
				t.Errorf("got %+v, want %+v", *got, want)
			}
			if ops := w.operations(); ops != test.want {
				t.Errorf("requests: %s", ops)
			}
			stored := w.results.Artifacts()
			if len(stored) != 1 || !bytes.Equal(stored[0].Zip, zipOf(t, files...)) {
				t.Fatalf("stored: %+v", stored)
			}
			if !stored[0].Expires.Equal(noon.AddDate(0, 0, 15)) {
				t.Errorf("expires at %v", stored[0].Expires)
			}
		})
	}
}

func TestBlocksOfALargeBundle(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	large := []File{{MarkdownFile, bytes.Repeat([]byte("0123456789abcdef"), (2*results.BlockSize+16)/16)}}
	if _, err := w.open(t).PutBundle(t.Context(), bundleName, large); err != nil {
		t.Fatal(err)
	}
	if got := w.operations(); got != "CreateArtifact block block block blocklist FinalizeArtifact" {
		t.Errorf("requests: %s", got)
	}
	if stored := w.results.Artifacts(); !bytes.Equal(stored[0].Zip, zipOf(t, large...)) {
		t.Error("the content changed on its way")
	}
}

func TestSameNameAgain(t *testing.T) {
	t.Parallel()
	other := []File{{MarkdownFile, []byte("other")}}
	const replaced = happy + " CreateArtifact ListArtifacts DeleteArtifact " + happy
	for _, test := range []struct {
		name    string
		dialect ghtest.Dialect
		again   []File
		job     string // that stores it again
		wantID  int64
		want    string
	}{
		{"same content", ghtest.GitHub, files, "prepare", 1, happy + " CreateArtifact ListArtifacts"},
		{"same content, another job", ghtest.GitHub, files, "other", 1, happy + " CreateArtifact ListArtifacts"},
		{"other content", ghtest.GitHub, other, "prepare", 2, replaced},
		{"other content, another job", ghtest.GitHub, other, "other", 2, replaced},
		{"no digest to compare", ghtest.Act, files, "prepare", 2, replaced},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, test.dialect)
			if _, err := w.open(t).PutBundle(t.Context(), bundleName, files); err != nil {
				t.Fatal(err)
			}
			if test.job != "prepare" {
				w.options.RuntimeToken = w.results.Token(runID, test.job)
			}
			got, err := w.open(t).PutBundle(t.Context(), bundleName, test.again)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID != test.wantID || got.Digest != digestOf(zipOf(t, test.again...)) {
				t.Errorf("got %+v", got)
			}
			if ops := w.operations(); ops != test.want {
				t.Errorf("requests: %s", ops)
			}
			if stored := w.results.Artifacts(); len(stored) != 1 {
				t.Errorf("%d artifacts are stored", len(stored))
			}
		})
	}
}

var operations = []string{"CreateArtifact", "block", "blocklist", "FinalizeArtifact"}

// TestPassingFaults fails every operation in every temporary way, before and after the
// server did its work.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	faults := map[string]ghtest.Fault{
		"429": ghtest.Status(429, `{"code":"resource_exhausted"}`), "500": ghtest.Status(500, `{}`),
		"502": ghtest.Status(502, "bad gateway"),
		"503": ghtest.Status(503, `{}`), "504": ghtest.Status(504, `{}`), "reset": ghtest.Reset(),
		"408": ghtest.Status(408, `{}`), "520": ghtest.Status(520, "a proxy's own status"),
	}
	for _, op := range operations {
		for name, f := range faults {
			t.Run(op+" "+name, func(t *testing.T) {
				t.Parallel()
				for _, script := range []func(*ghtest.Results){
					func(r *ghtest.Results) { r.Fail(op, 0, 2, f) },
					func(r *ghtest.Results) { r.Lose(op, 0, 2, f) },
				} {
					w := newWorkbench(t, ghtest.GitHub)
					script(w.results)
					got, err := w.open(t).PutBundle(t.Context(), bundleName, files)
					if err != nil {
						t.Fatal(err)
					}
					if stored := w.results.Artifacts(); len(stored) != 1 || stored[0].ID != got.ID {
						t.Errorf("stored: %+v, got %+v", stored, got)
					}
					if sleeps := w.clock.Sleeps(); len(sleeps) == 0 || sleeps[0] < time.Second {
						t.Errorf("waited %v", sleeps)
					}
				}
			})
		}
	}
}

func TestAnswersThatAreNotJSON(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.results.Fail("CreateArtifact", 0, 1, ghtest.Status(200, "<html>log in</html>"))
	w.results.Fail("FinalizeArtifact", 0, 1, ghtest.Status(404, "<html>"))
	if _, err := w.open(t).PutBundle(t.Context(), bundleName, files); err != nil {
		t.Fatal(err)
	}
}

func TestWaitsGrowAndEnd(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.results.Fail("CreateArtifact", 0, 1, ghtest.Status(503, "{}", "Retry-After", "7"))
	w.results.Fail("CreateArtifact", 0, 1, ghtest.Status(503, "{}", "Retry-After", "99999999999"))
	w.results.Fail("CreateArtifact", 0, 1,
		ghtest.Status(503, "{}", "Retry-After", noon.Add(97*time.Second).Format(http.TimeFormat)))
	w.results.Fail("CreateArtifact", 0, 9, ghtest.Status(503, "{}"))
	_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
	if err == nil || !strings.Contains(err.Error(),
		"CreateArtifact: the artifact service answers 503, 5 times: run again later") {
		t.Errorf("error: %v", err)
	}
	if want := []time.Duration{7 * time.Second, results.LongestWait, 30 * time.Second,
		8 * time.Second}; !slices.Equal(w.clock.Sleeps(), want) {
		t.Errorf("waited %v, want %v", w.clock.Sleeps(), want)
	}
}

// TestLastingFaults checks the message, and that there is no second attempt.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		op   string
		f    ghtest.Fault
		want string
	}{
		{"CreateArtifact", ghtest.Status(400, `{"code":"invalid_argument","msg":"no\nroom"}`),
			`answers 400: "no room"`},
		{"CreateArtifact", ghtest.Status(401, `{"code":"unauthenticated"}`),
			`answers 401: "unauthenticated": it takes the job's own token only`},
		{"CreateArtifact", ghtest.Status(403, `{"msg":"Artifact storage quota has been hit"}`),
			`"Artifact storage quota has been hit": delete old artifacts`},
		{"CreateArtifact", ghtest.Status(429, `{"msg":"insufficient usage to create artifact"}`),
			`"insufficient usage to create artifact": delete old artifacts`},
		{"CreateArtifact", ghtest.Status(404, `{"code":"bad_route","msg":"no handler for path"}`),
			`"no handler for path": update the server, which has no artifact service of version 4`},
		{"CreateArtifact", ghtest.Status(302, `{}`, "Location", "https://example.com/"), "answers 302"},
		{"CreateArtifact", ghtest.Status(200, `{"ok":false}`), "does not give an address"},
		{"CreateArtifact", ghtest.Status(200, `{"ok":true}`), "does not give an address"},
		{"CreateArtifact", ghtest.Status(200, `{"ok":true,"signed_upload_url":"ftp://h/?sig=KZCANARY7"}`),
			"an address that can't be uploaded to"},
		{"CreateArtifact", ghtest.Status(200, `{"ok":true,"signed_upload_url":"http://%zz/?sig=KZCANARY7"}`),
			"an address that can't be uploaded to"},
		{"CreateArtifact", ghtest.Status(407, `<html>`),
			"CreateArtifact: the proxy asks for a user name and password: put them into"},
		{"block", ghtest.Status(407, `<html>`),
			"uploading block 1: the proxy asks for a user name and password: put them into"},
		{"block", ghtest.Status(200, ""), "uploading block 1: the storage answers 200, not 201"},
		{"block", ghtest.Status(403, "sig=KZCANARY7", "x-ms-error-code", "AuthenticationFailed sig=KZCANARY7"),
			`not 201: "AuthenticationFailed sig=***"`},
		{"block", ghtest.Status(307, "", "Location", "https://example.com/"), "answers 307"},
		{"blocklist", ghtest.Status(400, "sig=KZCANARY7"), "joining the blocks: the storage answers 400"},
		{"FinalizeArtifact", ghtest.Status(400, `{"msg":"see https://h/x?sig=KZCANARY7&a=b"}`),
			`"see https://h/x?sig=***&a=b"`},
		{"FinalizeArtifact", ghtest.Status(200, `{"ok":true}`), "does not give the artifact's id"},
		{"FinalizeArtifact", ghtest.Status(200, `{"artifact_id":"5"}`), "does not give the artifact's id"},
	} {
		t.Run(test.op+" "+test.want, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			w.results.Fail(test.op, 0, 1, test.f)
			_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), bundleName) {
				t.Fatalf("error: %v", err)
			}
			if strings.Contains(err.Error(), "KZCANARY7") {
				t.Errorf("the error holds a signature: %v", err)
			}
			if len(w.clock.Sleeps()) > 0 || len(w.results.Artifacts()) > 0 {
				t.Errorf("waited %v, stored %d", w.clock.Sleeps(), len(w.results.Artifacts()))
			}
		})
	}
}

// TestKilledUpload ends an upload after each of its requests. The same run, as in a
// second attempt of it, then completes the work.
func TestKilledUpload(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			w := newWorkbench(t, ghtest.GitHub)
			ctx, kill := context.WithCancel(t.Context())
			w.results.Lose(op, 0, 1, func(s *ghtest.Server, rw http.ResponseWriter, r *http.Request) {
				kill()
				ghtest.Reset()(s, rw, r)
			})
			if _, err := w.open(t).PutBundle(ctx, bundleName, files); !errors.Is(err, context.Canceled) {
				t.Fatalf("error: %v", err)
			}
			if n := len(w.results.Artifacts()); n != 0 && op != "FinalizeArtifact" {
				t.Errorf("%d artifacts can be seen", n)
			}
			got, err := w.open(t).PutBundle(t.Context(), bundleName, files)
			if err != nil {
				t.Fatal(err)
			}
			if stored := w.results.Artifacts(); len(stored) != 1 || stored[0].ID != got.ID {
				t.Errorf("stored: %+v", stored)
			}
		})
	}
}

func TestNameThatStaysTaken(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	w.results.Fail("CreateArtifact", 0, 2, ghtest.Status(409, `{"code":"already_exists"}`))
	_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
	if err == nil || !strings.Contains(err.Error(), "start a new run") {
		t.Errorf("error: %v", err)
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	token := w.options.RuntimeToken
	echo := ghtest.Status(500, fmt.Sprintf(`{"msg":"bearer %s and sig=KZCANARY7"}`, token))
	w.results.Fail("CreateArtifact", 0, 1, echo)
	w.results.Fail("block", 0, 1, ghtest.Reset())
	w.results.Fail("blocklist", 0, 1, ghtest.Status(503, "sig=KZCANARY7"))
	w.results.Fail("FinalizeArtifact", 0, 9, echo)
	_, err := w.open(t).PutBundle(t.Context(), bundleName, files)
	if err == nil {
		t.Fatal("no error")
	}
	text := w.log.Text() + "\n" + err.Error()
	if strings.Count(text, "\n") < 4 {
		t.Fatalf("too little is logged to check:\n%s", text)
	}
	fixture.NoCanary(t, "errors and log", text)
	for _, secret := range []string{token[:60], strings.Split(token, ".")[2], "sig=%", "upload/1"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q appears in\n%s", secret, text)
		}
	}
	for _, r := range w.results.Requests() {
		if r.Storage && r.Status >= 400 && r.Status != 503 {
			t.Errorf("the storage refused: %+v", r)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*ArtifactsOptions)
		want   string
	}{
		{"no url", func(o *ArtifactsOptions) { o.ResultsURL = "" }, ErrNoArtifactService.Error()},
		{"no token", func(o *ArtifactsOptions) { o.RuntimeToken = "" }, ErrNoArtifactService.Error()},
		{"scheme", func(o *ArtifactsOptions) { o.ResultsURL = "file:///etc" }, "ACTIONS_RESULTS_URL is not"},
		{"userinfo", func(o *ArtifactsOptions) { o.ResultsURL = "https://u:KZCANARY7@h/" },
			"ACTIONS_RESULTS_URL is not"},
		{"broken url", func(o *ArtifactsOptions) { o.ResultsURL = "https://h:KZCANARY7/" },
			"ACTIONS_RESULTS_URL is not"},
		{"repository", func(o *ArtifactsOptions) { o.Repository = "acme" }, `GITHUB_REPOSITORY is "acme"`},
		{"run", func(o *ArtifactsOptions) { o.RunID = 0 }, "GITHUB_RUN_ID is 0"},
		{"server", func(o *ArtifactsOptions) { o.ServerURL = "github.com" }, "GITHUB_SERVER_URL is not"},
		{"one word", func(o *ArtifactsOptions) { o.RuntimeToken = "KZCANARY7" }, "three parts"},
		{"not base64", func(o *ArtifactsOptions) { o.RuntimeToken = "a.KZCANARY7!.c" }, "not base64url"},
		{"not JSON", func(o *ArtifactsOptions) { o.RuntimeToken = jwt("KZCANARY7") }, "not JSON"},
		{"no scope", func(o *ArtifactsOptions) { o.RuntimeToken = jwt(`{"scp":"Actions.Read:KZCANARY7"}`) },
			"lacks the scope"},
		{"short scope", func(o *ArtifactsOptions) { o.RuntimeToken = jwt(`{"scp":"Actions.Results:KZCANARY7"}`) },
			"one run and one job"},
		{"long scope", func(o *ArtifactsOptions) { o.RuntimeToken = jwt(`{"scp":"Actions.Results:a:b:KZCANARY7"}`) },
			"one run and one job"},
		{"scope is a list",
			func(o *ArtifactsOptions) { o.RuntimeToken = jwt(`{"scp":["Actions.Results:a:KZCANARY7"]}`) },
			"not JSON with the text scp"},
	} {
		o := newOptions()
		test.change(&o)
		_, err := NewArtifacts(o)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "KZCANARY7") {
			t.Errorf("%s: error %v", test.name, err)
		}
		if missing := o.ResultsURL == "" || o.RuntimeToken == ""; errors.Is(err, ErrNoArtifactService) != missing {
			t.Errorf("%s: a caller cannot recognize it: %v", test.name, err)
		}
	}
	if _, err := NewArtifacts(newOptions()); err != nil {
		t.Error(err)
	}
}

func newOptions() ArtifactsOptions {
	return ArtifactsOptions{
		ResultsURL: "https://results.example/", RuntimeToken: jwt(`{"scp":"A Actions.Results:r:j"}`) + "=",
		ServerURL:  "https://github.com",
		Repository: repository, RunID: 1,
	}
}

func jwt(payload string) string {
	return "e30." + base64.URLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	a := w.open(t)
	for _, c := range bannedInNames + "\x00" {
		if _, err := a.PutBundle(t.Context(), "kaizen"+string(c), files); err == nil {
			t.Errorf("name with %q is stored", c)
		}
		if _, err := look(t, a, "kaizen"+string(c)); err == nil {
			t.Errorf("name with %q is looked up", c)
		}
	}
	if got := w.operations() + w.requests(); got != "" {
		t.Errorf("requests: %s", got)
	}
}

func TestUndeliveredReceiptIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorkbench(t, ghtest.GitHub)
	r := receiptOf(t, bundleName)
	r.Deliveries[0].Status = Failed
	if err := w.open(t).PutReceipt(t.Context(), r); err == nil || !strings.Contains(err.Error(), `ended as "failed"`) {
		t.Errorf("error: %v", err)
	}
	if got := w.operations(); got != "" {
		t.Errorf("requests: %s", got)
	}
}
