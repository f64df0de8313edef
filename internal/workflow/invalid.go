package workflow

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/yamlnode"
)

// unquotedCron matches a cron that YAML reads as an alias. The groups are the text before
// it on its line and the cron itself.
var unquotedCron = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^([^#\n]*?\bcron:[ \t]+)(\*[^#\r\n{}\[\]]*?)[ \t,]*(?:[}\]#].*|\r?)$`)
})

// checkSyntax reports why a workflow is not valid YAML. It skips violations of this
// program's limits, because the platform has other limits.
func checkSyntax(file string, data []byte, problems []yamlnode.Problem) []diag.Finding {
	r := reporter{file: file}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	for _, p := range problems {
		switch {
		case p.Rule != diag.Syntax && p.Rule != diag.NoAlias:
		case !r.unquotedCrons(data, p.Pos.Line):
			r.at(diag.WorkflowSchedule, p.Pos,
				"the platform ignores this workflow because it is not valid YAML: "+p.Message, p.Hint)
		}
	}
	diag.Sort(r.findings)
	return slices.Compact(r.findings)
}

// unquotedCrons reports the unquoted cron in a line and all other ones with the same key.
// It returns false if the line has none.
func (r *reporter) unquotedCrons(data []byte, line int) bool {
	all := unquotedCron().FindAllSubmatchIndex(data, -1)
	start := func(match []int) int { return yamlnode.PosAt(data, match[0]).Line }
	i := slices.IndexFunc(all, func(match []int) bool { return start(match) == line })
	if i < 0 {
		return false
	}
	key := func(match []int) string { return strings.TrimSpace(string(data[match[2]:match[3]])) }
	for _, match := range all {
		if text := string(data[match[4]:match[5]]); key(match) == key(all[i]) {
			r.at(diag.WorkflowSchedule, yamlnode.PosAt(data, match[4]),
				fmt.Sprintf("cron %s has no quotes, so YAML reads * as an alias, and the platform ignores the workflow",
					diag.Quote(text)), "write cron: "+strconv.Quote(text))
		}
	}
	return true
}
