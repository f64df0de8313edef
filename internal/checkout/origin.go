package checkout

import (
	"bufio"
	"io"
	"strings"
)

// maxConfig is the largest .git/config that is read, in bytes. It has room for thousands
// of branches and submodules.
const maxConfig = 1 << 20

// Origin returns the repository's name from the URL of the remote "origin", or "". The
// name is the last part of the URL without .git. Nothing else of .git/config is returned,
// because actions/checkout keeps the job's token there and a URL may contain one.
func (t *Tree) Origin() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return repositoryName(git.originURL())
}

// originURL returns the first url of the section [remote "origin"].
func (r repository) originURL() string {
	f := r.open(r.common, "config")
	if f == nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, maxConfig))
	inside := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = isOrigin(line)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if inside && ok && strings.EqualFold(strings.TrimSpace(key), "url") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// isOrigin reports whether a section header is [remote "origin"]. Like git, it ignores
// the case of the first word.
func isOrigin(header string) bool {
	word, rest, _ := strings.Cut(header[1:], `"`)
	return strings.EqualFold(strings.TrimSpace(word), "remote") && strings.HasPrefix(rest, `origin"`)
}

// repositoryName returns the last part of a URL, of an scp-like host:path, or of a path.
func repositoryName(url string) string {
	url = strings.TrimRight(url, `/\`)
	name := url[strings.LastIndexAny(url, `/\:`)+1:]
	if strings.Contains(name, "@") { // user@host without a path
		return ""
	}
	return strings.TrimSuffix(name, ".git")
}
