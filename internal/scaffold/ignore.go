package scaffold

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
)

const (
	ignoreFile = ".gitignore"
	ignoreLine = ".kaizen/prepared/"
)

// ignorePrepared proposes the line of .gitignore that excludes bundles. The note, which
// may be "", is about existing lines that also exclude the manifest.
func ignorePrepared(tree *checkout.Tree) (f File, note string, err error) {
	f = File{Path: ignoreFile, Content: ignoreLine + "\n"}
	data, err := tree.ReadFile(ignoreFile, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return f, "", nil
	}
	if err != nil {
		return f, "", advice.New("put a regular file of the checkout itself there, then run init again",
			"reading %w", err)
	}
	f.Append = true
	bundles, manifest := ignored(string(data))
	if bundles {
		f.Exists, f.Reason = true, "it already ignores the bundles"
	}
	if manifest {
		note = fmt.Sprintf("%s ignores .kaizen as a whole, so %s would not be committed: ignore %s instead, "+
			"or make an exception with .kaizen/* and !%[2]s", ignoreFile, schedule.DefaultPath, ignoreLine)
	}
	return f, note, nil
}

// ignored reports whether the lines of an ignore file exclude the bundles and the
// manifest.
func ignored(text string) (bundles, manifest bool) {
	var prepared, directory, contents, excepted bool
	for line := range strings.Lines(text) {
		switch strings.Trim(strings.TrimSpace(line), "/") {
		case ".kaizen/prepared":
			prepared = true
		case ".kaizen", "**/.kaizen":
			directory = true // git allows no exception inside an ignored directory
		case ".kaizen/*", ".kaizen/**":
			contents, excepted = true, false
		case "!" + schedule.DefaultPath, "!/" + schedule.DefaultPath:
			excepted = true
		}
	}
	return prepared || directory || contents, directory || contents && !excepted
}
