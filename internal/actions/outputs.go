package actions

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Outputs has the outputs of a step, in the order in which they were first set. The zero
// value is empty.
type Outputs struct{ list []output }

type output struct{ name, value string }

// Set sets an output, or replaces its value.
func (o *Outputs) Set(name, value string) {
	if i := slices.IndexFunc(o.list, func(have output) bool { return have.name == name }); i >= 0 {
		o.list[i].value = value
		return
	}
	o.list = append(o.list, output{name, value})
}

// SetInt sets an output to a number.
func (o *Outputs) SetInt(name string, n int) { o.Set(name, strconv.Itoa(n)) }

// SetJSON sets an output to v as JSON in one line. It panics if v cannot be encoded.
func (o *Outputs) SetJSON(name string, v any) { o.Set(name, compactJSON(v)) }

// SetResult sets the outputs of every command: whether the manifest is valid, and the
// numbers of errors and warnings.
func (o *Outputs) SetResult(valid bool, errors, warnings int) {
	o.Set("valid", strconv.FormatBool(valid))
	o.SetInt("errors", errors)
	o.SetInt("warnings", warnings)
}

// Value returns the value of an output, or "" if it is not set.
func (o *Outputs) Value(name string) string {
	for _, have := range o.list {
		if have.name == name {
			return have.value
		}
	}
	return ""
}

// Size returns the number of bytes of all names and values, with a delimiter before and
// after each value. The runner's file has five more for each output: << and the line ends.
func (o *Outputs) Size() (bytes int) {
	for _, have := range o.list {
		bytes += len(have.name) + len(have.value) + 2*delimiterLength
	}
	return bytes
}

// delimiterLength is the length of a random delimiter (crypto/rand.Text).
const delimiterLength = 26

// WriteOutputs writes all outputs. If one cannot be written, it still writes the others
// and returns the error. Outside Actions it does nothing.
func (r *Runner) WriteOutputs(o Outputs) error {
	var errs []error
	for _, have := range o.list {
		errs = append(errs, r.writeOutput(have.name, have.value))
	}
	return errors.Join(errs...)
}

// compactJSON encodes v without line breaks. It escapes ##[, which can only be inside
// strings, because a later step may print the output and the runner accepts this form of
// a command anywhere in a line.
func compactJSON(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "##[", `#\u0023[`)
}
