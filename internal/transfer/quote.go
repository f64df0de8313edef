package transfer

import (
	"errors"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// maxQuote bounds the text of others in our errors, in code points.
const maxQuote = 200

var signature = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)\bsig=[^&\s"']*`) })

// Quote makes untrusted text safe to print: in quotes, on one line, bounded, without the
// signatures of signed URLs and without these secrets.
func Quote(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
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

// Reason is the text of err as Quote makes it, without quotes where it needs none. It
// leaves out the URL that *url.Error prints, which may be a signed one.
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
