package prepare

import (
	"os"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestMain(m *testing.M) {
	fixture.Fast()
	os.Exit(m.Run())
}
