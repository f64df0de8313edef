package prepare

import (
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
	"github.com/kaizen-agentic/schedule-action/internal/secrets"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// The largest numbers of findings about one file: enough to see the problem, without
// hiding other findings.
const (
	maxHidden  = 10
	maxSecrets = 20
)

// scan reports secrets and unreadable text in a part, and redacts the secrets if the
// policy says so.
func (c *collector) scan(p *part) {
	if p == nil || p.state == Omitted || p.state == Summarized {
		return
	}
	c.scanText(p)
	if c.policy == SecretsOff {
		return
	}
	spans := c.files.secretsIn(c.ctx, p.Path, p.Role == "memory", func() []secrets.Span { return p.secrets(c.ctx) })
	for _, s := range spans[:min(len(spans), maxSecrets)] {
		line, column := p.position(s.Start)
		c.reportSecret(p.Path, s.Kind, line, column)
	}
	if len(spans) > 0 {
		p.state, p.content = Redacted, secrets.Redact(p.content, spans)
	}
}

// secretFinding returns the finding about a secret in file, which has the kind but not
// the secret.
func (c *collector) secretFinding(file, kind string, line, column int) diag.Finding {
	return secrets.Finding(file, line, column, kind, fmt.Sprintf("what agent %q reads", c.entry.Agent))
}

// reportSecret reports a secret in file by the policy.
func (c *collector) reportSecret(file, kind string, line, column int) {
	f := c.secretFinding(file, kind, line, column)
	if c.policy == SecretsRedact {
		f.Severity = diag.Warning
		f.Message += "; it is redacted in the bundle"
	}
	c.findings = append(c.findings, f)
}

// scanSessionClose scans the suggested commands, which become part of the event.
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
		spans := secrets.FindUnmarkedContext(c.ctx, []byte(line))
		for _, s := range spans {
			c.reportSecret(file, s.Kind, pos.Line, pos.Column)
		}
		lines[i] = string(secrets.Redact([]byte(line), spans))
	}
}

// commandPos returns the position of a command in the manifest. If the manifest has no
// position for each command, it is that of session_close.
func (c *collector) commandPos(i int) yamlnode.Pos {
	if pos := c.entry.Pos(fmt.Sprintf("session_close.%d", i)); pos != c.entry.Pos("") {
		return pos
	}
	return c.entry.Pos("session_close")
}

// scanText warns about a part that is not UTF-8, and about hidden characters in it.
func (c *collector) scanText(p *part) {
	encoding, at := safetext.DetectEncoding(p.content)
	message, hint := "", ""
	switch encoding {
	case safetext.UTF16:
		message, hint = "the file is UTF-16, which the agent cannot read", "save it as UTF-8"
	case safetext.Binary:
		message, hint = "the file is binary, which the agent cannot read", "name a text file"
	case safetext.BrokenUTF8:
		message = fmt.Sprintf("byte 0x%02x is not UTF-8; the bundle has the file as base64", p.content[at])
		hint = "save the file as UTF-8"
	}
	if message != "" {
		line, column := p.position(at)
		c.findings = append(c.findings, diag.InvalidUTF8.At(p.Path, line, column, message, hint))
	}
	if encoding == safetext.UTF16 || encoding == safetext.Binary {
		return // every other byte would be a hidden character
	}
	hidden := safetext.FindHidden(p.content)
	for i, h := range hidden[:min(len(hidden), maxHidden)] {
		more := 0
		if i == maxHidden-1 {
			more = len(hidden) - maxHidden
		}
		line, column := p.position(h.Offset)
		c.findings = append(c.findings, hiddenFinding(p.Path, line, column, h.Rune, more))
	}
}

// hiddenFinding returns the finding about r. More is the number of hidden characters
// after it that have no finding of their own.
func hiddenFinding(file string, line, column int, r rune, more int) diag.Finding {
	message := fmt.Sprintf("U+%04X is invisible or changes the direction of text", r)
	if more > 0 {
		message += fmt.Sprintf("; %d more follow", more)
	}
	return diag.HiddenUnicode.At(file, line, column, message,
		"remove it: the agent reads it, but a reviewer does not see it")
}
