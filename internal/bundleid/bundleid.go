// Package bundleid is the grammar of the names under which bundles, receipts and events are known.
//
//	kaizen.<repo>.<agent>.<period>                  a bundle
//	kaizen.<repo>.<agent>.<period>.run-<run>        the bundle of a forced run
//	kaizen.<repo>.<agent>.<period>[.run-<run>].receipt    its receipt
//	<repository>/<bundle>                           the id of its event
//
// A repo may have dots; an agent, a period and a run have none. So a name is read from its end.
package bundleid

import (
	"strings"
)

// Entry is an agent's entry in a repository's manifest.
type Entry struct {
	Repo  string // State Hub slug
	Agent string
}

// Bundle identifies the bundle of an entry for a period.
type Bundle struct {
	Entry
	Period string
	// Run sets a forced run apart from the period's own bundle: letters and digits, "" for the period's own.
	Run string
}

const (
	prefix        = "kaizen."
	runPrefix     = "run-"
	receiptSuffix = ".receipt"
)

// Name is the name of the bundle and of its artifact.
func (b Bundle) Name() string {
	name := prefix + b.Repo + "." + b.Agent + "." + b.Period
	if b.Run != "" {
		name += "." + runPrefix + b.Run
	}
	return name
}

// ReceiptName is the name of the receipt's artifact.
func (b Bundle) ReceiptName() string { return ReceiptName(b.Name()) }

// ReceiptName is the name of the receipt of the bundle with this name.
func ReceiptName(bundle string) string { return bundle + receiptSuffix }

// CutReceipt returns the name of the bundle whose receipt has this name. ok is false for a name that is no receipt's.
func CutReceipt(name string) (bundle string, ok bool) { return strings.CutSuffix(name, receiptSuffix) }

// IsOurs reports whether an artifact's name begins as those of bundles and receipts do.
func IsOurs(name string) bool { return strings.HasPrefix(name, prefix) }

// EventID is the id of the bundle's event, by which consumers drop a repeat. Repository is the owner and name of the
// repository whose workflow prepared the bundle, or the slug where there is none.
func (b Bundle) EventID(repository string) string { return EventID(repository, b.Name()) }

// EventID is the id of the event of the bundle with this name.
func EventID(repository, bundle string) string { return repository + "/" + bundle }

// Follows reports whether another bundle is of the same entry, and of another period; bundles of forced runs follow none.
func (b Bundle) Follows(other Bundle) bool {
	return b.Entry == other.Entry && b.Run == "" && b.Period != other.Period
}

// Parse reads the name of a bundle. ok is false for any other text, receipts included.
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
