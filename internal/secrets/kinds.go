package secrets

// kind is one kind of secret in one way of writing it. A row is data only, so the table
// costs nothing when the program starts.
type kind struct {
	// name is what findings and redacted text show. Several rows may share a name.
	name string
	// keywords are separated by spaces. The pattern is tried only where a text has one of
	// them. A keyword in lower case is found in any case, another one as it is written.
	keywords string
	// pattern is a regular expression that begins at the keyword. The secret is the group
	// named secret, else the first group, else the whole match.
	pattern string
	// value is set instead of pattern if only the name of its issuer reveals the secret. It
	// is the pattern of a value that is assigned to a name with one of the keywords.
	value string
	// ahead is the number of bytes from the keyword on which the pattern is tried. The zero
	// value means atKeyword. A pattern must also match a value that this limit cuts; merge
	// extends it to its end.
	ahead int
	// behind is the number of bytes before the keyword at which a match may begin.
	behind int
	// entropy is the least entropy of a secret, relative to the largest that its length and
	// its alphabet allow. It separates a token from xxxxxxxx. The zero value means
	// leastEntropy, a negative value any.
	entropy float64
	// glued is set if a letter or digit may precede the keyword.
	glued bool
	// context is set if words around the secret reveal it, not the secret itself.
	context bool
	// wraps is set if the secret is also found when a line break divides it.
	wraps bool
	// assigned is set if an operator follows the keyword, which is cheap to check.
	assigned bool
	// except reports matches that are not secrets. Placeholders are excluded anyway.
	except func(groups [][]byte) bool
}

// atKeyword is long enough for most kinds; a longer text costs time.
const atKeyword = 320

// leastEntropy is the entropy of a secret unless its row says otherwise. Random tokens
// have about 0.9, whatever their alphabet.
const leastEntropy = 0.6

// The patterns of names that end in key and name a secret, and of what may follow them.
const (
	keyName = `(?:private|auth|secret|signing|sign|encryption|encrypt|decrypt|master|account|license|licence|` +
		`consumer|client|shared|service|admin|deploy|app|application|storage|subscription|session|webhook|` +
		`integration|project|write|ingest|rest|server|user|developer|security|hmac|aes|jwt|cookie|host|function|` +
		`api|access)[_. -]?key`
	keySuffix = `(?:base|v?[0-9]|prod|live|dev|staging)?`
)

// The patterns around a value that is assigned to a name: the rest of the name, an
// operator or the space after a flag, and quotes.
const (
	valueBefore = `[\w .-]{0,24}?["'\x60)\]]{0,2}[ \t]{0,3}` +
		`(?:=>|\|\||[:|?]{0,3}=|[:,>|(]|[ \t])[ \t]{0,3}["'\x60({\[]{0,2}`
	valueAfter = `(?:["'\x60\s;,&<)}\]\\#]|\z)`
)
