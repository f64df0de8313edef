package checkout

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

func TestReadArgument(t *testing.T) {
	t.Parallel()
	dir := fixture.TempDir(t)
	fixture.Write(t, dir, map[string]string{"ten": "0123456789", "eleven": "0123456789x"})
	for _, tt := range []struct {
		path, stdin, want string
		err               error
	}{
		{filepath.Join(dir, "ten"), "", "0123456789", nil},
		{filepath.Join(dir, "eleven"), "", "", ErrTooLarge},
		{filepath.Join(dir, "none"), "", "", fs.ErrNotExist},
		{dir, "", "", ErrNotRegular},
		{"-", "0123456789", "0123456789", nil},
		{"-", "0123456789x", "", ErrTooLarge},
	} {
		got, err := ReadArgument(t.Context(), tt.path, strings.NewReader(tt.stdin), 10)
		if string(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v", tt.path, got, err)
		}
	}
}
