package checkout

import (
	"path"
	"strings"
)

// OriginAddress is the URL that Origin reads in one form, however it is written: host and
// path in lower case, without scheme, user, password, query, the scheme's own port, .git
// and final slashes. It is "" when there is none. It identifies a repository and is not
// for messages, since a path may be private.
func (t *Tree) OriginAddress() string {
	git, err := t.openRepository()
	if err != nil {
		return ""
	}
	defer git.close()
	return Address(git.originURL())
}

// Address is a repository's URL, scp-like host:path or local path in the form of
// OriginAddress; "" for a host without a path.
func Address(url string) string {
	scheme, rest, isURL := strings.Cut(url, "://")
	if !isURL {
		host := hostOf(url)
		if len(host) < 2 { // a path, or a drive of Windows
			return cleanPath(strings.ReplaceAll(url, `\`, "/"))
		}
		_, name, _ := strings.Cut(url, ":")
		return located(host, name)
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	if strings.EqualFold(scheme, "file") {
		return cleanPath(rest)
	}
	authority, name, _ := strings.Cut(rest, "/")
	host := strings.ToLower(authority[strings.LastIndexByte(authority, '@')+1:])
	if suffix := defaultPorts[strings.ToLower(scheme)]; suffix != "" {
		host = strings.TrimSuffix(host, suffix)
	}
	return located(host, name)
}

// defaultPorts are the ports that a URL of a scheme need not name.
var defaultPorts = map[string]string{"https": ":443", "http": ":80", "ssh": ":22"}

func located(host, name string) string {
	name = strings.Trim(cleanPath(name), "/")
	if name == "" {
		return ""
	}
	return host + "/" + strings.ToLower(name)
}

// cleanPath is a path without .git, empty parts and a final slash.
func cleanPath(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimSuffix(path.Clean(name), ".git")
}
