package scaffold

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/spec"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

const schemaURL = "https://raw.githubusercontent.com/kaizen-agentic/schedule-action/v1/schema/schedule.schema.json"

const manifestHead = `# yaml-language-server: $schema=` + schemaURL + `
#
# Which agents run on this repository, and when. Check it after a change: action validate
`

// text returns the manifest as YAML.
func (p *manifestPlan) text(opts Options) string {
	var b strings.Builder
	b.WriteString(manifestHead)
	if opts.Engagement != "" {
		fmt.Fprintf(&b, "# This is the bootstrap of the engagement %s.\n", opts.Engagement)
	}
	zone := opts.Timezone
	if zone == "" {
		zone = "UTC"
	}
	b.WriteString("version: \"1\"\n")
	fmt.Fprintf(&b, "timezone: %s # IANA name, such as Europe/Berlin; the crons follow its clock\n",
		yamlnode.FormatLine(zone))
	if slug := spec.AsSlug(opts.Slug); slug != "" {
		fmt.Fprintf(&b, "repo: %s # State Hub slug\n", yamlnode.FormatWord(slug))
	}
	b.WriteString("agents:\n")
	for i := range p.entries {
		p.entries[i].write(&b, i == 0)
	}
	return b.String()
}

// write writes the entry. The first entry has comments that explain its keys.
func (e *plannedEntry) write(b *strings.Builder, first bool) {
	key := func(key, value, comment string) {
		if comment != "" {
			value += " # " + comment
		}
		fmt.Fprintf(b, "    %s: %s\n", key, value)
	}
	explain := func(comment string) string {
		if first {
			return comment
		}
		return ""
	}
	fmt.Fprintf(b, "  %s:", yamlnode.FormatWord(e.agent))
	if e.enabled && len(e.prompts) == 0 {
		b.WriteString(" # kaizen-ignore: no-prompt\n")
		b.WriteString("    # Its prompt is not in this repository: kaizen-agentic should install it.")
	}
	b.WriteString("\n")
	key("cadence", string(e.cadence), explain("daily, weekly or monthly"))
	if e.cron != "" {
		key("cron", strconv.Quote(e.cron), explain(fmt.Sprintf(
			"minute, hour, day of the month, month, day of the week; default: %s", e.cadence.DefaultCron())))
	}
	switch {
	case !e.enabled:
		key("enabled", "false", fmt.Sprintf("no prompt here: add agents/agent-%s.md or install kaizen-agentic, "+
			"then set true", e.agent))
	case first:
		key("enabled", "true", "false pauses the agent")
	}
	if len(e.prompts) > 1 {
		if reason, _ := spec.CheckPath(e.prompts[0]); reason == "" {
			key("prompt", yamlnode.FormatLine(e.prompts[0]), "also found: "+pathList(e.prompts[1:]))
		}
	}
	if e.memory != "" {
		key("memory", e.memory, "shared")
	}
}

// pathList returns paths on one line, as in YAML.
func pathList(paths []string) string {
	shown := make([]string, len(paths))
	for i, p := range paths {
		shown[i] = yamlnode.FormatLine(p)
	}
	return strings.Join(shown, ", ")
}
