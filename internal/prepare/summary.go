package prepare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// The types of a summary.json, as kaizen-agentic writes it. Any value may be null, where
// nothing was measured; further members are left alone.
var (
	summaryTypes = map[string]jsonType{
		"execution_count": typeCount, "success_rate": typeNumber, "avg_quality_score": typeNumber,
		"avg_execution_time_s": typeNumber, "last_execution": typeString, "trend": typeObject,
	}
	trendTypes = map[string]jsonType{"success_rate": typeString, "quality_score": typeString}
)

// jsonType is a type of a member's value, as a message names it.
type jsonType string

const (
	typeCount  jsonType = "a whole number"
	typeNumber jsonType = "a number"
	typeString jsonType = "a string"
	typeObject jsonType = "an object"
)

// fits reports whether a value is null or of the type.
func (t jsonType) fits(value json.RawMessage) bool {
	var target any
	switch t {
	case typeCount:
		target = new(uint64)
	case typeNumber:
		target = new(float64)
	case typeString:
		target = new(string)
	default:
		target = new(map[string]json.RawMessage)
	}
	return json.Unmarshal(value, target) == nil
}

// checkSummary warns about a summary.json that is no JSON object, and about each member
// whose value has another type than kaizen-agentic gives it. It is carried as it is.
func (c *collector) checkSummary(p *part) {
	data := bytes.TrimPrefix(p.content, []byte("\ufeff"))
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil || whole == nil {
		offset := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = max(0, int(syntax.Offset)-1)
		}
		c.badMetrics(p.Path, data, offset, fmt.Sprintf("the metrics of agent %q are not a JSON object", c.entry.Agent))
		return
	}
	c.checkMembers(p.Path, data, member{end: len(data)}, summaryTypes)
}

// checkMembers checks the members of the object in valid JSON.
func (c *collector) checkMembers(file string, data []byte, in member, types map[string]jsonType) {
	for _, m := range members(data, in) {
		want, known := types[m.key]
		value := data[m.start:m.end]
		switch {
		case !known:
		case !want.fits(value):
			c.badMetrics(file, data, m.start,
				fmt.Sprintf("%s in the metrics of agent %q is not %s", m.key, c.entry.Agent, want))
		case want == typeObject && value[0] == '{':
			c.checkMembers(file, data, m, trendTypes)
		}
	}
}

func (c *collector) badMetrics(file string, data []byte, offset int, message string) {
	line, column := diag.Position(data, offset)
	c.findings = append(c.findings,
		diag.BadMetrics.At(file, line, column, message, "write it again with kaizen-agentic metrics"))
}

// member is where the value of a key is.
type member struct {
	key        string
	start, end int
}

// members are those of the object in data, which is valid JSON.
func members(data []byte, in member) []member {
	var all []member
	dec := json.NewDecoder(bytes.NewReader(data[in.start:in.end]))
	_, err := dec.Token() // the brace
	for err == nil && dec.More() {
		key, _ := dec.Token()
		from := in.start + int(dec.InputOffset()) // of the colon or white space before it
		var value json.RawMessage
		if err = dec.Decode(&value); err == nil {
			start := from + bytes.IndexFunc(data[from:], func(r rune) bool { return !strings.ContainsRune(": \t\r\n", r) })
			all = append(all, member{fmt.Sprint(key), start, start + len(value)})
		}
	}
	return all
}
