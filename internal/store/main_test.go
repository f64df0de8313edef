package store

import (
	"flag"
	"os"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

var full = flag.Bool("full", false, "list the artifacts of five months in place of two")

func TestMain(m *testing.M) {
	fixture.TempInMemory()
	fixture.WaitInParallel(8)
	os.Exit(m.Run())
}
