package diag

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// SARIF viewers link to these pages of the project.
const (
	homeURI  = "https://github.com/kaizen-agentic/schedule-action"
	rulesURI = homeURI + "/blob/v1/docs/rules.md#"
)

// The part of SARIF 2.1.0 that GitHub code scanning reads, as Go types.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID                   string       `json:"id"`
		ShortDescription     sarifMessage `json:"shortDescription"`
		Help                 sarifMessage `json:"help"`
		HelpURI              string       `json:"helpUri"`
		DefaultConfiguration sarifLevel   `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level Severity `json:"level"` // SARIF uses the same words
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               Severity          `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysicalLocation `json:"physicalLocation"`
	}
	sarifPhysicalLocation struct {
		ArtifactLocation sarifArtifactLocation `json:"artifactLocation"`
		Region           *sarifRegion          `json:"region,omitempty"`
	}
	sarifArtifactLocation struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

// WriteSARIF writes findings as a SARIF 2.1.0 log with one run, for GitHub code scanning.
// Version is the program's version, or "" if unknown. A finding about a whole file has no
// region.
func WriteSARIF(w io.Writer, findings []Finding, version string) error {
	run := sarifRun{
		Tool: sarifTool{Driver: sarifDriver{
			Name: "schedule-action", Version: version, InformationURI: homeURI, Rules: sarifRules(),
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    make([]sarifResult, 0, len(findings)),
	}
	index := make(map[string]int, len(Rules))
	for i, r := range Rules {
		index[r.ID] = i
	}
	seen := make(map[string]int)
	for _, f := range findings {
		i, ok := index[f.Rule]
		if !ok {
			return fmt.Errorf("finding in %q has the unknown rule %q", f.File, f.Rule)
		}
		print := fingerprint(f)
		seen[print]++
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: i, Level: f.Severity,
			Message:             sarifMessage{sarifText(f)},
			Locations:           []sarifLocation{location(f)},
			PartialFingerprints: map[string]string{"finding/v1": fmt.Sprintf("%s:%d", print, seen[print])},
		})
	}
	return writeJSON(w, sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

func sarifRules() []sarifRule {
	rules := make([]sarifRule, 0, len(Rules))
	for _, r := range Rules {
		uri := rulesURI + r.ID
		rules = append(rules, sarifRule{
			ID:                   r.ID,
			ShortDescription:     sarifMessage{r.Summary},
			Help:                 sarifMessage{r.Summary + " Why, an example and the fix: " + uri},
			HelpURI:              uri,
			DefaultConfiguration: sarifLevel{r.Severity},
		})
	}
	return rules
}

// sarifText returns the message and the hint. SARIF reads [text](target) as a link, so
// sarifText breaks that form: the text may quote a repository.
func sarifText(f Finding) string {
	text := clean(f.Message)
	if f.Hint != "" {
		text += "\n" + clean(f.Hint)
	}
	return strings.ReplaceAll(text, "](", "] (")
}

func location(f Finding) sarifLocation {
	// A colon in the first segment of a path would look like the end of a URL scheme.
	// URL.String puts ./ before such a path.
	uri := (&url.URL{Path: strings.TrimLeft(f.File, "/")}).String()
	l := sarifPhysicalLocation{ArtifactLocation: sarifArtifactLocation{URI: uri, URIBaseID: "%SRCROOT%"}}
	if f.Line > 0 {
		l.Region = &sarifRegion{StartLine: f.Line, StartColumn: max(f.Column, 1)}
	}
	return sarifLocation{l}
}

// fingerprint identifies a finding by rule, file and message. It leaves out the line, so
// that lines added above do not change it. GitHub's upload action computes the other
// fingerprint, primaryLocationLineHash.
func fingerprint(f Finding) string {
	sum := sha256.Sum256([]byte(f.Rule + "\x00" + f.File + "\x00" + f.Message))
	return fmt.Sprintf("%x", sum[:12])
}
