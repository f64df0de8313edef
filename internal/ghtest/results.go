package ghtest

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Dialect is the server whose Results Service the stand-in imitates.
type Dialect int

// The dialects.
const (
	GitHub Dialect = iota // takes version 4, and 7 with a mime type; answers in snake_case
	Act                   // takes version 4 only and knows no mime type; answers in camelCase, without digests
	Newer                 // takes version 7 with a mime type only
)

// ResultsOptions are what the stand-in of the Results Service needs; only Errorf is
// required.
type ResultsOptions struct {
	// Errorf gets every request that breaks the protocol; t.Errorf in a test.
	Errorf func(format string, args ...any)
	// Now is the clock that expires_at is checked against; default time.Now.
	Now func() time.Time
	// Dialect is GitHub unless said otherwise.
	Dialect Dialect
	// Addr and StorageAddr are where service and storage listen; default a free port on
	// 127.0.0.1.
	Addr, StorageAddr string
	// OnFinalize adds a complete artifact to the REST API, and returns its id there.
	// Without it, ids are 1, 2, 3, …
	OnFinalize func(Stored) int64
}

// Stored is an artifact in the Results Service.
type Stored struct {
	RunID   int64
	Job     string // as given to Token
	ID      int64
	Name    string
	Zip     []byte
	Expires time.Time // zero when not asked for
	Created time.Time
}

// Results is a stand-in for the Results Service v4 and its storage. It is strict: it
// checks tokens, order, sizes and digests, and that a signed URL is used unchanged and
// without a token.
type Results struct {
	journal

	options ResultsOptions
	service *http.Server
	storage *http.Server
	url     string
	store   string
	closing chan struct{}

	mu      sync.Mutex
	jobs    map[string]job // by token
	uploads []*uploading   // open and complete
	lastID  int64
	faults  []*resultsFault
}

// job is the job that a token belongs to.
type job struct {
	run  int64
	name string
}

func (j job) runBackend() string { return fmt.Sprintf("run-backend-%d", j.run) }
func (j job) jobBackend() string { return fmt.Sprintf("job-backend-%d-%s", j.run, j.name) }

// uploading is an artifact on its way, until it is complete.
type uploading struct {
	Stored
	owner    job
	path     string
	query    string // of the signed URL, as given
	order    []string
	blocks   map[string][]byte
	content  []byte
	joined   bool
	complete bool
}

// NewResults starts a stand-in on two ports of this machine; Close ends it.
func NewResults(o ResultsOptions) (*Results, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Results{options: o, closing: make(chan struct{}), jobs: map[string]job{}}
	var err error
	if r.service, r.url, err = serve(o.Addr, http.HandlerFunc(r.serveTwirp)); err != nil {
		return nil, err
	}
	if r.storage, r.store, err = serve(o.StorageAddr, http.HandlerFunc(r.serveBlob)); err != nil {
		r.service.Close()
		return nil, err
	}
	return r, nil
}

// URL is the service's address, for ACTIONS_RESULTS_URL; as on the platform only its
// origin counts.
func (r *Results) URL() string { return r.url + "/some/path/" }

// Close ends the stand-in and everything that hangs in it.
func (r *Results) Close() {
	close(r.closing)
	r.service.Close()
	r.storage.Close()
}

// Token makes the runtime token of a job of a run, for ACTIONS_RUNTIME_TOKEN.
func (r *Results) Token(run int64, name string) string {
	j := job{run, name}
	claims := fmt.Sprintf(`"scp":"Actions.Generic Actions.Results:%s:%s Actions.UploadArtifacts:%s"`,
		j.runBackend(), j.jobBackend(), j.runBackend())
	token := fixture.CanaryJWT(claims, rand.Text())
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs[token] = j
	return token
}

// Artifacts are the complete artifacts, oldest first.
func (r *Results) Artifacts() []Stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Stored
	for _, u := range r.uploads {
		if u.complete {
			list = append(list, u.Stored)
		}
	}
	slices.SortFunc(list, func(a, b Stored) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// resultsFault is scripted for an operation.
type resultsFault struct {
	operation  string
	skip, left int
	after      bool
	answer     Fault
}

// Fail answers, after the next skip requests of an operation, n of them with f, and does
// nothing else. The operations are CreateArtifact, FinalizeArtifact, ListArtifacts,
// DeleteArtifact, block and blocklist.
func (r *Results) Fail(operation string, skip, n int, f Fault) {
	r.script(operation, skip, n, false, f)
}

// Lose handles the request and then answers with f, so the sender does not know the
// result.
func (r *Results) Lose(operation string, skip, n int, f Fault) { r.script(operation, skip, n, true, f) }

func (r *Results) script(operation string, skip, n int, after bool, f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, &resultsFault{operation, skip, n, after, f})
}

func (r *Results) faultFor(operation string) *resultsFault {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.faults {
		switch {
		case f.operation != operation || f.left == 0:
		case f.skip > 0:
			f.skip--
			return nil
		default:
			f.left--
			return f
		}
	}
	return nil
}

// answer runs h, or the fault that replaces it.
func (r *Results) answer(operation string, w http.ResponseWriter, req *http.Request, h http.HandlerFunc) {
	f := r.faultFor(operation)
	if f == nil {
		h(w, req)
		return
	}
	if f.after {
		h(discard{http.Header{}}, req)
	} else {
		io.Copy(io.Discard, req.Body) // so that the sender reads the answer
	}
	f.answer(&Server{closing: r.closing}, w, req)
}

// broken reports to the test that a request breaks the protocol, and answers as a server
// would.
func (r *Results) broken(w http.ResponseWriter, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.options.Errorf("results service: %s", text)
	twirpError(w, http.StatusBadRequest, "malformed", text)
}

func twirpError(w http.ResponseWriter, status int, code, msg string) {
	reply(w, status, map[string]string{"code": code, "msg": msg})
}

// twirpPath comes before every operation of the service.
const twirpPath = "/twirp/github.actions.results.api.v1.ArtifactService/"

func (r *Results) serveTwirp(rw http.ResponseWriter, req *http.Request) {
	w := &recorder{ResponseWriter: rw}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequest))
	if err != nil {
		return // the client went away
	}
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	checkSecrets(r.options.Errorf, req, req.URL.RawQuery, body)
	defer r.record(Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery,
		Header: withoutToken(req.Header), Body: string(body)}, w)()
	operation, ok := strings.CutPrefix(req.URL.Path, twirpPath)
	operations := map[string]func(http.ResponseWriter, *json.Decoder, job){
		"CreateArtifact":   r.create,
		"FinalizeArtifact": r.finalize,
		"ListArtifacts":    r.list,
		"DeleteArtifact":   r.delete,
	}
	h := operations[operation]
	if !ok || h == nil || req.Method != http.MethodPost || req.URL.RawQuery != "" {
		r.broken(w, "unexpected request: %s %s", req.Method, req.URL.Path)
		return
	}
	r.answer(operation, w, req, func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Content-Type") != "application/json" {
			r.broken(w, "%s: Content-Type is %q", operation, req.Header.Get("Content-Type"))
			return
		}
		token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
		r.mu.Lock()
		defer r.mu.Unlock()
		j, known := r.jobs[token]
		if !known {
			twirpError(w, http.StatusUnauthorized, "unauthenticated", "token is not valid")
			return
		}
		dec := json.NewDecoder(req.Body)
		dec.DisallowUnknownFields()
		h(w, dec, j)
	})
}

// ids begin every request.
type ids struct {
	Run string `json:"workflow_run_backend_id"`
	Job string `json:"workflow_job_run_backend_id"`
}

// belong reports whether the ids are those of the token's job.
func (r *Results) belong(w http.ResponseWriter, i ids, j job) bool {
	if i.Run == j.runBackend() && i.Job == j.jobBackend() {
		return true
	}
	r.broken(w, "the ids %q and %q are not those of the token", i.Run, i.Job)
	return false
}

// decode reads a request. Like act, it refuses unknown fields.
func (r *Results) decode(w http.ResponseWriter, dec *json.Decoder, into any) bool {
	if err := dec.Decode(into); err != nil {
		r.broken(w, "%v", err)
		return false
	}
	return true
}

// find returns the upload of that name in the run, open or complete, nil if there is
// none.
func (r *Results) find(run int64, name string) *uploading {
	for _, u := range r.uploads {
		if u.RunID == run && u.Name == name {
			return u
		}
	}
	return nil
}
