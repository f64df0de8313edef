package secrets

import (
	"bytes"
	"encoding/base64"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// The functions that kinds name as except get the groups of a match: the whole match
// first. The last group, or the whole match of a pattern without groups, is the value.
// They return true if the value is not a secret.

func valueOf(groups [][]byte) []byte { return groups[len(groups)-1] }

// noDigit excludes identifiers and descriptions, which have no digit; a token has one.
func noDigit(groups [][]byte) bool { return !bytes.ContainsAny(valueOf(groups), "0123456789") }

// plainWord excludes code, words, paths, and the passwords that documentation uses.
func plainWord(groups [][]byte) bool {
	value := string(valueOf(groups))
	lower := strings.ToLower(value)
	for _, code := range []string{
		"process.env", "os.environ", "getenv", "secrets.", "config.", "vault:", "env:", "op://", "://",
	} {
		if strings.Contains(lower, code) {
			return true
		}
	}
	if onlyWords(value) || isTranslated(value) || isDemo(value) ||
		!strings.ContainsAny(lower, "0123456789!@#%^&*+=?~-") ||
		strings.ContainsAny(lower, "()[]{}") || isPublic(value) {
		return true
	}
	return len(strings.Trim(withoutFiller(lower), "-_.")) < 6
}

// plainName also excludes names that consist of several words.
func plainName(groups [][]byte) bool {
	return plainWord(groups) || isName(strings.TrimRight(string(valueOf(groups)), "="))
}

// onlyWords reports whether value consists of letters of any script, hyphens and dots.
func onlyWords(value string) bool {
	return strings.IndexFunc(value, func(r rune) bool {
		return !unicode.IsLetter(r) && !strings.ContainsRune("-_./:#", r)
	}) < 0 && strings.ContainsAny(value, "-_./:#")
}

// isTranslated reports whether value has letters of a language other than English, which
// passwords of programs lack.
func isTranslated(value string) bool {
	letters := 0
	for _, r := range value {
		if r >= utf8.RuneSelf && unicode.IsLetter(r) {
			letters++
		}
	}
	return letters > 2
}

// requestToken excludes names and also UUIDs that only tell requests apart.
func requestToken(groups [][]byte) bool {
	return plainName(groups) || isCamelCase(valueOf(groups)) || requestName().Match(groups[0])
}

// plainUnquoted excludes every unquoted value that does not mix letters with digits, or
// that is a name. Of settings in one line, such as password=x,db=0, it judges the first.
func plainUnquoted(groups [][]byte) bool {
	if first, rest, found := bytes.Cut(valueOf(groups), []byte(",")); found && bytes.IndexByte(rest, '=') > 0 {
		return plainUnquoted([][]byte{first})
	}
	letters := bytes.ContainsAny(bytes.ToLower(valueOf(groups)), "abcdefghijklmnopqrstuvwxyz")
	return !letters || noDigit(groups) || plainName(groups)
}

// nameOrPath excludes names, paths and values without a digit, which prose and settings
// have without quotes. A long value may have more slashes and hyphens, because base64 has
// them.
func nameOrPath(groups [][]byte) bool {
	value := valueOf(groups)
	more := len(value) / 32
	return plainName(groups) || noDigit(groups) ||
		bytes.Count(value, []byte("/")) > 2+more || bytes.Count(value, []byte("-")) > 3+more
}

// looksPlain excludes names, and values whose characters do not change like those of a
// random text.
func looksPlain(groups [][]byte) bool {
	return plainName(groups) || !isRandom(valueOf(groups))
}

// unknownToken excludes values that are not as random as a token must be whose issuer is
// unknown: with three digits, and without a word.
func unknownToken(groups [][]byte) bool {
	digits := 0
	for _, c := range valueOf(groups) {
		if classOf(c) == digit {
			digits++
		}
	}
	return digits < 3 || looksPlain(groups)
}

// plainProse excludes every value that prose may have: only a random one is a secret.
func plainProse(groups [][]byte) bool { return noDigit(groups) || looksPlain(groups) }

// plainUnquotedKey also excludes identifiers and calls, which code has without quotes.
func plainUnquotedKey(groups [][]byte) bool {
	value := valueOf(groups)
	return looksPlain(groups) || !isToken(value[0]) || bytes.ContainsAny(value, ".:")
}

// publicNames are the words of names of keys that are no secrets.
var publicNames = []string{
	"edit", "recv", "default", "public", "host", "cache", "sort", "partition", "primary", "foreign", "row", "hash",
	"object", "dedup", "idempotency", "group", "index", "unique", "lookup", "map", "test", "pub", "s3", "pgp", "gpg",
}

// isPublicName reports whether the name before a value has a word that says that the value
// is public, as in partition_key or publicKey.
func isPublicName(groups [][]byte) bool {
	isSeparator := func(r rune) bool { return r >= utf8.RuneSelf || !isAlnum(byte(r)) }
	name := bytes.TrimRightFunc(groups[0][:bytes.LastIndex(groups[0], valueOf(groups))], isSeparator)
	if i := bytes.LastIndexFunc(name, func(r rune) bool { return isSeparator(r) && r != '_' && r != '-' }); i >= 0 {
		name = name[i+1:]
	}
	return bytes.Contains(bytes.ToLower(name), []byte("pub")) ||
		slices.ContainsFunc(nameWord().FindAllString(string(name), -1), func(word string) bool {
			return slices.Contains(publicNames, strings.ToLower(word))
		})
}

// requestName matches a name of a UUID that a client makes up for each request.
var requestName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:client|request|idempotency)_?token\W{1,6}` +
		`[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b`)
})

// nameWord matches one word of a name in any usual spelling.
var nameWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`[A-Z]?[a-z0-9]+|[A-Z0-9]+`)
})

// plainFlagKey also excludes keys that are names or public.
func plainFlagKey(groups [][]byte) bool { return isPublicName(groups) || looksPlain(groups) }

// plainCamelKey also excludes UUIDs, which are rather the names of settings.
func plainCamelKey(groups [][]byte) bool {
	return plainFlagKey(groups) || bytes.Count(valueOf(groups), []byte("-")) == 4
}

// plainFlagToken excludes public keys, names, paths and words, but not a long value whose
// letters happen to follow each other.
func plainFlagToken(groups [][]byte) bool {
	value := valueOf(groups)
	return isPublicName(groups) || nameOrPath(groups) || isCamelCase(value) || len(value) < 24 && !isRandom(value)
}

// notRandom excludes only values that are not random. Others may have any punctuation.
func notRandom(groups [][]byte) bool {
	value := valueOf(groups)
	return noDigit(groups) || !isRandom(value) || isPublic(string(value))
}

// notSecret matches the part of a name that says that its value is public.
var notSecret = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)commit|sha[-_0-9]|sha$|\brev\b|revision|digest|hash|checksum|version|image|etag|` +
		`fingerprint|integrity|[-_]?id\W*$|uuid|guid|public|\bpub\b|ref\b`)
})

// plainValue excludes values that are assigned to a name which says that they are public,
// and values that are not random.
func plainValue(groups [][]byte) bool {
	value := valueOf(groups)
	name := groups[0][:len(groups[0])-len(value)]
	return isName(string(value)) || isCamelCase(value) || noDigit(groups) && !isRandom(value) ||
		notSecret().Match(name)
}

// plainFlag excludes values of a flag that look like a word.
func plainFlag(groups [][]byte) bool {
	value := string(valueOf(groups))
	return isWeak("", value) || plainWord(groups) || isName(value) || strings.ContainsAny(value, "$()[]{}") ||
		!strings.ContainsAny(value, "0123456789!@#%^&*")
}

// harmlessLogin excludes what is not base64 of a user and a password, and passwords that
// documentation uses.
func harmlessLogin(groups [][]byte) bool {
	decoded := decodeRaw(bytes.TrimRight(valueOf(groups), "="))
	user, password, found := strings.Cut(string(decoded), ":")
	return !found || !isText(decoded) || isPlaceholder(decoded) || len(password) < 4 || isWeak(user, password)
}

// harmlessURL excludes passwords that documentation uses (user:password@, app:app_dev@)
// and those of databases on the same machine. It also excludes what only looks like a
// password: the port of a proxy, and the image reference name:tag@sha256.
func harmlessURL(groups [][]byte) bool {
	user, password, host := string(groups[1]), string(groups[2]), string(groups[3])
	if unescaped, err := url.PathUnescape(password); err == nil {
		password = strings.Trim(unescaped, "{}")
	}
	if port, err := strconv.Atoi(password); err == nil && port < 1<<16 {
		return true
	}
	host = strings.Trim(strings.ToLower(host), ".-")
	name, _, _ := strings.Cut(host, ":")
	return isWeak(user, password) || strings.ContainsAny(user, "[](){}") ||
		slices.Contains([]string{"sha256", "sha512", "localhost", "127.0.0.1"}, name) ||
		host == "[::1" || host == "::1"
}

// harmlessPassword excludes passwords that documentation uses, and values that a shell or
// a function call fills in.
func harmlessPassword(groups [][]byte) bool {
	value := string(valueOf(groups))
	return isWeak("", value) || strings.ContainsAny(value, "()[]{}$")
}

// harmlessHeader excludes values without a digit, unless they are credentials in base64,
// and the credentials that documentation uses.
func harmlessHeader(groups [][]byte) bool {
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(valueOf(groups)), "="))
	user, password, found := strings.Cut(string(decoded), ":")
	if err == nil && found && isText(decoded) {
		return isPlaceholder(decoded) || isWeak(user, password)
	}
	return noDigit(groups)
}

// wellKnown are parts of secrets that are no secrets, since public documentation shows
// them: the account of Azure's storage emulator, the token of https://jwt.io, those of
// Docker's manual, the account of https://play.min.io, and those of the RFCs about OAuth.
var wellKnown = []string{
	"Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq",
	"C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw",
	"eyJzdWIiOiIxMjM0NTY3ODkwI", "SWMTKN-1-49nj1cmql0jkz5s954yi3", "SWMTKN-1-3pu6hszjas19xyp7ghgos",
	"SWMTKN-1-1h8aps2yszaiqmz2l3oc", "SWMKEY-1-7c37Cc8654o6p38", "conta1n3rize14",
	"zuf+tfteSlswRu7BJ86wekitnifILbZam1KYY3TG", "Q3AM3UQ867SPQQA43P2F",
	"2YotnFZFEjr1zCsicMWpAA", "tGzv3JOkF0XG5Qx2TlKWIA", "czZCaGRSa3F0MzpnWDFmQmF0M2JW", "mF_9.B5f-4.1JqM",
	"23410913-abewfq.123483",
}

// isPlaceholder reports whether documentation writes such a value instead of a secret.
func isPlaceholder(secret []byte) bool {
	lower := strings.ToLower(string(secret))
	for _, known := range wellKnown {
		if strings.Contains(string(secret), known) {
			return true
		}
	}
	for _, mark := range []string{
		"example", "xxxx", "changeme", "placeholder", "your_", "your-", "redacted", "dummy", "loremipsum", "deadbeef",
		"***", "...", "${", "{{", "$(", "<", "%s", "…",
	} {
		if strings.Contains(lower, mark) {
			return true
		}
	}
	return strings.HasPrefix(lower, "$") || strings.HasPrefix(lower, "%") || strings.HasPrefix(lower, "{")
}

// isEncodedExample reports whether secret is base64 of a name such as example-app-secret.
func isEncodedExample(secret []byte) bool {
	decoded := string(decode(secret))
	return isName(decoded) && isPlaceholder([]byte(decoded))
}

// withoutFiller removes from a lower-case value the words that documentation uses as
// passwords, and those that say what a secret is for.
func withoutFiller(value string, more ...string) string {
	value = leet().Replace(value)
	for _, word := range append(more, "topsecret",
		"password", "passwd", "hunter2", "pass", "secret", "test", "demo", "fake",
		"sample", "insert", "replace", "admin", "user", "my", "here", "string", "123456", "letmein",
		"qwerty", "token", "key", "sha256", "base64", "argon2", "pbkdf2", "oauth2",
	) {
		value = strings.ReplaceAll(value, word, "")
	}
	return value
}

// leet replaces the digits and signs that stand for letters, as in p@ssw0rd.
var leet = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("s3cr3t", "secret", "s3cret", "secret", "p4ss", "pass", "p@ss", "pass", "pa55", "pass",
		"w0rd", "word", "t0p", "top")
})

// isWeak reports whether password consists of words, or of little more than the user's
// name or filler.
func isWeak(user, password string) bool {
	lower := strings.ToLower(password)
	rest := withoutFiller(lower, strings.ToLower(user),
		"x-oauth-basic", "postgres", "mysql", "root", "guest", "pwd", "app", "api", "dev", "db")
	return wordsPattern().MatchString(password) || isDemo(password) ||
		rest != leet().Replace(lower) && fewDigits().MatchString(rest)
}

func isPublic(value string) bool { return publicPattern().MatchString(value) }
func isName(value string) bool   { return namePattern().MatchString(value) }
func isDemo(value string) bool   { return demoPattern().MatchString(value) }

var (
	// publicPattern matches absolute and relative paths, names of files, labelled digests,
	// the addresses of accounts and contracts, names of resources, versions, and sealed secrets.
	publicPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:~/|\.{1,2}/|[A-Za-z]:\\|/[a-z][a-z0-9_.-]{1,30}(?:/|$)|` +
			`(?i:sha(?:1|224|256|384|512))[-:]|0x[0-9A-Fa-f]{40}$|arn:aws|` +
			`[\^~]?[0-9]+\.[0-9]+\.[0-9]+$|Ag[A-Z][A-Za-z0-9+/]{200})|` +
			`\.(?:pem|key|crt|cer|json|ya?ml|toml|txt|md|go|py|sh|js|ts)$`)
	})
	// namePattern matches words and short numbers with separators. The capitals and digits
	// of a token are at other places.
	namePattern = sync.OnceValue(func() *regexp.Regexp {
		const word = `(?:(?:[A-Z]{1,20}|[A-Z]?[a-z]{1,20}(?:[A-Z]+[a-z]{2,20})*[A-Z]{0,4})[0-9]{0,2}|[0-9]{1,4})`
		return regexp.MustCompile(`^[-_./*&]*` + word + `(?:[-_./#:]` + word + `)+[-_./]*$`)
	})
	// wordsPattern matches words of ordinary length. Longer ones are passwords, which some
	// services make of letters alone.
	wordsPattern = sync.OnceValue(func() *regexp.Regexp {
		const word = `(?:[A-Z]?[a-z]{1,12}|[A-Z]{1,12})`
		return regexp.MustCompile(`^` + word + `(?:[-_. ]` + word + `)*$`)
	})
	// demoPattern matches the passwords of demonstrations that consist of a word and 123.
	demoPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Z]?[a-z]{3,12}[@#_.-]?123$`)
	})
	fewDigits = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[-_.!]*[0-9]{0,4}[-_.!]*$`)
	})
)
