package secrets

import (
	"context"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// countdown is a context that ends when it was asked so many times.
type countdown struct {
	context.Context
	left, asked int
}

func (c *countdown) Err() error {
	if c.asked++; c.asked > c.left {
		return context.Canceled
	}
	return nil
}

// A search asks its context every few thousand bytes, whatever the text makes it do, and
// stops within a few questions.
func TestFindContext(t *testing.T) {
	t.Parallel()
	token := "ghp_" + fixture.Random(fixture.Alnum, 36)
	for name, unit := range map[string]string{
		"words":    "password token secret key api_key aws ghp_ sk- bearer authorization: x= ",
		"base64":   "cGFzc3dvcmQ9aHVudGVyMmh1bnRlcjIgdG9rZW46IGFiY2RlZmdoaWo= ",
		"keys":     "-----BEGIN PRIVATE KEY-----\n",
		"escapes":  `\"password\": \"%41%42\" `,
		"nothing":  "a line of ordinary text\n",
		"in depth": "https://user:pass@host/",
	} {
		data := []byte(strings.Repeat(unit, 64<<10/len(unit)) + token)
		whole := &countdown{t.Context(), 1 << 30, 0}
		if spans := FindContext(whole, data); len(spans) == 0 || whole.asked < len(data)/betweenChecks {
			t.Errorf("%s: %d secrets, and the context was asked %d times", name, len(spans), whole.asked)
		}
		for _, left := range []int{0, 1, whole.asked / 2, whole.asked - 1} {
			ctx := &countdown{t.Context(), left, 0}
			FindUnmarkedContext(ctx, data)
			if more := ctx.asked - left; more > 40 {
				t.Errorf("%s: the context ended after %d questions, and was asked %d times more", name, left, more)
			}
		}
	}
}
