package scaffold

import (
	"errors"
	"fmt"
	"slices"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/checkout"
)

// Write writes the proposed files. It checks every destination before it writes the first
// file, because a checkout may be hostile.
func (s *Scaffold) Write(w *checkout.Writer) error {
	files := slices.DeleteFunc(slices.Clone(s.Files), func(f File) bool { return f.Reason != "" })
	for _, f := range files {
		if err := w.Check(f.Path); err != nil {
			return notWritten(err)
		}
	}
	for _, f := range files {
		write := w.Create
		if f.Append {
			write = w.Append
		}
		if err := write(f.Path, []byte(f.Content)); err != nil {
			return notWritten(err)
		}
	}
	return nil
}

func notWritten(err error) error {
	if errors.Is(err, checkout.ErrNotDirectory) || errors.Is(err, checkout.ErrNotRegular) {
		return advice.New("put one there, then run init again", "writing %w", err)
	}
	return fmt.Errorf("writing %w", err)
}
