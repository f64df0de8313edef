package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kaizen-agentic/schedule-action/internal/event"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 0 && strings.HasSuffix(os.Args[0], ".test") { // not the program that scripts run
		fixture.Fast()
		fixture.WaitInParallel(8)
	}
	testscript.Main(m, map[string]func(){"action": main})
}

// TestScripts runs the real binary: exit codes, both streams and files.
func TestScripts(t *testing.T) {
	t.Parallel()
	const scripts = "testdata/script"
	samples, err := filepath.Abs(samplesDir)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           scripts,
		UpdateScripts: fixture.Updating(),
		Setup: func(env *testscript.Env) error {
			script, err := os.ReadFile(filepath.Join(scripts,
				strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")+".txtar"))
			if err != nil {
				return err
			}
			for _, sample := range []string{"kaizen", "claude", "layouts/claude", "layouts/github", "layouts/kaizen",
				"layouts/mixed"} {
				if !bytes.Contains(script, []byte(strings.SplitN(sample, "/", 2)[0])) {
					continue // most scripts use one sample
				}
				if err := copySample(filepath.Join(env.WorkDir, sample), filepath.Join(samples, sample)); err != nil {
					return err
				}
			}
			// Files that an archive cannot contain: one without a final line break, and
			// one of any size.
			for name, data := range map[string][]byte{"unended": []byte("/build/"),
				"big": make([]byte, schedule.MaxSize+1)} {
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"event": checkEvent,
		},
	})
}

// samplesDir is where the sample checkouts stand.
const samplesDir = "../../testdata"

// copySample copies a sample checkout without the files of a run in it, such as the
// README's first command.
func copySample(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(to, ".kaizen", "prepared"))
}

// exits CODE COMMAND… runs the command and checks its exit code, which `! exec` does not.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	code := "0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = string(rune('0' + exit.ExitCode()))
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// event FILE BUNDLE requires FILE to hold one event of the contract whose bundle.bytes is
// the size of BUNDLE, and whose bundle.id names the directory of BUNDLE.
func checkEvent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: event FILE BUNDLE")
	}
	data := ts.ReadFile(args[0])
	e, err := event.Parse([]byte(data))
	ts.Check(err)
	var fields map[string]json.RawMessage
	ts.Check(json.Unmarshal([]byte(data), &fields))
	if len(fields) != 10 {
		ts.Fatalf("%d top-level fields, want 10", len(fields))
	}
	if size := len(ts.ReadFile(args[1])); e.Bundle.Bytes != size {
		ts.Fatalf("bundle.bytes is %d, the bundle has %d", e.Bundle.Bytes, size)
	}
	if name := path.Base(path.Dir(args[1])); e.Bundle.ID != e.Repo+"/"+name {
		ts.Fatalf("bundle.id is %q, want the slug and %q", e.Bundle.ID, name)
	}
}
