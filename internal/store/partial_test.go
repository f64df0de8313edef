package store

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

// partialOf is a delivery of the bundle name that one of two targets misses.
func partialOf(t testing.TB, name string) *Partial {
	t.Helper()
	p := &Partial{Receipt: *receiptOf(t, name), Files: files}
	p.Deliveries[1].Status, p.Deliveries[1].Error = Failed, "503"
	return p
}

func TestDirectoryPartial(t *testing.T) {
	t.Parallel()
	d, _, _ := openDirectory(t, ".kaizen/prepared")
	put(t, d, files)
	want := partialOf(t, bundleName)
	fixture.Must(t, d.PutPartial(t.Context(), want))
	rec, err := look(t, d, bundleName)
	if err != nil || !rec.Partial || rec.Delivered {
		t.Fatalf("got %+v, %v", rec, err)
	}
	got, err := d.Partial(t.Context(), bundleName)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	fixture.Must(t, d.PutReceipt(t.Context(), receiptOf(t, bundleName)))
	if rec, err := look(t, d, bundleName); err != nil || rec.Partial || !rec.Delivered {
		t.Errorf("after the receipt: got %+v, %v", rec, err)
	}
}

// TestWrongPartials checks that a record that is not about this bundle, or would write
// other files than a bundle's, is invalid, and that one that cannot be read is not.
func TestWrongPartials(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*Partial){
		"is for the bundle":       func(p *Partial) { p.Name = "kaizen.web.coach.2026-W47" },
		"has the event id":        func(p *Partial) { p.ID = "evil/web/" + bundleName },
		`of agent "other"`:        func(p *Partial) { p.Event = eventOf(t, "other", nil) },
		"holds 1 files":           func(p *Partial) { p.Files = files[:1] },
		"holds 3 files":           func(p *Partial) { p.Files = append(p.Files, File{ReceiptFile, nil}) },
		`"receipt.json"`:          func(p *Partial) { p.Files = []File{files[0], {ReceiptFile, nil}} },
		`"../../etc/crontab"`:     func(p *Partial) { p.Files = []File{{"../../etc/crontab", nil}, files[1]} },
		"cannot unmarshal":        nil,
		"the files \"bundle.md\"": func(p *Partial) { p.Files = []File{files[0], files[0]} },
	}
	for want, change := range tests {
		data := []byte("[]")
		if change != nil {
			p := partialOf(t, bundleName)
			p.Files = append([]File{}, p.Files...)
			change(p)
			var err error
			if data, err = json.Marshal(p); err != nil {
				t.Fatal(err)
			}
		}
		_, err := parsePartial(data, home{name: repository}, bundleName)
		if !errors.Is(err, ErrPartialInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	d, workspace, _ := openDirectory(t, "out")
	put(t, d, files)
	if _, err := d.Partial(t.Context(), bundleName); err == nil || errors.Is(err, ErrPartialInvalid) {
		t.Errorf("a missing record: got %v", err)
	}
	fixture.Must(t, os.Symlink("/etc/passwd", filepath.Join(workspace, "out", bundleName, PartialFile)))
	if rec, err := look(t, d, bundleName); err != nil || rec.Partial {
		t.Errorf("a link: got %+v, %v", rec, err)
	}
}

// TestArtifactsPartial reads the newest record of a partial delivery that a run of the
// repository itself stored, wherever in the listing it is.
func TestArtifactsPartial(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		api    ghtest.Options
		others int
	}{
		"listed":            {ghtest.Options{}, 0},
		"searched":          {ghtest.Options{}, 250},
		"listed on Gitea":   {gitea, 0},
		"searched on Gitea": {gitea, 250},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkbenchOn(t, ghtest.GitHub, test.api)
			zipped := func(p *Partial) []byte {
				data, err := encodePartial(p, home{name: repository})
				fixture.Must(t, err)
				return zipOf(t, File{PartialFile, data})
			}
			old, newest := partialOf(t, bundleName), partialOf(t, bundleName)
			newest.Deliveries[0].Target = "acme/newest"
			w.add(bundleName+".partial", zipped(old), nil)
			w.add(bundleName+".partial", zipped(newest), nil)
			w.add(bundleName+".partial", []byte("forged"), func(a *ghtest.Artifact) {
				a.RunID, a.HeadBranch = 666,
					"evil"
			})
			w.fill(test.others)
			a := w.open(t)
			rec, err := look(t, a, bundleName)
			if err != nil || rec.Delivered || !rec.Partial {
				t.Fatalf("got %+v, %v", rec, err)
			}
			p, err := a.Partial(t.Context(), bundleName)
			if err != nil || p.Deliveries[0].Target != "acme/newest" || !reflect.DeepEqual(p.Files, files) {
				t.Errorf("got %+v, %v", p, err)
			}
			if want := bundleName + `.partial", comes from branch "evil"`; !strings.Contains(w.log.Text(), want) {
				t.Errorf("the log lacks %q:\n%s", want, w.log.Text())
			}
			if rec, err := look(t, a, "kaizen.web.coach.2026-W49"); err != nil || rec.Partial {
				t.Errorf("another period: got %+v, %v", rec, err)
			}
			w.add(bundleName+".partial", []byte("PK"), nil)
			if _, err := w.open(t).Partial(t.Context(), bundleName); !errors.Is(err, ErrPartialInvalid) {
				t.Errorf("a broken record: got %v", err)
			}
			w.add(bundleName+".receipt", nil, nil)
			if rec, err := look(t, w.open(t), bundleName); err != nil || !rec.Delivered || rec.Partial {
				t.Errorf("with a receipt: got %+v, %v", rec, err)
			}
		})
	}
}
