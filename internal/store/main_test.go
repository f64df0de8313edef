package store

import (
	"os"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestMain(m *testing.M) {
	fixture.Fast()
	fixture.WaitInParallel(8)
	os.Exit(m.Run())
}
