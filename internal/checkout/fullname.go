package checkout

import "strings"

// OriginFullName is the name with its owner, such as acme/web, of the repository that
// Origin names; "" when there is none. As with Origin, nothing else of the URL is
// returned.
func (t *Tree) OriginFullName() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return fullName(originURL(git.common))
}

// fullName is the last two parts of a URL, "" where the first of them may be more than an
// owner's name: a host with credentials.
func fullName(url string) string {
	name := repositoryName(url)
	parts := strings.FieldsFunc(url, func(r rune) bool { return strings.ContainsRune(`/\:`, r) })
	if name == "" || len(parts) < 2 {
		return ""
	}
	owner := parts[len(parts)-2]
	if strings.ContainsFunc(owner, func(r rune) bool { return !isNameRune(r) }) {
		return ""
	}
	return owner + "/" + name
}

func isNameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r)
}

// OriginHost is the host of the URL that Origin reads, in lower case and without user and
// port; "" when it has none.
func (t *Tree) OriginHost() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return hostOf(originURL(git.common))
}

// hostOf is the host of a URL or of an scp-like host:path.
func hostOf(url string) string {
	_, rest, isURL := strings.Cut(url, "://")
	if !isURL {
		var hasPath bool
		if rest, _, hasPath = strings.Cut(url, ":"); !hasPath || strings.ContainsAny(rest, `/\`) {
			return "" // a path
		}
	}
	rest, _, _ = strings.Cut(rest, "/")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, _, _ := strings.Cut(rest, ":")
	return strings.ToLower(host)
}
