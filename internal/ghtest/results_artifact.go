package ghtest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// The service's limits.
// https://github.com/actions/toolkit/blob/main/packages/artifact/src/internal/upload/path-and-artifact-name-validation.ts
// https://github.com/actions/upload-artifact#retention-period
const (
	bannedInNames = "\":<>|*?\r\n\\/"
	maxKept       = 90 * 24 * time.Hour
)

func (r *Results) create(w http.ResponseWriter, dec *json.Decoder, j job) {
	var in struct {
		ids
		Name     string  `json:"name"`
		Version  int     `json:"version"`
		Expires  string  `json:"expires_at"`
		MimeType *string `json:"mime_type"`
	}
	if !r.decode(w, dec, &in) || !r.belong(w, in.ids, j) || !r.speaks(w, in.Version, in.MimeType) {
		return
	}
	if in.Name == "" || strings.ContainsAny(in.Name, bannedInNames) {
		r.broken(w, "CreateArtifact: bad name %q", in.Name)
		return
	}
	now := r.options.Now()
	u := &uploading{Stored: Stored{RunID: j.run, Job: j.name, Name: in.Name, Created: now}, owner: j,
		blocks: map[string][]byte{}}
	if in.Expires != "" {
		var err error
		if u.Expires, err = time.Parse(time.RFC3339, in.Expires); err != nil || !u.Expires.After(now) ||
			u.Expires.After(now.Add(maxKept)) {
			r.broken(w, "CreateArtifact: bad expires_at %q", in.Expires)
			return
		}
	}
	if r.find(j.run, in.Name) != nil {
		twirpError(w, http.StatusConflict, "already_exists",
			"an artifact with this name already exists on the workflow run")
		return
	}
	r.uploads = append(r.uploads, u)
	u.path = fmt.Sprintf("/upload/%d/%s.zip", len(r.uploads), rand.Text())
	// Not in alphabetical order, and in escapes that net/url does not choose: encoding it
	// again breaks it.
	u.query = "sv=2024-11-04&sig=" + fixture.Canary("", rand.Text()) +
		"%2f%2B%3d&se=2026%2D01-01T00:00:00Z&rscd=a%20b+c&sp=w"
	r.reply(w, map[string]any{"ok": true, "signed_upload_url": r.store + u.path + "?" + u.query})
}

// speaks reports whether the dialect takes version and mime type.
func (r *Results) speaks(w http.ResponseWriter, version int, mimeType *string) bool {
	old := version == 4 && mimeType == nil
	young := version == 7 && mimeType != nil && *mimeType == "application/zip"
	switch {
	case r.options.Dialect == GitHub && (old || young), r.options.Dialect == Newer && young,
		r.options.Dialect == Act && old:
		return true
	case r.options.Dialect == Newer:
		twirpError(w, http.StatusBadRequest, "invalid_argument", "artifact version 4 is no longer supported")
	case r.options.Dialect == Act && mimeType != nil:
		twirpError(w, http.StatusBadRequest, "malformed", `unknown field "mime_type"`)
	default:
		r.broken(w, "CreateArtifact: version %d, mime type given: %t", version, mimeType != nil)
	}
	return false
}

func (r *Results) finalize(w http.ResponseWriter, dec *json.Decoder, j job) {
	var in struct {
		ids
		Name string `json:"name"`
		Size int64  `json:"size,string"`
		Hash string `json:"hash"`
	}
	if !r.decode(w, dec, &in) || !r.belong(w, in.ids, j) {
		return
	}
	u := r.find(j.run, in.Name)
	switch {
	case u == nil || u.owner != j || u.complete:
		twirpError(w, http.StatusNotFound, "not_found", "no open artifact of that name")
		return
	case !u.joined:
		r.broken(w, "FinalizeArtifact: %q has no content", in.Name)
		return
	case in.Size != int64(len(u.content)):
		r.broken(w, "FinalizeArtifact: %q has %d bytes, not %d", in.Name, len(u.content), in.Size)
		return
	case in.Hash != digestOf(u.content):
		r.broken(w, "FinalizeArtifact: %q has the digest %s, not %s", in.Name, digestOf(u.content), in.Hash)
		return
	}
	r.lastID++
	u.ID, u.Zip, u.complete = r.lastID, u.content, true
	if r.options.OnFinalize != nil {
		u.ID = r.options.OnFinalize(u.Stored)
	}
	r.reply(w, map[string]any{"ok": true, "artifact_id": u.ID})
}

func digestOf(data []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(data)) }

func (r *Results) list(w http.ResponseWriter, dec *json.Decoder, j job) {
	var in struct {
		ids
		NameFilter *string `json:"name_filter"`
	}
	if !r.decode(w, dec, &in) || !r.belong(w, in.ids, j) {
		return
	}
	items := []map[string]any{}
	for _, u := range r.uploads {
		if u.RunID != j.run || !u.complete || in.NameFilter != nil && *in.NameFilter != u.Name {
			continue
		}
		item := map[string]any{
			"workflow_run_backend_id":     u.owner.runBackend(),
			"workflow_job_run_backend_id": u.owner.jobBackend(),
			"database_id":                 u.ID,
			"name":                        u.Name,
			"size":                        int64(len(u.Zip)),
			"created_at":                  u.Created.UTC().Format(time.RFC3339),
		}
		if r.options.Dialect != Act {
			item["digest"] = digestOf(u.Zip)
		}
		items = append(items, r.dialect(item))
	}
	r.reply(w, map[string]any{"artifacts": items})
}

func (r *Results) delete(w http.ResponseWriter, dec *json.Decoder, j job) {
	var in struct {
		ids
		Name string `json:"name"`
	}
	if !r.decode(w, dec, &in) {
		return
	}
	u := r.find(j.run, in.Name)
	if u == nil || in.Run != j.runBackend() || in.Job != u.owner.jobBackend() {
		twirpError(w, http.StatusNotFound, "not_found", "artifact not found")
		return
	}
	r.uploads = slices.DeleteFunc(r.uploads, func(x *uploading) bool { return x == u })
	r.reply(w, map[string]any{"ok": true, "artifact_id": u.ID})
}

// reply answers 200 in the dialect.
func (r *Results) reply(w http.ResponseWriter, fields map[string]any) {
	reply(w, http.StatusOK, r.dialect(fields))
}

// dialect writes keys and int64 values as the imitated server does: artifact_id "5", or
// artifactId 5.
func (r *Results) dialect(fields map[string]any) map[string]any {
	out := make(map[string]any, len(fields))
	for key, value := range fields {
		if r.options.Dialect == Act {
			words := strings.Split(key, "_")
			for i, word := range words[1:] {
				words[i+1] = strings.ToUpper(word[:1]) + word[1:]
			}
			key = strings.Join(words, "")
		} else if n, ok := value.(int64); ok {
			value = strconv.FormatInt(n, 10)
		}
		out[key] = value
	}
	return out
}

// serveBlob is the storage, which takes only signed URLs, unchanged.
func (r *Results) serveBlob(rw http.ResponseWriter, req *http.Request) {
	w := &recorder{ResponseWriter: rw}
	comp := req.URL.Query().Get("comp")
	note := Request{Storage: true, Method: req.Method, Path: req.URL.Path, Query: "comp=" + comp,
		Header: withoutToken(req.Header)}
	defer r.record(note, w)()
	r.answer(comp, w, req, func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // the client went away
		}
		if req.Header.Get("Authorization") != "" {
			r.broken(w, "the storage got an Authorization header")
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		i := slices.IndexFunc(r.uploads, func(u *uploading) bool { return u.path == req.URL.EscapedPath() })
		if i < 0 {
			w.Header().Set("x-ms-error-code", "AuthenticationFailed")
			w.WriteHeader(http.StatusForbidden)
			return
		}
		query, ok := strings.CutPrefix(req.URL.RawQuery, r.uploads[i].query+"&")
		if ok {
			checkSecrets(r.options.Errorf, req, query, body)
		}
		if !ok || req.Method != http.MethodPut {
			r.broken(w, "the signed URL was changed: %s %s", req.Method, req.URL.Path)
			return
		}
		r.putBlob(w, r.uploads[i], query, req.Header, body)
	})
}

// putBlob takes a block, or the list that joins the blocks.
func (r *Results) putBlob(w http.ResponseWriter, u *uploading, query string, h http.Header, body []byte) {
	id, isBlock := strings.CutPrefix(query, "comp=block&blockid=")
	var err error
	switch {
	case isBlock:
		err = u.block(id, body)
	case query == "comp=blocklist":
		err = u.join(h, body)
	default:
		err = fmt.Errorf("query %q", query)
	}
	if err != nil {
		r.broken(w, "storage: %v", err)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

func (u *uploading) block(escaped string, body []byte) error {
	id, err := url.QueryUnescape(escaped)
	if err != nil {
		return err
	}
	if plain, err := base64.StdEncoding.DecodeString(id); err != nil || len(plain) == 0 || len(plain) > 64 {
		return fmt.Errorf("block id %q is not base64 of 1 to 64 bytes", id)
	}
	if len(u.order) > 0 && len(u.order[0]) != len(id) {
		return fmt.Errorf("block id %q has another length than the first one", id)
	}
	if len(body) == 0 || u.joined {
		return fmt.Errorf("block %q is empty or late", id)
	}
	if _, again := u.blocks[id]; !again {
		u.order = append(u.order, id)
	}
	u.blocks[id] = body
	return nil
}

func (u *uploading) join(h http.Header, body []byte) error {
	if got := h.Get("x-ms-blob-content-type"); got != "application/zip" {
		return fmt.Errorf("x-ms-blob-content-type is %q", got)
	}
	var list struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string `xml:"Latest"`
	}
	if err := xml.Unmarshal(body, &list); err != nil {
		return err
	}
	if !slices.Equal(list.Latest, u.order) {
		return fmt.Errorf("the blocks %v arrived in the order %v", list.Latest, u.order)
	}
	var all bytes.Buffer
	for _, id := range list.Latest {
		all.Write(u.blocks[id])
	}
	u.content, u.joined = all.Bytes(), true
	return nil
}
