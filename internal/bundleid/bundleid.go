// Package bundleid is the grammar of the names under which bundles, receipts and events
// are known.
//
//	kaizen.<repo>.<agent>.<period>                        a bundle
//	kaizen.<repo>-<source>.<agent>.<period>               one of another source
//	kaizen.<repo>[-<source>].<agent>.<period>.run-<run>   the bundle of a forced run
//	<bundle>.receipt                                      its receipt
//	<bundle>.partial                                      its unfinished delivery
//	<repository>/<bundle>                                 the id of its event
//	kaizen.<repo>-<digits>.<agent>.<period>.received      that a consumer received that event
//
// A repo may have dots; a source, an agent, a period and a run have none. So a name is
// read from its end. The digits of a source look like the end of a repo, and are
// read as a part of it: names are looked up and shown, and only have to differ.
package bundleid

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Entry is an agent's entry in the manifest of a source.
type Entry struct {
	Repo string // State Hub slug
	// Source sets the bundles of several sources in one ledger apart, as Source returns
	// it; "" for the root of the repository whose ledger it is.
	Source string
	Agent  string
}

// How many hex digits of a digest a name has. Those of a source keep the sources of one
// ledger's owner apart. Those of a sender have to withstand a repository that is named to have
// another one's digits, with which it could use up that one's events.
const (
	sourceDigits = 6
	senderDigits = 16
)

// Source returns the digits for the directory path of the repository origin. The texts may
// be any that identify them.
func Source(origin, path string) string {
	return digest(origin, path)[:sourceDigits]
}

// Sender returns the digits of the repository that prepared a bundle, or of the slug that its
// event has instead. The case does not count.
func Sender(repository string) string { return digest(strings.ToLower(repository), "")[:senderDigits] }

func digest(origin, path string) string {
	sum := sha256.Sum256([]byte(origin + "\x00" + path))
	return hex.EncodeToString(sum[:])
}

// Bundle identifies the bundle of an entry for a period.
type Bundle struct {
	Entry
	Period string
	// Run sets a forced run apart from the period's own bundle: letters and digits, "" for
	// the period's own.
	Run string
}

const (
	prefix        = "kaizen."
	runPrefix     = "run-"
	receiptSuffix = ".receipt"
	partialSuffix = ".partial"

	receivedSuffix = ".received"
)

// Name is the name of the bundle and of its artifact.
func (b Bundle) Name() string {
	name := prefix + b.Repo
	if b.Source != "" {
		name += "-" + b.Source
	}
	name += "." + b.Agent + "." + b.Period
	if b.Run != "" {
		name += "." + runPrefix + b.Run
	}
	return name
}

// ReceiptName is the name of the receipt's artifact.
func (b Bundle) ReceiptName() string { return ReceiptName(b.Name()) }

// ReceiptName is the name of the receipt of the bundle with this name.
func ReceiptName(bundle string) string { return bundle + receiptSuffix }

// PartialName is the name of the record of the unfinished delivery of the bundle with this
// name.
func PartialName(bundle string) string { return bundle + partialSuffix }

// CutPartial returns the name of the bundle whose unfinished delivery has this name. ok is
// false for any other name.
func CutPartial(name string) (bundle string, ok bool) { return strings.CutSuffix(name, partialSuffix) }

// CutReceipt returns the name of the bundle whose receipt has this name. ok is false for a
// name that is no receipt's.
func CutReceipt(name string) (bundle string, ok bool) { return strings.CutSuffix(name, receiptSuffix) }

// In returns the bundle as a consumer names it, who may receive bundles of many repositories:
// always with the digits of the repository that prepared it, whose name's case does not count.
func (b Bundle) In(repository string) Bundle {
	if b.Source != "" {
		b.Repo += "-" + b.Source
	}
	b.Source = Sender(repository)
	return b
}

// ReceivedName is the name of the record that a consumer received the event of the bundle
// that repository prepared. It differs from the names of the repository's own bundles and
// receipts.
func ReceivedName(repository string, b Bundle) string {
	return b.In(repository).Name() + receivedSuffix
}

// ParseReceived reads the name of such a record, as the bundle that In returns.
func ParseReceived(name string) (b Bundle, ok bool) {
	bundle, ok := strings.CutSuffix(name, receivedSuffix)
	if !ok {
		return Bundle{}, false
	}
	if b, ok = Parse(bundle); !ok {
		return Bundle{}, false
	}
	end := len(b.Repo) - senderDigits - 1
	if end < 1 || !isDigits(b.Repo[end:], senderDigits) {
		return Bundle{}, false
	}
	b.Repo, b.Source = b.Repo[:end], b.Repo[end+1:]
	return b, true
}

// IsOurs reports whether an artifact's name begins as those of bundles and receipts do.
func IsOurs(name string) bool { return strings.HasPrefix(name, prefix) }

// EventID is the id of the bundle's event, by which consumers drop a repeat. Repository is
// the owner and name of the repository whose workflow prepared the bundle, or the slug
// where there is none.
func (b Bundle) EventID(repository string) string { return EventID(repository, b.Name()) }

// EventID is the id of the event of the bundle with this name.
func EventID(repository, bundle string) string { return repository + "/" + bundle }

// Follows reports whether another bundle is of the same entry, and of another period;
// bundles of forced runs follow none. Both must be parsed from names, or neither.
func (b Bundle) Follows(other Bundle) bool {
	return b.Entry == other.Entry && b.Run == "" && b.Period != other.Period
}

// Of reports whether the bundle may be of this agent in a repository with this slug,
// whatever its source.
func (b Bundle) Of(repo, agent string) bool {
	digits, ok := strings.CutPrefix(b.Repo, repo)
	return ok && b.Agent == agent && (digits == "" || isDigits(digits, sourceDigits))
}

// isDigits reports whether s is a hyphen and n digits.
func isDigits(s string, n int) bool {
	digits, ok := strings.CutPrefix(s, "-")
	return ok && len(digits) == n && strings.Trim(digits, "0123456789abcdef") == ""
}

// Parse reads the name of a bundle. The digits of a source become a part of Repo. ok is
// false for any other text, receipts included.
func Parse(name string) (b Bundle, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return b, false
	}
	rest, last, ok := cutLast(rest)
	if run, forced := strings.CutPrefix(last, runPrefix); ok && forced && isRun(run) {
		b.Run = run
		rest, last, ok = cutLast(rest)
	}
	if _, isPeriod := PeriodStart(last); !ok || !isPeriod {
		return Bundle{}, false
	}
	b.Period = last
	if b.Repo, b.Agent, ok = cutLast(rest); !ok || b.Repo == "" || b.Agent == "" {
		return Bundle{}, false
	}
	return b, true
}

// ParseReceipt reads the name of a receipt.
func ParseReceipt(name string) (b Bundle, ok bool) {
	bundle, ok := CutReceipt(name)
	if !ok {
		return b, false
	}
	return Parse(bundle)
}

// ParseEventID reads the id of an event.
func ParseEventID(id string) (repository string, b Bundle, ok bool) {
	i := strings.LastIndexByte(id, '/')
	if i <= 0 {
		return "", b, false
	}
	b, ok = Parse(id[i+1:])
	return id[:i], b, ok
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

func isRun(s string) bool {
	return s != "" && strings.Trim(s, "0123456789TZ") == ""
}
