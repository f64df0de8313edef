package checkout

import "strings"

// OriginFullName returns the repository of the remote "origin" with its owner, such as
// acme/web, or "". Like Origin, it returns nothing else from the URL.
func (t *Tree) OriginFullName() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return fullName(git.originURL())
}

// fullName returns the last two parts of a URL. It returns "" if the first of them is not
// an owner, because it may be a host with credentials.
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

// OriginHost returns the host of the remote "origin" in lower case, without user and
// port, or "".
func (t *Tree) OriginHost() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return hostOf(git.originURL())
}

// hostOf returns the host of a URL or of an scp-like host:path.
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
