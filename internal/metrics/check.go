package metrics

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

// The types of the members of a summary.json, as kaizen-agentic writes it. Any value may
// be null. Other members are not checked.
var (
	summaryTypes = map[string]jsonType{
		"execution_count": typeCount, "success_rate": typeNumber, "avg_quality_score": typeNumber,
		"avg_execution_time_s": typeNumber, "last_execution": typeString, "trend": typeObject,
	}
	trendTypes = map[string]jsonType{"success_rate": typeString, "quality_score": typeString}
)

// jsonType is the type of a value, as messages name it.
type jsonType string

const (
	typeCount  jsonType = "a whole number"
	typeNumber jsonType = "a number"
	typeString jsonType = "a string"
	typeObject jsonType = "an object"
)

// fits reports whether value is null or has the type.
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

// Check returns a finding if data, the summary.json of agent at file, is not a JSON
// object, and one for each member whose value has a different type than kaizen-agentic
// writes.
func Check(file, agent string, data []byte) []diag.Finding {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	c := checker{file: file, agent: agent, data: data, position: diag.Positions(data)}
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil || whole == nil {
		offset := 0
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			offset = max(0, int(syntax.Offset)-1)
		}
		c.report(offset, fmt.Sprintf("the metrics of agent %q are not a JSON object", agent))
		return c.findings
	}
	c.members(member{end: len(data)}, summaryTypes)
	return c.findings
}

// checker collects the findings about one summary.json.
type checker struct {
	file, agent string
	data        []byte
	position    func(offset int) (line, column int)
	findings    []diag.Finding
}

// members checks the members of an object in valid JSON.
func (c *checker) members(object member, types map[string]jsonType) {
	for _, m := range members(c.data, object) {
		want, known := types[m.key]
		value := c.data[m.start:m.end]
		switch {
		case !known:
		case !want.fits(value):
			c.report(m.start, fmt.Sprintf("%s in the metrics of agent %q is not %s", m.key, c.agent, want))
		case want == typeObject && value[0] == '{':
			c.members(m, trendTypes)
		}
	}
}

func (c *checker) report(offset int, message string) {
	line, column := c.position(offset)
	c.findings = append(c.findings,
		diag.BadMetrics.At(c.file, line, column, message, "write the file again with kaizen-agentic metrics"))
}

// member is a key and the place of its value.
type member struct {
	key        string
	start, end int
}

// members returns the members of an object in data, which is valid JSON.
func members(data []byte, object member) []member {
	var all []member
	dec := json.NewDecoder(bytes.NewReader(data[object.start:object.end]))
	_, err := dec.Token() // the brace
	for err == nil && dec.More() {
		key, _ := dec.Token()
		from := object.start + int(dec.InputOffset()) // where the colon or white space begins
		var value json.RawMessage
		if err = dec.Decode(&value); err == nil {
			isValue := func(r rune) bool { return !strings.ContainsRune(": \t\r\n", r) }
			start := from + bytes.IndexFunc(data[from:], isValue)
			all = append(all, member{fmt.Sprint(key), start, start + len(value)})
		}
	}
	return all
}
