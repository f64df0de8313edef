package report

import (
	"net/url"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// originOf returns the scheme and host of an http or https address without credentials,
// "" for any other text.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return ""
	}
	return u.Scheme + "://" + strings.ToLower(u.Host)
}

// maxLink is the longest address of a link, in bytes.
const maxLink = 2000

// link returns an address if it leads to one of the known servers, "" otherwise.
func (f *Facts) link(address string) string {
	if len(address) > maxLink || safetext.OneLine(address) != address || !f.servers[originOf(address)] {
		return ""
	}
	return address
}

// maxDetail is the longest detail of a piece of evidence, in characters.
const maxDetail = 200

// detail makes untrusted text one short line.
func detail(text string) string { return safetext.Shorten(safetext.OneLine(text), maxDetail) }
