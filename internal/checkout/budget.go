package checkout

import (
	"fmt"
	"sync/atomic"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// MaxRead is how many bytes of one tree a run reads: sixteen files of the largest size that
// is read, and thousands of ordinary ones. It bounds the time of a run whose checkout is
// made to be slow.
const MaxRead = 1 << 30

// Budget limits how many bytes a run reads. It is safe for concurrent use.
type Budget struct {
	limit    int64
	read     atomic.Int64
	exceeded atomic.Pointer[BudgetError]
}

// NewBudget returns a budget of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// BudgetError is the error of a file that does not fit into what is left of the budget.
type BudgetError struct {
	Path  string
	Limit int64
}

// Error names the file, the budget and the next step.
func (e *BudgetError) Error() string {
	message := fmt.Sprintf("the budget of this run is %d bytes, and %q exceeds it", e.Limit, e.Path)
	return advice.Join(message, e.Advice())
}

// Advice returns the next step.
func (e *BudgetError) Advice() string {
	return "shorten the largest files that the run reads, or divide the work between several runs"
}

// Exceeded returns the error of the first file that did not fit, or nil.
func (b *Budget) Exceeded() *BudgetError { return b.exceeded.Load() }

// take takes n bytes for the file at path, or none if they do not fit.
func (b *Budget) take(path string, n int64) error {
	for {
		read := b.read.Load()
		if n > b.limit-read {
			break
		}
		if b.read.CompareAndSwap(read, read+n) {
			return nil
		}
	}
	err := &BudgetError{path, b.limit}
	b.exceeded.CompareAndSwap(nil, err)
	return err
}
