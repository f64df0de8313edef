package pipeline

import (
	"context"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// Give makes the builder use a bundle from another program, and selects its agent. Data
// is the JSON of `kaizen-agentic schedule prepare`, and file its name in findings. The
// error is about wrong usage.
func (b *Builder) Give(ctx context.Context, file string, data []byte, s *Selection) error {
	if len(s.Names) > 1 || s.All {
		return advice.New("name that agent only, or no agent", "from holds the bundle of one agent")
	}
	if len(s.Names) == 0 {
		agent, err := prepare.AgentOf(data)
		if err != nil {
			return fmt.Errorf("from: %w", err)
		}
		s.Names = []string{agent}
	}
	entries, err := s.Entries(b.Manifest)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return advice.New("drop cadence", "from holds the bundle of %q, which cadence %s excludes", s.Names[0],
			s.Cadence)
	}
	planned := Planner{Manifest: b.Manifest, Now: b.Now}.Entry(entries[0])
	if b.Given, b.GivenFindings, err = prepare.FromJSON(ctx, file, data, b.input(planned)); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	return nil
}
