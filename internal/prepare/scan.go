package prepare

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// How many places of one file are reported: enough to see what is wrong, too few to bury
// the rest.
const (
	maxHidden  = 10
	maxSecrets = 20
)

// scan checks what a part carries, and takes the secrets out where the policy says so.
func (c *collector) scan(p *part) {
	if p == nil || p.state == Omitted || p.state == Summarized {
		return
	}
	c.scanText(p)
	if c.policy == SecretsOff {
		return
	}
	spans := p.secrets()
	for _, s := range spans[:min(len(spans), maxSecrets)] {
		line, column := p.position(s.Start)
		c.secret(p.Path, secretAt{s.Kind, line, column})
	}
	if len(spans) > 0 {
		p.state, p.content = Redacted, secrets.Redact(p.content, spans)
	}
}

// secretAt is where a secret is and which detector found it; never the secret.
type secretAt struct {
	kind         string
	line, column int
}

func (c *collector) secretFinding(file string, s secretAt) diag.Finding {
	return diag.Secret.At(file, s.line, s.column,
		fmt.Sprintf("a secret of the kind %s stands in what agent %q reads", s.kind, c.entry.Agent),
		"remove it and revoke it: it is in the history too")
}

func (c *collector) secret(file string, s secretAt) {
	f := c.secretFinding(file, s)
	if c.policy == SecretsRedact {
		f.Severity = diag.Warning
		f.Message += "; the bundle does not hold it"
	}
	c.findings = append(c.findings, f)
}

// executionsScanner reports the secrets in the lines of an executions.jsonl. A secret
// there stops the agent like any other, although the summary has no text of the file;
// under SecretsRedact nothing needs to be replaced.
func (c *collector) executionsScanner(file string) func(line []byte, number int) {
	found := 0
	return func(line []byte, number int) {
		if c.policy == SecretsOff || found == maxSecrets {
			return
		}
		for _, s := range secrets.Find(line) {
			if found == maxSecrets {
				return
			}
			found++
			_, column := diag.Position(line, s.Start)
			c.secret(file, secretAt{s.Kind, number, column})
		}
	}
}

// scanSessionClose checks the suggested commands, which go into the event, as scan
// checks a file.
func (c *collector) scanSessionClose(lines []string) {
	file := c.manifest()
	for i, line := range lines {
		pos := c.commandPos(i)
		if hidden := safetext.FindHidden([]byte(line)); len(hidden) > 0 {
			c.findings = append(c.findings, hiddenFinding(file, pos.Line, pos.Column, hidden[0].Rune, len(hidden)-1))
		}
		if c.policy == SecretsOff {
			continue
		}
		spans := secrets.Find([]byte(line))
		for _, s := range spans {
			c.secret(file, secretAt{s.Kind, pos.Line, pos.Column})
		}
		lines[i] = string(secrets.Redact([]byte(line), spans))
	}
}

// commandPos is the place of the command with that index in the manifest, or of
// session_close where the manifest keeps no place of each command.
func (c *collector) commandPos(i int) yamlnode.Pos {
	if pos := c.entry.Pos(fmt.Sprintf("session_close.%d", i)); pos != c.entry.Pos("") {
		return pos
	}
	return c.entry.Pos("session_close")
}

// checkText warns about bytes that are not UTF-8 and characters that a reader does not see.
func (c *collector) scanText(p *part) {
	encoding, at := safetext.DetectEncoding(p.content)
	message, hint := "", ""
	switch encoding {
	case safetext.UTF16:
		message, hint = "the file is UTF-16, which reaches the agent as noise", "save it as UTF-8"
	case safetext.Binary:
		message, hint = "the file is binary, which reaches the agent as noise", "name a text file"
	case safetext.BrokenUTF8:
		message = fmt.Sprintf("byte 0x%02x is not UTF-8; the bundle carries the file as base64", p.content[at])
		hint = "save the file as UTF-8"
	}
	if message != "" {
		line, column := p.position(at)
		c.findings = append(c.findings, diag.InvalidUTF8.At(p.Path, line, column, message, hint))
	}
	if encoding == safetext.UTF16 || encoding == safetext.Binary {
		return // in noise, hidden characters mean nothing
	}
	hidden := safetext.FindHidden(p.content)
	for i, h := range hidden {
		if i == maxHidden {
			break
		}
		line, column := p.position(h.Offset)
		more := 0
		if i == maxHidden-1 {
			more = len(hidden) - maxHidden
		}
		c.findings = append(c.findings, hiddenFinding(p.Path, line, column, h.Rune, more))
	}
}

// hiddenFinding reports r, and how many more follow that are not reported one by one.
func hiddenFinding(file string, line, column int, r rune, more int) diag.Finding {
	message := fmt.Sprintf("U+%04X is invisible or changes the direction of text", r)
	if more > 0 {
		message += fmt.Sprintf("; %d more follow", more)
	}
	return diag.HiddenUnicode.At(file, line, column, message, "remove it: an agent reads what a reviewer does not see")
}
