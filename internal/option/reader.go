package option

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reader converts the options of a command and keeps the first error.
type Reader struct {
	Values
	Args []string // positional arguments
	Err  error    // is about wrong usage
}

// Fail keeps err unless there is an earlier one.
func (r *Reader) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// OneOf reads an option with a fixed set of values.
func (r *Reader) OneOf(name string, allowed ...string) string {
	v := r.Values[name]
	if !slices.Contains(allowed, v) {
		shown := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
		r.Fail(fmt.Errorf("%s is %q, must be %s", name, v, strings.Join(shown, ", ")))
	}
	return v
}

// IsOn reads a switch.
func (v Values) IsOn(name string) bool { return v[name] == "true" }

// List reads a list separated by commas or white space.
func (v Values) List(name string) []string {
	return strings.FieldsFunc(v[name], func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) })
}

// Lines reads a list of paths, which may have spaces and commas, one a line.
func (v Values) Lines(name string) (list []string) {
	for line := range strings.Lines(v[name]) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// Number reads a whole number.
func (v Values) Number(name string, least, most int) (int, error) {
	n, err := strconv.Atoi(v[name])
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%s is %q, must be a number from %d to %d", name, v[name], least, most)
	}
	return n, nil
}

// Duration reads a positive duration.
func (v Values) Duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(v[name])
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s is %q, must be a duration such as 90s or 1h30m", name, v[name])
	}
	return d, nil
}
