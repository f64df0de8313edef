package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// memoryDeadline bounds the look at the receipt before: how a memory grows is not worth a long wait.
const memoryDeadline = 15 * time.Second

// Memory is an agent's memory beside what the latest earlier receipt says about it.
type Memory struct {
	*prepare.MemoryInfo
	before *store.Memory // nil when no earlier receipt has it
}

// compareMemory compares the memory with the receipt of the latest earlier period. That costs one download where there is
// such a receipt. A ledger that cannot be read leaves the growth unknown.
func (d *Deliverer) compareMemory(ctx context.Context, p *Planned, info *prepare.MemoryInfo) *Memory {
	if info == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, memoryDeadline)
	defer cancel()
	before, err := d.memoryBefore(ctx, p)
	if err != nil {
		d.Log("%s: how its memory grew is unknown: %v", p.Entry.Agent, err)
	}
	return &Memory{info, before}
}

// memoryBefore is the memory in the latest receipt before this period; nil without one.
func (d *Deliverer) memoryBefore(ctx context.Context, p *Planned) (*store.Memory, error) {
	if p.known == nil { // the plan chose an agent that is named without the ledger
		d.Planner.ask(ctx, []*Planned{p})
		if err := p.Err; err != nil {
			p.Err = nil // the delivery goes on
			return nil, err
		}
	}
	latest := bundleid.LatestBefore(p.known.Earlier, p.ID.Period)
	if latest == "" {
		return nil, nil
	}
	b := bundleid.Bundle{Entry: p.ID.Entry, Period: latest}
	record := d.Planner.Ledger.Lookup(ctx, []string{b.Name()})[0]
	if record.Receipt == nil {
		return nil, record.Err
	}
	return record.Receipt.Memory, nil
}

// state is what the receipt of this run says.
func (m *Memory) state() *store.Memory {
	if m == nil {
		return nil
	}
	return &store.Memory{Size: m.Size, SHA256: m.SHA256, UnchangedRuns: m.unchangedRuns()}
}

func (m *Memory) unchangedRuns() int {
	if m.before == nil || m.SHA256 == "" || m.SHA256 != m.before.SHA256 {
		return 0
	}
	return m.before.UnchangedRuns + 1
}

// Change says how the memory differs from that of the last receipt.
func (m *Memory) Change() string {
	runs := m.unchangedRuns()
	switch {
	case m.before == nil:
		return "unknown: no earlier receipt has it"
	case runs == 1:
		return "unchanged for 1 run"
	case runs > 0:
		return fmt.Sprintf("unchanged for %d runs", runs)
	case m.Size == m.before.Size:
		return "changed, same size"
	}
	return fmt.Sprintf("%+d bytes", m.Size-m.before.Size)
}
