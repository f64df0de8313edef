package receive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/gh"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Bundle is a bundle that passed Fetch.
type Bundle struct {
	Dir    string // its directory, as store.Directory.Path returns it
	Path   string // of bundle.md or bundle.json in it
	Digest string // sha256:<hex> of Zip
	Zip    []byte // as the producer stored it
}

// prepareAgain is the hint for a bundle that will never be as the event says.
const prepareAgain = "prepare it again with --force, which makes a new event"

// Fetch downloads, checks and unpacks the bundle of an event. It returns nil for an event
// without an artifact, and without a Client. The error is a *Refusal, or that of a service or
// of the file system. It writes nothing before all is checked.
func (r *Receiver) Fetch(ctx context.Context, e *Event) (*Bundle, error) {
	a := e.Event.Bundle.Artifact
	if a == nil || r.Client == nil {
		return nil, nil
	}
	data, err := r.download(ctx, a)
	if err != nil {
		return nil, err
	}
	content := contentName(e.Event.Bundle.Format)
	files, refusal := unpack(data, content)
	if refusal == nil {
		refusal = checkFiles(data, files, e.Event.Bundle.Bytes)
	}
	if refusal != nil {
		return nil, refusal
	}
	name := e.Bundle.In(e.Origin).Name()
	if _, err := r.Bundles.PutBundle(ctx, name, files); err != nil {
		return nil, err
	}
	dir := r.Bundles.Path(name)
	return &Bundle{Dir: dir, Path: path.Join(dir, content), Digest: a.Digest, Zip: data}, nil
}

func contentName(format string) string {
	if format == "json" {
		return store.JSONFile
	}
	return store.MarkdownFile
}

// download returns the zip of an artifact that is the one that the event describes.
func (r *Receiver) download(ctx context.Context, a *event.Artifact) ([]byte, error) {
	listed, err := r.Client.Artifact(ctx, a.Repository, a.ID)
	if err != nil {
		return nil, err
	}
	if refusal := compare(a, listed); refusal != nil {
		return nil, refusal
	}
	if err := r.checkRun(ctx, a, listed); err != nil {
		return nil, err
	}
	data, err := r.Client.DownloadArtifact(ctx, a.Repository, a.ID, maxZip)
	if err != nil {
		if e, ok := errors.AsType[*gh.Error](err); ok && e.Kind == gh.Invalid { // gone since, or larger than listed
			return nil, refuse("not-downloadable", prepareAgain, "artifact %d cannot be downloaded: %s", a.ID,
				e.Message)
		}
		return nil, err
	}
	if sum := sha256.Sum256(data); "sha256:"+hex.EncodeToString(sum[:]) != a.Digest {
		return nil, refuse("wrong-digest", prepareAgain,
			"the zip of artifact %d has the digest sha256:%s, the event says %s",
			a.ID, hex.EncodeToString(sum[:]), a.Digest)
	}
	return data, nil
}

// compare holds what the API lists against the event.
func compare(a *event.Artifact, listed gh.Artifact) *Refusal {
	switch {
	case listed.Name != a.Name:
		return refuse("other-name", sameNames, "artifact %d is named %q, the event says %q", a.ID, listed.Name, a.Name)
	case listed.RunID != a.RunID:
		return refuse("other-run", sameNames, "artifact %d is of run %d, the event says %d", a.ID, listed.RunID,
			a.RunID)
	case listed.HeadRepositoryID != 0 && listed.HeadRepositoryID != listed.RepositoryID:
		return refuse("fork", "prepare it in a run of the repository itself", "artifact %d comes from a fork of %s",
			a.ID, a.Repository)
	case listed.Expired:
		return refuse("expired", prepareAgain+", and receive events sooner", "artifact %d is expired", a.ID)
	case listed.Digest != "" && listed.Digest != a.Digest:
		return refuse("other-digest", sameNames, "artifact %d is listed with the digest %q, the event says %s", a.ID,
			listed.Digest, a.Digest)
	case listed.Size > maxZip:
		return refuse("too-large", "prepare a smaller bundle", "artifact %d has %d bytes, at most %d are fetched", a.ID,
			listed.Size, maxZip)
	}
	return nil
}

// checkRun asks for the run of an artifact where its listing does not say that it comes from
// the repository itself, as on Gitea. Only a run for a pull request can come from a fork.
func (r *Receiver) checkRun(ctx context.Context, a *event.Artifact, listed gh.Artifact) error {
	if listed.RepositoryID != 0 && listed.HeadRepositoryID == listed.RepositoryID {
		return nil
	}
	run, err := r.Client.Run(ctx, a.Repository, a.RunID)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(run.Event, "pull_request"),
		run.HeadRepositoryID != 0 && run.HeadRepositoryID != run.RepositoryID:
		return refuse("fork", "prepare it in a run of the repository itself", "run %d of artifact %d is for %s",
			a.RunID, a.ID, run.Event)
	case run.Event == "" && run.HeadRepositoryID == 0,
		listed.RepositoryID != 0 && run.RepositoryID != 0 && listed.RepositoryID != run.RepositoryID:
		return fmt.Errorf("the API does not say from which repository run %d comes, so artifact %d is not fetched",
			a.RunID, a.ID)
	}
	return nil
}
