package safetext_test

import (
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

func TestSanitize(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"plain text\tand tab", "plain text\tand tab"},
		{"a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne"},
		{"::error::x", ": :error::x"},
		{"  ::error::x", "  : :error::x"},
		{"see std::string", "see std::string"},
		{"a ##[error]b", "a ## [error]b"},
		{"#\u200b#[error]b", "## [error]b"},
		{"\x1b[31mred\x1b[0m\x00", "[31mred[0m"},
		{"user\u202etxt.exe\U000e0041\ufe0f\u00ad", "usertxt.exe"},
		{"\xffok\xfe", "\ufffdok\ufffd"},
	}
	for _, tt := range tests {
		if got := safetext.Sanitize(tt.in); got != tt.want {
			t.Errorf("safetext.Sanitize(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
