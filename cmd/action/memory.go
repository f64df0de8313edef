package main

import (
	"context"
	"fmt"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

const (
	// loadedLines is how many lines of a memory file agents load when a session begins; what follows is seen only when they go looking.
	loadedLines = 200
	// memoryDeadline bounds the look at the receipt before: it is worth telling how a memory grows, but not worth waiting long.
	memoryDeadline = 15 * time.Second
)

// memoryHealth is an agent's memory beside what the last receipt says about it.
type memoryHealth struct {
	*prepare.MemoryInfo
	before *store.Memory // nil when no earlier receipt tells
}

// memoryHealth compares the memory with the receipt of the latest earlier period. That costs one download where there is such a receipt.
// It never fails: a ledger that can't be read leaves the growth untold.
func (j *job) memoryHealth(ctx context.Context, r *result, memory *prepare.MemoryInfo) *memoryHealth {
	if memory == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, memoryDeadline)
	defer cancel()
	before, err := j.memoryBefore(ctx, r)
	if err != nil {
		j.runner.Logf("%s: how its memory grew is not known: %v", r.entry.Agent, err)
	}
	return &memoryHealth{memory, before}
}

// memoryBefore is the memory in the latest receipt before this period; nil without one.
func (j *job) memoryBefore(ctx context.Context, r *result) (*store.Memory, error) {
	if !r.asked { // an agent that is named skips the ledger until here
		if err := j.ask(ctx, []*result{r})[0].err; err != nil {
			return nil, err
		}
	}
	latest := schedule.LatestBefore(r.earlier, r.decision.Slot.Period)
	if latest == "" {
		return nil, nil
	}
	record := j.stores.ledger().Lookup(ctx, []string{prepare.Name(j.manifest.Repo, r.entry.Agent, latest)})[0]
	if record.Receipt == nil {
		return nil, record.Err
	}
	return record.Receipt.Memory, nil
}

// state is what the receipt of this run says.
func (h *memoryHealth) state() *store.Memory {
	if h == nil {
		return nil
	}
	return &store.Memory{Size: h.Size, SHA256: h.SHA256, UnchangedRuns: h.unchangedRuns()}
}

func (h *memoryHealth) unchangedRuns() int {
	if h.before == nil || h.SHA256 == "" || h.SHA256 != h.before.SHA256 {
		return 0
	}
	return h.before.UnchangedRuns + 1
}

// change says how the memory differs from the last receipt's.
func (h *memoryHealth) change() string {
	runs := h.unchangedRuns()
	switch {
	case h.before == nil:
		return "no earlier receipt tells"
	case runs > 0:
		return "unchanged for " + count(runs, "run")
	case h.Size == h.before.Size:
		return "changed, same size"
	}
	return fmt.Sprintf("%+d bytes", h.Size-h.before.Size)
}

// lines says how much of the memory agents load.
func (h *memoryHealth) lines() string {
	switch {
	case h.LeftOut > 0:
		return fmt.Sprintf("⚠️ over %d KiB: the bundle lacks its first %s",
			prepare.MaxFile>>10, count(int(h.LeftOut), "byte"))
	case h.Lines > loadedLines:
		return fmt.Sprintf("⚠️ %d, over the %d that agents load", h.Lines, loadedLines)
	}
	return fmt.Sprint(h.Lines)
}

// memorySection tells the health of the memories that were prepared.
func memorySection(results []*result) (emit.Section, bool) {
	table := &emit.Table{Header: []string{"Agent", "Memory", "Size", "Since the last receipt", "Lines"}}
	for _, r := range results {
		if h := r.memory; h != nil {
			table.Rows = append(table.Rows, []emit.Cell{
				{Text: r.entry.Agent, Code: true}, {Text: h.Path, Code: true}, {Text: count(int(h.Size), "byte")}, {Text: h.change()}, {Text: h.lines()},
			})
		}
	}
	return emit.Section{Title: "Memory", Table: table}, len(table.Rows) > 0
}
