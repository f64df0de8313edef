package transfer

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// maxQuote is the longest text of a server in an error, in code points.
const maxQuote = 200

var signature = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bsig=[^&\s"']*`) })

// Quote makes untrusted text safe to print. The result is in quotes, on one line, at most
// maxQuote characters long and without invisible characters. Secrets and the signatures of
// signed URLs become ***.
func Quote(text string, secrets ...string) string {
	// A secret may appear only when the invisible characters in it are gone.
	text = mask(safetext.OneLine(mask(text, secrets)), secrets)
	text = signature().ReplaceAllString(text, "sig=***")
	n := 0
	for i := range text {
		if n++; n > maxQuote {
			text = text[:i] + "…"
			break
		}
	}
	return strconv.Quote(text)
}

func mask(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// Reason returns the text of err, made safe by Quote. It has quotes only if the text
// needs escapes. The URL of a *url.Error is left out, because it may be a signed one.
func Reason(err error, secrets ...string) string {
	for u := (*url.Error)(nil); errors.As(err, &u); {
		err = u.Err
	}
	text := Quote(err.Error(), secrets...)
	if plain := text[1 : len(text)-1]; !strings.Contains(plain, `\`) {
		return plain
	}
	return text
}
