package results

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// BlockSize is how much one request to the storage carries, in bytes.
const BlockSize = 8 << 20

// Upload is an artifact to be stored. All of it is known before the service is asked for
// room.
type Upload struct {
	Name    string
	Zip     []byte
	Digest  string    // sha256:<hex> of Zip
	Expires time.Time // zero: as the repository's settings say
}

// The requests of the service. Fields of default value are left out.
type (
	createRequest struct {
		backendIDs
		Name     string `json:"name"`
		Version  int    `json:"version"`
		Expires  string `json:"expires_at,omitempty"`
		MimeType string `json:"mime_type,omitempty"`
	}
	finalizeRequest struct {
		backendIDs
		Name string `json:"name"`
		Size int64  `json:"size,string"`
		Hash string `json:"hash"`
	}
	listRequest struct {
		backendIDs
		NameFilter string `json:"name_filter"`
	}
	deleteRequest struct {
		backendIDs
		Name string `json:"name"`
	}
)

// Put stores u and returns its id. An artifact of that name in this run is reused if it
// has the same content, else replaced.
func (c *Client) Put(ctx context.Context, u Upload) (int64, error) {
	signed, err := c.create(ctx, u)
	if hasStatus(err, http.StatusConflict) {
		var id int64
		if id, err = c.makeRoom(ctx, u); id != 0 || err != nil {
			return id, err
		}
		if signed, err = c.create(ctx, u); hasStatus(err, http.StatusConflict) {
			return 0, &advice.Error{
				Message: err.Error() + ": an upload of that name did not end in this run",
				Hint:    "start a new run",
				Err:     err,
			}
		}
	}
	if err != nil {
		return 0, err
	}
	if err := c.send(ctx, signed, u.Zip); err != nil {
		return 0, err
	}
	return c.finalize(ctx, u)
}

// create reserves the name and returns the signed URL to upload to.
func (c *Client) create(ctx context.Context, u Upload) (string, error) {
	req := createRequest{backendIDs: c.ids, Name: u.Name, Version: 4}
	if !u.Expires.IsZero() {
		req.Expires = u.Expires.UTC().Format(time.RFC3339)
	}
	got, err := c.call(ctx, "CreateArtifact", req)
	if wantsNewer(err) {
		req.Version, req.MimeType = 7, "application/zip"
		got, err = c.call(ctx, "CreateArtifact", req)
	}
	if err != nil {
		return "", err
	}
	signed := got.text("signeduploadurl")
	if !got.ok() || signed == "" {
		return "", errors.New("CreateArtifact: the artifact service does not give an address to upload to")
	}
	return signed, c.checkSigned(signed)
}

// wantsNewer recognizes a service that refuses version 4. It is asked once more, with
// version 7 and a mime type.
func wantsNewer(err error) bool {
	if !hasStatus(err, http.StatusBadRequest) {
		return false
	}
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "version") || strings.Contains(text, "mime")
}

// checkSigned refuses storage that is less protected than the service itself. The error
// does not hold the URL.
func (c *Client) checkSigned(signed string) error {
	u, err := url.Parse(signed)
	if err != nil || u.Host == "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != c.origin.Scheme {
		return errors.New("CreateArtifact: the artifact service gives an address that can't be uploaded to")
	}
	return nil
}

// send uploads data in blocks, one after another: some servers append them as they
// arrive.
func (c *Client) send(ctx context.Context, signed string, data []byte) error {
	var list bytes.Buffer
	list.WriteString(`<?xml version="1.0" encoding="utf-8"?><BlockList>`)
	n := 0
	for block := range slices.Chunk(data, BlockSize) {
		// Ids have one length, as the storage demands; of digits alone they need no
		// escaping.
		id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%06d", n))
		n++
		what := fmt.Sprintf("uploading block %d", n)
		if err := c.store(ctx, what, signed, "comp=block&blockid="+id, block, nil); err != nil {
			return err
		}
		fmt.Fprintf(&list, "<Latest>%s</Latest>", id)
	}
	list.WriteString("</BlockList>")
	header := http.Header{"x-ms-blob-content-type": {"application/zip"}, "Content-Type": {"application/xml"}}
	return c.store(ctx, "joining the blocks", signed, "comp=blocklist", list.Bytes(), header)
}

// store puts body to the storage. The URL is used as it is, as any change would break its
// signature, and without our token.
func (c *Client) store(ctx context.Context, what, signed, query string, body []byte, header http.Header) error {
	sep := "?"
	if strings.Contains(signed, "?") {
		sep = "&"
	}
	return c.retry(ctx, what, blockTimeout, func(ctx context.Context) *transfer.Failure {
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, signed+sep+query, bytes.NewReader(body))
		if err != nil {
			return &transfer.Failure{Err: errors.New("the signed URL can't be requested")}
		}
		for key, values := range header {
			req.Header[http.CanonicalHeaderKey(key)] = values
		}
		resp, f := c.request(req, blockTimeout)
		if f != nil {
			return f
		}
		if resp.StatusCode == http.StatusCreated {
			return nil
		}
		// The body is not quoted: in a refusal, the storage repeats what was signed.
		err = fmt.Errorf("the storage answers %d, not 201", resp.StatusCode)
		if code := resp.Header.Get("x-ms-error-code"); code != "" {
			err = fmt.Errorf("%w: %s", err, transfer.Quote(code, c.token))
		}
		return c.failure(err, resp.Response, transfer.Temporary(resp.StatusCode))
	})
}

// finalize completes the artifact. If the service refuses, the answer to an earlier
// attempt may have been lost: then the list has the artifact.
func (c *Client) finalize(ctx context.Context, u Upload) (int64, error) {
	got, err := c.call(ctx, "FinalizeArtifact", finalizeRequest{c.ids, u.Name, int64(len(u.Zip)), u.Digest})
	if err == nil && (!got.ok() || got.number("artifactid") <= 0) {
		err = errors.New("FinalizeArtifact: the artifact service does not give the artifact's id")
	}
	if err == nil {
		return got.number("artifactid"), nil
	}
	if ctx.Err() == nil {
		if found, listErr := c.find(ctx, u.Name); listErr == nil && found != nil && found.digest == u.Digest {
			return found.id, nil
		}
	}
	return 0, err
}

// stored is an artifact of this run.
type stored struct {
	id     int64
	digest string // "" on servers that have none
	ids    backendIDs
}

// find returns this run's newest complete artifact of that name, nil if there is none.
func (c *Client) find(ctx context.Context, name string) (*stored, error) {
	got, err := c.call(ctx, "ListArtifacts", listRequest{c.ids, name})
	if err != nil {
		return nil, err
	}
	var newest *stored
	for _, a := range got.list("artifacts") {
		id := a.number("databaseid")
		if a.text("name") != name || id <= 0 || newest != nil && id < newest.id {
			continue
		}
		newest = &stored{id, a.text("digest"),
			backendIDs{a.text("workflowrunbackendid"), a.text("workflowjobrunbackendid")}}
	}
	return newest, nil
}

// makeRoom handles a name that is taken in this run. It returns the id of the artifact if
// that has u's content, and deletes it otherwise. An upload that a killed attempt left
// open is not listed; it is deleted by name.
func (c *Client) makeRoom(ctx context.Context, u Upload) (int64, error) {
	found, err := c.find(ctx, u.Name)
	if err != nil {
		return 0, err
	}
	if found != nil && found.digest == u.Digest {
		return found.id, nil
	}
	req := deleteRequest{c.ids, u.Name}
	if found != nil && found.ids.Run != "" && found.ids.Job != "" {
		req.backendIDs = found.ids // a job of a matrix, or an earlier attempt, may have stored it
	}
	if _, err := c.call(ctx, "DeleteArtifact", req); err != nil && !hasStatus(err, http.StatusNotFound) {
		return 0, err
	}
	return 0, nil
}
