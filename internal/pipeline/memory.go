package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/bundleid"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// memoryDeadline limits the search for the earlier receipt, because the comparison is not
// worth a long wait.
const memoryDeadline = 15 * time.Second

// Memory is an agent's memory and its comparison with the latest earlier receipt.
type Memory struct {
	*prepare.MemoryInfo
	before *store.Memory // nil when no earlier receipt has it
}

// compareMemory compares the memory with the receipt of the latest earlier period, which
// costs one download. If the ledger cannot be read, the growth is unknown.
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

// memoryBefore returns the memory in the latest receipt before this period, or nil.
func (d *Deliverer) memoryBefore(ctx context.Context, p *Planned) (*store.Memory, error) {
	if p.known == nil { // a named agent is planned without the ledger
		d.Planner.ask(ctx, []*Planned{p})
		if err := p.Err; err != nil {
			p.Err = nil // a failed comparison does not stop the delivery
			return nil, err
		}
	}
	latest := bundleid.LatestBefore(p.known.Earlier, p.ID.Period)
	if latest == "" {
		return nil, nil
	}
	b := bundleid.Bundle{Entry: p.ID.Entry, Period: latest}
	receipt, err := d.Planner.Ledger.Receipt(ctx, b.Name())
	if receipt == nil {
		return nil, err
	}
	return receipt.Memory, nil
}

// state returns the memory's entry for the receipt of this run.
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

// Change describes the difference from the memory in the last receipt.
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
