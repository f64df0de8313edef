//go:build ignore

// Pictures takes the README's pictures from the program's real output: the summary of a
// run against the stand-in of GitHub, and the annotation of a manifest with a mistake.
// Run it at the repository's root: go run docs/images/pictures.go. It needs chromium,
// cmark-gfm, pngquant and a font with emoji, such as fonts-noto-color-emoji.
package main

import (
	"bytes"
	"fmt"
	"html/template"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/ghtest"
)

const (
	repository = "acme/kaizen-agentic"
	broken     = "version: \"1\"\ntimezone: Europe/Berln\nagents:\n  coach:\n    cadence: weekly\n"
)

var (
	token = fixture.Canary("ghs_", "pictures")
	work  string
)

func main() {
	log.SetFlags(0)
	var err error
	if work, err = os.MkdirTemp("", "pictures"); err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(work)
	sh(nil, "go", "build", "-o", work+"/action", "./cmd/action")
	sh(nil, "cp", "-r", "testdata/kaizen", work+"/web")
	for _, name := range []string{"output", "summary.md"} {
		if err := os.WriteFile(filepath.Join(work, name), nil, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	shot("summary", 420, summaryPage, template.HTML(summary()))
	shot("annotation", 230, annotationPage, annotation())
}

// summary is the job summary of a tick on which two agents are due, as HTML.
func summary() []byte {
	api := must(ghtest.New(ghtest.Options{Errorf: log.Printf}))
	results := must(ghtest.NewResults(ghtest.ResultsOptions{
		Errorf: log.Printf,
		OnFinalize: func(s ghtest.Stored) int64 {
			return api.AddArtifact(ghtest.Artifact{
				Repository: repository, Name: s.Name, Zip: s.Zip, RunID: s.RunID, HeadBranch: "main",
			})
		},
	}))
	api.AddRepository(ghtest.Repository{ID: 7, FullName: repository})
	api.AddRepository(ghtest.Repository{FullName: "acme/core"})
	api.AddToken(token, ghtest.Token{Kind: ghtest.Installation, Access: map[string]ghtest.Permissions{
		repository: {Contents: "read", Actions: "read"}, "acme/core": {Contents: "write"},
	}})
	file := filepath.Join(work, "summary.md")
	action([]string{"prepare"}, "GITHUB_API_URL="+api.URL(), "INPUT_TOKEN="+token,
		"ACTIONS_RESULTS_URL="+results.URL(), "ACTIONS_RUNTIME_TOKEN="+results.Token(101, "prepare"),
		"INPUT_DISPATCH-TO=acme/core", "INPUT_NOW=2026-11-24T09:00:00Z")
	text := must(os.ReadFile(file))
	text, _, _ = bytes.Cut(text, []byte("### Memory")) // what follows is folded or of little interest here
	if err := os.WriteFile(file, text, 0o644); err != nil {
		log.Fatal(err)
	}
	return sh(nil, "cmark-gfm", "--unsafe", "-e", "table", file)
}

// finding is an annotation and the line it is about.
type finding struct {
	Before      []string
	Line        string
	Title, Text string
	Number      int
}

func annotation() finding {
	if err := os.WriteFile(work+"/web/.kaizen/schedule.yml", []byte(broken), 0o644); err != nil {
		log.Fatal(err)
	}
	out := action([]string{"validate"})
	m := regexp.MustCompile(`(?m)^::error .*title=([^:,]+)::(.*)$`).FindSubmatch(out)
	if m == nil {
		log.Fatalf("no annotation in\n%s", out)
	}
	lines := strings.Split(broken, "\n")
	return finding{lines[:1], lines[1], string(m[1]), strings.ReplaceAll(string(m[2]), "%0A", "\n"), 2}
}

// action runs the program as a step of a job and returns its standard output.
func action(args []string, env ...string) []byte {
	env = append(env, "GITHUB_ACTIONS=true",
		"GITHUB_OUTPUT="+work+"/output", "GITHUB_STEP_SUMMARY="+work+"/summary.md",
		"GITHUB_REPOSITORY="+repository, "GITHUB_REPOSITORY_ID=7", "GITHUB_RUN_ID=101",
		"GITHUB_SERVER_URL=https://github.com", "GITHUB_EVENT_NAME=schedule",
		"GITHUB_WORKSPACE="+work+"/web", "PATH="+os.Getenv("PATH"))
	return sh(env, work+"/action", args...)
}

func sh(env []string, name string, args ...string) []byte {
	cmd := exec.Command(name, args...)
	cmd.Env = env
	cmd.Stderr = new(bytes.Buffer)
	out, err := cmd.Output()
	if err != nil && !bytes.Contains(out, []byte("::error")) { // validate ends with 1 where it finds an error
		log.Fatalf("%s: %v\n%s%s", name, err, out, cmd.Stderr)
	}
	return out
}

// shot renders a page at twice its size and keeps it small.
func shot(name string, height int, page string, data any) {
	var b bytes.Buffer
	if err := template.Must(template.New(name).Parse(style+page)).Execute(&b, data); err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(work, name)
	if err := os.WriteFile(file+".html", b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
	sh(os.Environ(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--force-device-scale-factor=1.5",
		fmt.Sprintf("--window-size=980,%d", height), "--screenshot="+file+".png", "file://"+file+".html")
	sh(nil, "pngquant", "--force", "--strip", "--output", "docs/images/"+name+".png", "32", file+".png")
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

const style = `<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 14px 20px; font: 14px/1.5 "Liberation Sans", sans-serif; color: #1f2328; background: #fff }
h2 { font-size: 21px; margin: 0 0 10px; padding-bottom: 6px; border-bottom: 1px solid #d1d9e0 }
h3 { font-size: 17px; margin: 14px 0 8px }
table { border-collapse: collapse } th, td { border: 1px solid #d1d9e0; padding: 5px 11px; text-align: left }
tr:nth-child(even) td { background: #f6f8fa } a { color: #0969da }
code, .code { font: 12px "Liberation Mono", monospace }
code { background: #818b981f; padding: 2px 5px; border-radius: 6px }
.file { border: 1px solid #d1d9e0; border-radius: 6px }
.file > b { display: block; padding: 8px 12px; background: #f6f8fa }
.code { white-space: pre; background: #dafbe1; line-height: 22px }
.code span { display: inline-block; width: 34px; text-align: right;
padding-right: 10px; margin-right: 10px; background: #aceebb; color: #59636e }
.box { margin: 8px; padding: 10px 14px; border: 1px solid #d1d9e0; border-left: 3px solid #cf222e; border-radius: 6px }
.box small { color: #59636e; font-size: 12px }
.box p { white-space: pre-line; margin: 6px 0 0; font: 12px/1.6 "Liberation Mono", monospace }
</style>`

const summaryPage = `{{.}}`

const annotationPage = `<div class="file"><b>.kaizen/schedule.yml</b>
{{range $i, $line := .Before}}<div class="code"><span>1</span>+ {{$line}}</div>{{end -}}
<div class="code"><span>{{.Number}}</span>+ {{.Line}}</div>
<div class="box">
<small>❌ Check failure on line {{.Number}} in .kaizen/schedule.yml · GitHub Actions / validate</small><br>
<strong>{{.Title}}</strong><p>{{.Text}}</p></div></div>`
