package discover

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/fleet"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/transfer"
)

// setManifest checks the manifest as validate does, and fills in what it says.
func setManifest(repo *fleet.Repository, data []byte, slug string) {
	m, findings := pipeline.LoadSource(repo.Manifest, data, slug)
	repo.Findings = secrets.MaskFindings(findings, func(string) []byte { return data })
	if m != nil {
		repo.SetManifest(m)
	}
}

// setUnusable records that what is at the manifest's path is no manifest.
func setUnusable(repo *fleet.Repository, err error) {
	repo.Findings = []diag.Finding{pipeline.Unreadable(repo.Manifest, err)}
}

// setError records why a manifest could not be read. The text may be shown as it is.
func setError(repo *fleet.Repository, err error) {
	const longest = 1000
	message, hint := advice.Split(err)
	repo.Error = safetext.Shorten(safetext.OneLine(advice.Join(message, hint)), longest)
}

// slugOf is the State Hub slug of a repository whose manifest names none, "" if its name
// cannot be one.
func slugOf(name string) string {
	if slug := path.Base(name); spec.IsSlug(slug) {
		return slug
	}
	return ""
}

// fetch reads the manifest of a repository by itself.
func fetch(ctx context.Context, client *gh.Client, repo *fleet.Repository) (exists bool) {
	data, id, err := client.FileAndID(ctx, repo.Name, repo.Manifest, repo.DefaultBranch, schedule.MaxSize)
	var refused *gh.Error
	var large *transfer.TooLarge
	switch {
	case err == nil:
		repo.Blob = objectID(id)
		setManifest(repo, data, path.Base(repo.Name))
	case errors.As(err, &large):
		setUnusable(repo, checkout.ErrTooLarge)
	case errors.As(err, &refused) && refused.Kind == gh.NotFound:
		return false
	case errors.As(err, &refused) && refused.Kind == gh.Invalid && refused.Status == 0:
		setUnusable(repo, checkout.ErrNotRegular)
	default:
		setError(repo, err)
	}
	return true
}

// readBlob uses the manifest of a page's answer if it is whole and unchanged; otherwise it
// reads the file by itself. So a file that is binary, cut or not UTF-8 has the findings
// that validate has. The text of a link is read by itself, too: the API follows it.
func readBlob(ctx context.Context, client *gh.Client, repo *fleet.Repository, blob *gh.Blob) {
	repo.Blob = objectID(blob.ID)
	data := []byte(blob.Text)
	switch {
	case blob.Type != "Blob":
		setUnusable(repo, checkout.ErrNotRegular)
	case blob.Size > schedule.MaxSize:
		setUnusable(repo, checkout.ErrTooLarge)
	case blob.Whole && isBlob(data, blob.ID) && prepare.LinkText(data) == "":
		setManifest(repo, data, path.Base(repo.Name))
	default:
		if id := repo.Blob; !fetch(ctx, client, repo) {
			repo.Blob = id
			setError(repo, advice.New("run again", "the API lists the manifest and does not give it"))
		}
	}
}

// isBlob reports whether git gives data this id.
func isBlob(data []byte, id string) bool {
	content := append(fmt.Appendf(nil, "blob %d\x00", len(data)), data...)
	if len(id) == 2*sha256.Size {
		sum := sha256.Sum256(content)
		return hex.EncodeToString(sum[:]) == id
	}
	return blobID(content) == id
}

// blobID is git's id of a blob with its header. Git's ids are no protection here.
func blobID(content []byte) string {
	sum := sha1.Sum(content)
	return hex.EncodeToString(sum[:])
}

// objectID returns an id of a server, "" if it is none.
func objectID(id string) string {
	if (len(id) == 40 || len(id) == 64) && strings.Trim(id, "0123456789abcdef") == "" {
		return id
	}
	return ""
}
