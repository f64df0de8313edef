// Package secrets finds secrets in text and removes them: tokens, passwords and private
// keys. It knows only the text, not where it comes from.
package secrets

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Span is where a secret is in a text.
type Span struct {
	Start, End int    // byte offsets, the end exclusive
	Kind       string // such as github-token; never a part of the secret
}

// detector finds one kind of secret.
type detector struct {
	id string
	// keywords are in any text worth searching; without one the pattern is not even
	// compiled. A lower-case keyword is found in any case, another as it is written.
	keywords []string
	pattern  func() *regexp.Regexp
	// atKeyword says that a match begins with a keyword, so that only there the pattern is
	// tried: words such as token are common in prose.
	atKeyword bool
	// find replaces the pattern and all below where a pattern is not enough.
	find func(text []byte) []Span
	// entropy is the least entropy of a secret in bits a byte: it tells a token from xxxxxxxx.
	entropy float64
	// refuse says which matches are no secrets, beside placeholders.
	refuse func(match [][]byte) bool
}

// detect makes a detector. The secret is the pattern's first group, or all of it where it
// has none. Keywords are separated by spaces.
func detect(id, keywords string, entropy float64, pattern string) *detector {
	return &detector{
		id: id, keywords: strings.Fields(keywords), entropy: entropy,
		pattern: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) }),
	}
}

// maxAssignment bounds the text after a keyword on which a pattern is tried, in bytes. The
// pattern also finds a value that is cut there, and merge adds its rest.
const maxAssignment = 1 << 10

// assignment makes a detector whose matches begin with one of the keywords, in any case
// unless the keyword has capitals.
func assignment(id, keywords string, entropy float64, pattern string) *detector {
	d := detect(id, keywords, entropy, `\A`+pattern)
	d.atKeyword = true
	return d
}

func (d *detector) except(refuse func([][]byte) bool) *detector {
	d.refuse = refuse
	return d
}

// detectors is the table of all kinds, the surest first: where two find the same text,
// the first names it. Prefixes and lengths are those that each issuer documents. The
// table is made when a first text is searched. A new kind is one line here and one sample
// in the test.
var detectors = sync.OnceValue(func() []*detector {
	return []*detector{
		{id: "private-key", keywords: []string{"PRIVATE KEY", "Private-Lines:"}, find: privateKeys},
		detect("gcp-service-account", "private_key_id", 3, `"private_key_id"\s*:\s*"([0-9a-f]{40})"`),
		detect("nats-seed", "SU SA SN SO SX SC", 3, `\bS[UANOXC][A-Z2-7]{56}\b`),
		detect("age-key", "AGE-SECRET-KEY-", 3, `\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b`),
		detect("jwt", "eyJ", 3, `\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`),

		detect("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", 3,
			`\bgh[pousr]_[A-Za-z0-9_.-]{35,999}[A-Za-z0-9]|gh[pousr]_[A-Za-z0-9]{36}`),
		detect("github-fine-grained-token", "github_pat_", 3, `github_pat_[A-Za-z0-9]{22}[A-Za-z0-9_]*`),
		detect("gitlab-token", "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-", 3,
			`\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_-]{20,}`),
		detect("npm-token", "npm_", 3, `\bnpm_[A-Za-z0-9]{36}\b`),
		detect("pypi-token", "pypi-", 3, `\bpypi-[A-Za-z0-9_-]{50,}`),
		detect("rubygems-token", "rubygems_", 3, `\brubygems_[0-9a-f]{48}\b`),
		detect("crates-token", "cio", 3, `\bcio[A-Za-z0-9]{32}\b`).except(noDigit),
		detect("docker-hub-token", "dckr_", 3, `\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}`),
		detect("sourcegraph-token", "sgp_", 3, `\bsgp_(?:[A-Za-z0-9]{16}_)?[0-9A-Fa-f]{40}\b`),
		detect("jfrog-token", "AKCp cmVmdGtu", 3, `\b(?:AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9]{50,})`),
		detect("atlassian-token", "ATATT3", 3, `\bATATT3[A-Za-z0-9_=-]{50,}`),

		detect("aws-access-key", "AKIA ASIA ABIA ACCA", 3, `\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`),
		detect("aws-secret-key", "aws", 3.5,
			`(?i)aws.{0,20}?(?:secret|key).{0,20}?[=:]["'\s]*\b([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`),
		detect("gcp-api-key", "AIza", 3, `\bAIza[A-Za-z0-9_-]{35}`),
		detect("gcp-oauth", "ya29. GOCSPX-", 3, `\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{28}`),
		detect("azure-key", "accountkey= sharedaccesskey=", 3,
			`(?i)(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{42,86}={1,2})`),
		detect("azure-client-secret", "Q~", 3, `(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})`),
		detect("azure-sas", "sig=", 3, `[?&]sig=([A-Za-z0-9%+/]{40,}={0,2})`),
		detect("digitalocean-token", "doo_v1_ dop_v1_ dor_v1_", 3, `\bdo[opr]_v1_[0-9a-f]{64}\b`),
		detect("databricks-token", "dapi", 3, `\bdapi[0-9a-f]{32}(?:-[0-9])?\b`),
		detect("heroku-key", "HRKU-", 3, `\bHRKU-[A-Za-z0-9_-]{36,}`),
		detect("vault-token", "hvs. hvb. hvr.", 3, `\bhv[sbr]\.[A-Za-z0-9_-]{24,}`),
		detect("terraform-token", ".atlasv1.", 3, `\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}`),
		detect("doppler-token", "dp.", 3, `\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}`),
		detect("supabase-token", "sbp_", 3, `\bsbp_[0-9a-f]{40}\b`),
		detect("cloudflare-token", "v1.0-", 3, `\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b`),
		detect("alibaba-access-key", "LTAI", 3, `\bLTAI[A-Za-z0-9]{12,20}\b`).except(noDigit),
		detect("planetscale-token", "pscale_", 3, `\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}`),

		detect("anthropic-key", "sk-ant-", 3, `\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,}`),
		detect("openrouter-key", "sk-or-", 3, `\bsk-or-v1-[0-9a-f]{64}\b`),
		detect("openai-key", "sk-", 3,
			`\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|`+
				`[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{32,64}\b)`),
		detect("huggingface-token", "hf_ api_org_", 3, `\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b`),
		detect("model-api-key", "gsk_ xai- pplx- r8_", 3,
			`\b(?:gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{70,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37,})`),

		detect("slack-token", "xox xapp-", 2.5,
			`\b(?:xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{16,}|xapp-[0-9]-[A-Za-z0-9-]{16,})`),
		detect("slack-webhook", "hooks.slack.com", 3,
			`https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,}`),
		detect("teams-webhook", ".webhook.office.com", 3, `https://\w+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{60,}`),
		detect("facebook-token", "EAA", 3.5, `\bEAA[CM][A-Za-z0-9]{80,}`),
		detect("twitter-token", "AAAAAAAAAAAAAAAAAAAAAA", 3, `\bA{22}[A-Za-z0-9%]{80,100}`),
		detect("discord-webhook", "/api/webhooks/", 3,
			`https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{50,}`),
		detect("discord-token", "discord", 3.5, `\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}`),
		detect("telegram-token", ":AA", 3, `\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b`),
		detect("stripe-key", "sk_ rk_ whsec_", 3,
			`\b(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}=*)`),
		detect("square-token", "sq0 EAAA", 3, `\b(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{60})\b`),
		detect("shopify-token", "shp", 3, `\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b`),
		detect("twilio-key", "SK", 3, `\bSK[0-9a-f]{32}\b`),
		detect("twilio-token", "twilio", 3, `(?i)twilio[^\n]{0,40}?(?:token|secret)[^\n]{0,10}?\b([0-9a-f]{32})\b`),
		detect("sendgrid-key", "SG.", 3, `\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}`),
		detect("mail-key", "key- xkeysib-", 3, `\b(?:key-[0-9a-f]{32}\b|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16})`),
		detect("airtable-token", "pat", 3.5, `\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b`),
		detect("linear-key", "lin_api_", 3, `\blin_api_[A-Za-z0-9]{40}\b`),
		detect("notion-token", "ntn_ secret_", 3.5, `\b(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})\b`),
		detect("postman-key", "PMAK-", 3, `\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b`),
		detect("monitoring-key", "NRAK- glsa_ glc_ sntry", 3,
			`\b(?:NRAK-[A-Z0-9]{27}\b|glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|`+
				`glc_[A-Za-z0-9+/]{32,}|sntry[su]_[A-Za-z0-9+/=_]{40,})`),

		detect("url-password", "://", 0,
			`\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s:/?#@'"<>`+"`"+`]*):`+
				`([^\s/'"<>`+"`"+`]{3,})@([\w.:\[-]*)`).except(publicURL),
		assignment("authorization-header", "authorization", 3,
			`(?i)authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/-]{16,}=*)`).except(publicHeader),
		detect("netrc-password", "machine", 2.5, `\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{6,})`).except(weakValue),
		detect("curl-password", "curl", 2.5,
			`\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?["']?[^\s:"'$<{]{1,64}:([^\s"']{6,})`).except(weakValue),
		detect("npm-auth", "_auth", 3, `\b_auth\s*=\s*["']?([A-Za-z0-9+/]{16,}={0,2})`).except(publicHeader),
		assignment("password", "password passwd passphrase pwd", 2.5,
			`(?i)(?:password|passwd|passphrase|pwd)["'`+"`"+`]?\s*(?:=>|:=|==?|:)\s*`+
				`["'`+"`"+`]([^"'\s`+"`"+`]{6,})(?:["'`+"`"+`]|\z)`).except(plainWord),
		assignment("password", "PASSWORD PASSWD PASSPHRASE PWD", 2.5,
			`(?:PASSWORD|PASSWD|PASSPHRASE|PWD)[ \t]*=[ \t]*([^\s"'`+"`"+`]{8,})`).except(plainWord),
		assignment("password", "password passwd passphrase pwd", 2.5,
			`(?i)(?:password|passwd|passphrase|pwd)["'`+"`"+`*_]{0,3}[ \t]*[:=]\*{0,2}[ \t]*`+
				`([^\s"'`+"`"+`;=][^\s"'`+"`"+`;]{7,})(?:["'`+"`"+`;]|[ \t]*(?:[\r\n]|\z|#))`).except(unquotedWord),
		assignment("credential", "secret token api_key apikey api-key access_key accesskey", 3.5,
			`(?i)(?:secret|token|api[_-]?key|access[_-]?key)["'`+"`"+`]?\s*(?:=>|[:?.]{0,3}==?|:|,|string =)\s*`+
				`["'`+"`"+`]([A-Za-z0-9+/=_.~-]{20,})(?:["'`+"`"+`]|\z)`).except(plainName),
		assignment("credential", "secret token api_key apikey api-key access_key accesskey", 3.5,
			`(?i)(?:secret|token|api[_-]?key|access[_-]?key)[ \t]*(?:[:?]{0,3}=|:)[ \t]*`+
				`([A-Za-z0-9+/=_~-]{20,})`).except(wordOrPath),
	}
})

// Find finds the secrets in a text, in its order and without overlaps. A text with
// zero bytes or backslashes is searched a second time without what UTF-16, JSON, Markdown
// and the like wrap around a secret.
func Find(data []byte) []Span {
	spans := search(data)
	if bytes.ContainsAny(data, "\x00\\") {
		text, offsets := unwrap(data)
		for _, s := range search(text) {
			spans = append(spans, Span{offsets[s.Start], offsets[s.End], s.Kind})
		}
		spans = merge(data, spans)
	}
	return spans
}

// unwrap drops zero bytes and undoes the escapes of a JSON string, and those with which
// editors of Markdown keep an underscore and its like. The offsets tell where in data
// each byte of text comes from; there is one more, for the end.
func unwrap(data []byte) (text []byte, offsets []int) {
	offsets = make([]int, 0, len(data)+1)
	for i := 0; i < len(data); {
		c, size := data[i], 1
		if c == '\\' && i+1 < len(data) {
			c, size = escaped(data[i+1:])
		}
		if c != 0 {
			text, offsets = append(text, c), append(offsets, i)
		}
		i += size
	}
	return text, append(offsets, len(data))
}

// escaped is what a backslash before data means, and the length of the escape with its
// backslash. Characters beyond ASCII do not matter to any detector.
func escaped(data []byte) (c byte, size int) {
	zeros := 0 // of UTF-16
	for zeros < len(data)-1 && data[zeros] == 0 {
		zeros++
	}
	data = data[zeros:]
	switch c := data[0]; c {
	case 'n', 'r':
		return '\n', zeros + 2
	case 't':
		return '\t', zeros + 2
	case '"', '/', '_', '-', '.', '~', '+', '=':
		return c, zeros + 2
	case '\\':
		if len(data) > 1 && data[1] == '_' { // Markdown's escape in a JSON string
			return '_', zeros + 3
		}
		return c, zeros + 2
	case 'u':
		if len(data) >= 5 {
			if v, err := strconv.ParseUint(string(data[1:5]), 16, 16); err == nil && v < 0x80 {
				return byte(v), zeros + 6
			}
		}
	}
	return '\\', 1
}

func search(text []byte) []Span {
	var spans []Span
	lower := lowerASCII(text)
	for _, d := range detectors() {
		if d.find != nil {
			if slices.ContainsFunc(d.keywords, func(k string) bool { return bytes.Contains(text, []byte(k)) }) {
				spans = append(spans, d.find(text)...)
			}
			continue
		}
		for _, m := range d.matches(text, lower) {
			if s, ok := d.secret(text, m); ok {
				spans = append(spans, s)
			}
		}
	}
	return merge(text, spans)
}

// matches are the offsets of the pattern's groups in text, of which lower is the
// lower-case copy.
func (d *detector) matches(text, lower []byte) [][]int {
	var all [][]int
	for _, k := range d.keywords {
		in := lower
		if strings.ToLower(k) != k {
			in = text
		}
		for at := bytes.Index(in, []byte(k)); at >= 0; {
			if !d.atKeyword {
				return d.pattern().FindAllSubmatchIndex(text, -1)
			}
			if m := d.pattern().FindSubmatchIndex(text[at:min(len(text), at+maxAssignment)]); m != nil {
				all = append(all, shifted(m, at))
			}
			next := bytes.Index(in[at+1:], []byte(k))
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return all
}

// shifted moves a match by n bytes; a group that takes no part stays at -1.
func shifted(m []int, n int) []int {
	for i := range m {
		if m[i] >= 0 {
			m[i] += n
		}
	}
	return m
}

// lowerASCII keeps every byte in its place, unlike bytes.ToLower.
func lowerASCII(text []byte) []byte {
	lower := bytes.Clone(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	return lower
}

// secret judges one match, given by the offsets of its groups.
func (d *detector) secret(text []byte, m []int) (Span, bool) {
	groups := make([][]byte, 0, len(m)/2)
	for i := 0; i < len(m); i += 2 {
		if m[i] < 0 {
			groups = append(groups, nil)
			continue
		}
		groups = append(groups, text[m[i]:m[i+1]])
	}
	s := Span{m[0], m[1], d.id}
	switch {
	case d.id == "url-password":
		s.Start, s.End = m[4], m[5]
	case len(m) == 4:
		s.Start, s.End = m[2], m[3]
	}
	secret := text[s.Start:s.End]
	if placeholder(secret) || entropy(secret) < d.entropy || d.refuse != nil && d.refuse(groups) {
		return Span{}, false
	}
	return s, true
}

// merge sorts the spans of text and joins those that overlap, under the name of the first.
// Each goes on to the end of its value, which may be longer than its pattern knows.
func merge(text []byte, spans []Span) []Span {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) })
	var merged []Span
	for _, s := range spans {
		n := len(merged)
		if n == 0 || s.Start >= merged[n-1].End {
			s.End = endOfValue(text, s.End)
			merged = append(merged, s)
		} else if s.End > merged[n-1].End {
			merged[n-1].End = endOfValue(text, s.End)
		}
	}
	return merged
}

// endOfValue is where the run of a token's characters ends. A dot is one inside a token,
// and not at the end of a sentence.
func endOfValue(text []byte, at int) int {
	token := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_-+/=~", c) >= 0
	}
	for at < len(text) && (token(text[at]) || text[at] == '.' && at+1 < len(text) && token(text[at+1])) {
		at++
	}
	return at
}

// Redact returns data with [redacted:<kind>] in place of each span. The spans are those
// that Find returned for data.
func Redact(data []byte, spans []Span) []byte {
	var out []byte
	done := 0
	for _, s := range spans {
		out = append(out, data[done:s.Start]...)
		out = append(out, "[redacted:"+s.Kind+"]"...)
		done = s.End
	}
	return append(out, data[done:]...)
}

// entropy is Shannon's, in bits a byte.
func entropy(text []byte) float64 {
	var counts [256]int
	for _, b := range text {
		counts[b]++
	}
	var bits float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(text))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}

// placeholder reports whether secret is what documentation writes in place of a secret.
func placeholder(secret []byte) bool {
	lower := strings.ToLower(string(secret))
	for _, mark := range []string{
		"example", "xxxx", "changeme", "placeholder", "your_", "your-", "redacted", "dummy",
		"****", "...", "${", "{{", "$(", "<", "%s", "…",
	} {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	return strings.HasPrefix(lower, "$") || strings.HasPrefix(lower, "%") || strings.HasPrefix(lower, "{")
}

// plainWord refuses values that are code, words, or the stand-ins of documentation with
// little beside them.
func plainWord(match [][]byte) bool {
	value := strings.ToLower(string(match[len(match)-1]))
	for _, code := range []string{
		"process.env", "os.environ", "getenv", "secrets.", "config.", "vault:", "env:", "op://", "://",
	} {
		if strings.Contains(value, code) {
			return true
		}
	}
	if !strings.ContainsAny(value, "0123456789!@#%^&*+=?~-") ||
		strings.ContainsAny(value, "()[]{}") || isPublic(string(match[len(match)-1])) {
		return true
	}
	return len(strings.Trim(withoutStandIns(value), "-_.")) < 6
}

// withoutStandIns drops from a lower-case value the words that stand in for secrets, or
// say what a secret is for.
func withoutStandIns(value string, more ...string) string {
	for _, word := range append(more,
		"password", "passw0rd", "p@ssw0rd", "passwd", "pass", "secret", "test", "demo", "fake",
		"sample", "insert", "replace", "admin", "user", "my", "here", "string", "123456", "letmein",
		"qwerty", "token", "key", "sha256", "base64", "argon2", "pbkdf2", "oauth2",
	) {
		value = strings.ReplaceAll(value, word, "")
	}
	return value
}

// plainName refuses, beside plain words, names that are made of several.
func plainName(match [][]byte) bool {
	return plainWord(match) || isWords(string(match[len(match)-1]))
}

// unquotedWord refuses unquoted values where a password could be: all but letters and
// digits that make no words.
func unquotedWord(match [][]byte) bool {
	letters := bytes.ContainsAny(bytes.ToLower(match[len(match)-1]), "abcdefghijklmnopqrstuvwxyz")
	return !letters || noDigit(match) || plainName(match)
}

// wordOrPath refuses, beside names, unquoted values in prose and settings: values without
// a digit, and paths. A long value may have some more slashes and hyphens, because base64
// has them.
func wordOrPath(match [][]byte) bool {
	value := match[len(match)-1]
	more := len(value) / 32
	return plainName(match) || noDigit(match) ||
		bytes.Count(value, []byte("/")) > 2+more || bytes.Count(value, []byte("-")) > 3+more
}

var (
	// public are paths that show where they start, digests that say so, and the addresses of
	// accounts and contracts.
	public = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:~/|\.{1,2}/|[A-Za-z]:\\|/[a-z][a-z0-9_.-]{1,30}(?:/|$)|` +
			`(?i:sha(?:1|224|256|384|512))[-:]|0x[0-9A-Fa-f]{40}$)`)
	})
	// joined are words and short numbers with something between them. A token has other
	// capitals, or digits among its letters.
	joined = sync.OnceValue(func() *regexp.Regexp {
		const word = `(?:(?:[A-Z]{1,20}|[A-Z]?[a-z]{1,20}(?:[A-Z][a-z]{2,20})*)[0-9]{0,2}|[0-9]{1,4})`
		return regexp.MustCompile(`^[-_./]*` + word + `(?:[-_./]` + word + `)+$`)
	})
	// spoken is a word of ordinary length, or several. Longer ones are passwords that some
	// services make of letters.
	spoken = sync.OnceValue(func() *regexp.Regexp {
		const word = `(?:[A-Z]?[a-z]{1,12}|[A-Z]{1,12})`
		return regexp.MustCompile(`^` + word + `(?:[-_. ]` + word + `)*$`)
	})
	fewDigits = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-_.!]*[0-9]{0,4}[-_.!]*$`) })
)

func isPublic(value string) bool { return public().MatchString(value) }
func isWords(value string) bool  { return joined().MatchString(value) }

// noDigit refuses a match without a digit: an identifier or a description instead of a
// token.
func noDigit(match [][]byte) bool {
	return !bytes.ContainsAny(match[len(match)-1], "0123456789")
}

// publicURL refuses the password of documentation (user:password@, app:app_dev@), the one
// of a database on the same machine, and what only looks like a password: the port of a
// proxy, and the image reference name:tag@sha256.
func publicURL(match [][]byte) bool {
	password, host := string(match[2]), strings.Trim(strings.ToLower(string(match[3])), ".-")
	if port, err := strconv.Atoi(password); err == nil && port < 1<<16 {
		return true
	}
	name, _, _ := strings.Cut(host, ":")
	return weakPassword(string(match[1]), password) ||
		slices.Contains([]string{"sha256", "sha512", "localhost", "127.0.0.1"}, name) ||
		host == "[::1" || host == "::1"
}

// weakPassword reports whether password is words, or the user's own name or a stand-in
// with little beside it.
func weakPassword(user, password string) bool {
	lower := strings.ToLower(password)
	rest := withoutStandIns(lower, strings.ToLower(user),
		"x-oauth-basic", "postgres", "mysql", "root", "guest", "pwd", "app", "api", "dev", "db")
	return spoken().MatchString(password) || rest != lower && fewDigits().MatchString(rest)
}

// weakValue refuses the passwords of documentation, and what a shell or a function would
// fill in.
func weakValue(match [][]byte) bool {
	value := string(match[len(match)-1])
	return weakPassword("", value) || strings.ContainsAny(value, "()[]{}$")
}

// publicHeader refuses what has no digit, and the user and password of documentation in
// base64.
func publicHeader(match [][]byte) bool {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(match[1]), "="))
	user, password, found := strings.Cut(string(decoded), ":")
	return noDigit(match) || err == nil && found && (placeholder(decoded) || weakPassword(user, password))
}
