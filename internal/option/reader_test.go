package option

import (
	"errors"
	"slices"
	"testing"
)

func TestReader(t *testing.T) {
	t.Parallel()
	r := &Reader{Values: Values{Format: "json", Force: "true", Agents: "coach, scout\n\tscribe\r\n,",
		Root: " /a b \r\n\n/c,d"}}
	if got := r.OneOf(Format, "", "text", "json"); got != "json" || r.Err != nil {
		t.Errorf("format: %q, error %v", got, r.Err)
	}
	if !r.IsOn(Force) || r.IsOn(DryRun) {
		t.Error("a switch is wrong")
	}
	if got, want := r.List(Agents), []string{"coach", "scout", "scribe"}; !slices.Equal(got, want) {
		t.Errorf("list: got %q, want %q", got, want)
	}
	if got, want := r.Lines(Root), []string{"/a b", "/c,d"}; !slices.Equal(got, want) {
		t.Errorf("lines: got %q, want %q", got, want)
	}
	r.OneOf(Format, "", "text", "sarif")
	r.Fail(errors.New("a second error"))
	if want := `format is "json", must be text, sarif`; r.Err == nil || r.Err.Error() != want {
		t.Errorf("error: got %v, want %s", r.Err, want)
	}
}
