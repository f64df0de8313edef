package ghtest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// Artifact is one job artifact.
type Artifact struct {
	ID               int64 // given by AddArtifact when 0; a higher one is newer
	Repository       string
	Name             string
	Zip              []byte
	RunID            int64
	HeadBranch       string
	HeadRepositoryID int64 // default: that of Repository
	CreatedAt        time.Time
	Expired          bool
	WithoutDigest    bool // as old servers list it
}

// Folder is the store of act's artifact server: each zip <Dir>/<run id>/<name>/<name>.zip
// is an artifact of Repository, from a run on Branch.
type Folder struct{ Dir, Repository, Branch string }

// signature is what makes a signed URL valid.
type signature struct {
	zip     []byte
	expires time.Time
}

// signedFor is how long a signed URL is valid.
// https://docs.github.com/en/rest/actions/artifacts#download-an-artifact
const signedFor = time.Minute

// AddArtifact adds an artifact and returns its id.
func (s *Server) AddArtifact(a Artifact) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addArtifact(&a)
}

// RemoveArtifacts deletes the artifacts of these names.
func (s *Server) RemoveArtifacts(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.artifacts = slices.DeleteFunc(s.artifacts, func(a *Artifact) bool { return slices.Contains(names, a.Name) })
}

// Expire lets the artifacts that were created before t expire. GitHub no longer lists
// them then, and Gitea lists them as expired.
func (s *Server) Expire(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.options.Gitea {
		s.artifacts = slices.DeleteFunc(s.artifacts, func(a *Artifact) bool { return a.CreatedAt.Before(t) })
		return
	}
	for i, a := range s.artifacts {
		if a.CreatedAt.Before(t) && !a.Expired {
			expired := *a // a request may be reading the other
			expired.Expired = true
			s.artifacts[i] = &expired
		}
	}
}

func (s *Server) addArtifact(a *Artifact) int64 {
	if a.ID == 0 {
		a.ID = s.lastArtifact + 1
	}
	s.lastArtifact = max(s.lastArtifact, a.ID)
	if a.CreatedAt.IsZero() {
		a.CreatedAt = s.options.Now()
	}
	s.artifacts = append(s.artifacts, a)
	return a.ID
}

// scan adds what is new in the folder. A zip that was replaced becomes a new artifact, as
// on the platform.
func (s *Server) scan() error {
	for _, f := range append([]Folder{s.options.Artifacts}, s.options.OtherArtifacts...) {
		if f.Dir == "" {
			continue
		}
		if err := s.scanFolder(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) scanFolder(f Folder) error {
	paths, err := filepath.Glob(filepath.Join(f.Dir, "*", "*", "*.zip"))
	if err != nil {
		return err
	}
	var found []*Artifact
	for _, p := range paths {
		a, err := readArtifact(p, f)
		if err != nil {
			return err
		}
		old := s.files[p]
		if old != nil && slices.Equal(old.Zip, a.Zip) {
			continue
		}
		if old != nil {
			s.artifacts = slices.DeleteFunc(s.artifacts, func(x *Artifact) bool { return x == old })
		}
		s.files[p] = a
		found = append(found, a)
	}
	slices.SortStableFunc(found, func(a, b *Artifact) int { return a.CreatedAt.Compare(b.CreatedAt) })
	for _, a := range found {
		s.addArtifact(a)
	}
	return nil
}

func readArtifact(path string, f Folder) (*Artifact, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	run, err := strconv.ParseInt(filepath.Base(filepath.Dir(filepath.Dir(path))), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: the folder above is not a run id", path)
	}
	return &Artifact{
		Repository: f.Repository,
		Name:       strings.TrimSuffix(filepath.Base(path), ".zip"),
		Zip:        data,
		RunID:      run,
		HeadBranch: f.Branch,
		CreatedAt:  info.ModTime(),
	}, nil
}

// artifactsOf lists a repository's artifacts, newest first; Gitea lists them oldest first.
func (s *Server) artifactsOf(repo *Repository) ([]*Artifact, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.scan(); err != nil {
		return nil, err
	}
	var list []*Artifact
	for _, a := range s.artifacts {
		if strings.EqualFold(a.Repository, repo.FullName) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *Artifact) int {
		if s.options.Gitea {
			return cmp.Compare(a.ID, b.ID)
		}
		return cmp.Compare(b.ID, a.ID)
	})
	return list, nil
}

func (s *Server) listArtifacts(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "read") {
		return
	}
	list, err := s.artifactsOf(repo)
	if err != nil {
		s.options.Errorf("artifacts: %v", err)
		fail(w, http.StatusInternalServerError, "Server Error")
		return
	}
	query := r.URL.Query()
	if name := query.Get("name"); name != "" {
		list = slices.DeleteFunc(list, func(a *Artifact) bool { return a.Name != name })
	}
	if run := r.PathValue("run"); run != "" {
		list = slices.DeleteFunc(list, func(a *Artifact) bool { return strconv.FormatInt(a.RunID, 10) != run })
	}
	per, page := s.pageSize(query), number(query, "page", 1)
	total := len(list)
	s.link(w, r, page, per, total)
	from := min((page-1)*per, total)
	items := []map[string]any{}
	for _, a := range list[from:min(from+per, total)] {
		items = append(items, s.describe(a, repo))
	}
	reply(w, http.StatusOK, map[string]any{"total_count": total, "artifacts": items})
}

// pageSize returns how many artifacts a page has. GitHub reads per_page, and Gitea limit.
func (s *Server) pageSize(query url.Values) int {
	name, most := "per_page", 100
	if s.options.Gitea {
		name, most = "limit", 50
	}
	return min(number(query, name, 30), cmp.Or(s.options.PageSize, most))
}

// number reads a positive number of the query.
func number(q url.Values, name string, otherwise int) int {
	if n, err := strconv.Atoi(q.Get(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// link sets the header Link to the neighbouring pages.
func (s *Server) link(w http.ResponseWriter, r *http.Request, page, per, total int) {
	last := (total + per - 1) / per
	to := func(n int, rel string) string {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return fmt.Sprintf("<%s%s?%s>; rel=%q", s.url, r.URL.Path, q.Encode(), rel)
	}
	var links []string
	if page > 1 {
		links = append(links, to(page-1, "prev"), to(1, "first"))
	}
	if page < last {
		links = append(links, to(page+1, "next"), to(last, "last"))
	}
	if len(links) > 0 {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
}

func (s *Server) describe(a *Artifact, repo *Repository) map[string]any {
	head := a.HeadRepositoryID
	if head == 0 {
		head = repo.ID
	}
	address := fmt.Sprintf("%s/repos/%s/actions/artifacts/%d", s.url, repo.FullName, a.ID)
	m := map[string]any{
		"id":                   a.ID,
		"name":                 a.Name,
		"size_in_bytes":        len(a.Zip),
		"url":                  address,
		"archive_download_url": address + "/zip",
		"expired":              a.Expired,
		"created_at":           a.CreatedAt.UTC().Format(time.RFC3339),
		"updated_at":           a.CreatedAt.UTC().Format(time.RFC3339),
		"expires_at":           a.CreatedAt.UTC().AddDate(0, 0, 90).Format(time.RFC3339),
	}
	run := map[string]any{"id": a.RunID, "repository_id": repo.ID, "head_sha": strings.Repeat("0", 40)}
	m["workflow_run"] = run
	if s.options.Gitea {
		return m
	}
	run["head_repository_id"], run["head_branch"] = head, a.HeadBranch
	if !a.WithoutDigest {
		m["digest"] = fmt.Sprintf("sha256:%x", sha256.Sum256(a.Zip))
	}
	return m
}

// artifact finds the artifact of the path, or answers 404.
func (s *Server) artifact(w http.ResponseWriter, r *http.Request, repo *Repository) *Artifact {
	list, err := s.artifactsOf(repo)
	if err != nil {
		s.options.Errorf("artifacts: %v", err)
	}
	for _, a := range list {
		if strconv.FormatInt(a.ID, 10) == r.PathValue("id") {
			return a
		}
	}
	for _, a := range list { // the newest of its name
		if s.options.Artifacts.Dir != "" && strconv.FormatInt(actID(a.Name), 10) == r.PathValue("id") {
			named := *a
			named.ID = actID(a.Name)
			return &named
		}
	}
	fail(w, http.StatusNotFound, "Not Found")
	return nil
}

// actID is the id that act's artifact server gives to an artifact, from its name alone.
// https://github.com/nektos/act/blob/v0.2.89/pkg/artifacts/artifacts_v4.go
func actID(name string) int64 {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int64(h.Sum32())
}

func (s *Server) getArtifact(w http.ResponseWriter, r *http.Request, repo *Repository) {
	if !s.allow(w, callerOf(r), repo, actions, "read") {
		return
	}
	if a := s.artifact(w, r, repo); a != nil {
		reply(w, http.StatusOK, s.describe(a, repo))
	}
}

// getZip redirects to a signed URL at storage. Unlike lists, it needs a token even for
// public repositories.
func (s *Server) getZip(w http.ResponseWriter, r *http.Request, repo *Repository) {
	c := callerOf(r)
	if !s.allow(w, c, repo, actions, "read") {
		return
	}
	if c.value == "" {
		fail(w, http.StatusUnauthorized, "Requires authentication")
		return
	}
	a := s.artifact(w, r, repo)
	if a == nil {
		return
	}
	if a.Expired {
		fail(w, http.StatusGone, "Artifact has expired")
		return
	}
	sig := fixture.Canary("", rand.Text())
	s.mu.Lock()
	s.signed[sig] = signature{a.Zip, s.options.Now().Add(signedFor)}
	s.mu.Unlock()
	to := fmt.Sprintf("%s/artifacts/%d.zip?sp=r&sig=%s", s.store, a.ID, sig)
	if s.options.Gitea {
		to = fmt.Sprintf("%s/repos/%s/actions/artifacts/%d%s?sig=%s&expires=1", s.url, repo.FullName, a.ID, rawZip, sig)
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}

// rawZip ends the path of Gitea's storage, which is below the API's own path.
const rawZip = "/zip/raw"

// download is the storage, which only a signed URL opens.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	note := &recorder{ResponseWriter: w}
	q := Request{Storage: true, Method: r.Method, Path: r.URL.Path,
		Header: withoutToken(r.Header)} // the query is secret
	defer s.record(q, note)()
	query := r.URL.Query()
	given := query.Get("sig")
	query.Del("sig")
	checkSecrets(s.options.Errorf, r, query.Encode(), nil)
	if f := s.faultFor(r); f != nil {
		f(s, note, r)
		return
	}
	if r.Header.Get("Authorization") != "" {
		s.options.Errorf("storage got an Authorization header: %s %s", r.Method, r.URL.Path)
		http.Error(note, "AuthenticationFailed", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	sig, ok := s.signed[given]
	s.mu.Unlock()
	if r.Method != http.MethodGet || !ok || !s.options.Now().Before(sig.expires) {
		if s.options.Gitea {
			fail(note, http.StatusUnauthorized, "Error link expired")
			return
		}
		note.Header().Set("Content-Type", "application/xml")
		note.WriteHeader(http.StatusForbidden)
		fmt.Fprint(note, `<?xml version="1.0" encoding="utf-8"?><Error><Code>AuthenticationFailed</Code></Error>`)
		return
	}
	note.Header().Set("Content-Type", "application/zip")
	note.Header().Set("Content-Length", strconv.Itoa(len(sig.zip)))
	note.Write(sig.zip)
}
