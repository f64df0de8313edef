package emit

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
	"github.com/kaizen-agentic/schedule-action/internal/safetext"
)

// defaultPort is NATS's.
const defaultPort = "4222"

// serverList is the parsed nats-url.
type serverList struct {
	addresses []string // host:port
	hosts     []string // as the user wrote them
	remote    bool     // one is not on this machine, or requires TLS
}

// parseServers reads lists of URLs. Its errors quote no URL with an @ in it, because a password
// may precede that.
func parseServers(urls []string) (serverList, error) {
	var list serverList
	isSeparator := func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }
	for _, entry := range strings.FieldsFunc(strings.Join(urls, "\n"), isSeparator) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		u, err := parseServer(entry)
		if err != nil {
			return list, err
		}
		list.addresses = append(list.addresses, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort)))
		list.hosts = append(list.hosts, u.Host)
		list.remote = list.remote || u.Scheme == "tls" || !isLoopback(u.Hostname())
	}
	if len(list.hosts) == 0 {
		return list, advice.New("write tls://host:4222", "nats-url is empty")
	}
	return list, nil
}

func parseServer(entry string) (*url.URL, error) {
	if strings.Contains(entry, "@") {
		return nil, advice.New("use nats-user and nats-password, nats-token, nats-nkey or nats-creds",
			"nats-url holds user information, which logs would show")
	}
	if !strings.Contains(entry, "://") {
		entry = "nats://" + entry
	}
	u, err := url.Parse(entry)
	if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, advice.New("write tls://host:4222, or nats://host:4222", "nats-url %q is not a server", entry)
	}
	return u, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// tlsConfig is nil where TLS is not required. It is required of every server that is not on
// this machine, whatever the URL's scheme: a server without TLS then gets no credentials.
func tlsConfig(o NATSOptions, required bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(o.CA)) {
			return nil, advice.New("give the PEM text itself, not a path", "nats-ca holds no certificate")
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, advice.New("give both, or none", "nats-cert and nats-key belong together")
	}
	if o.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(o.Cert), []byte(o.Key))
		if err != nil {
			return nil, advice.New("give the PEM texts themselves, not paths",
				"nats-cert and nats-key are not a certificate and its key")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if !required && o.CA == "" && o.Cert == "" {
		return nil, nil
	}
	return config, nil
}

// authenticate sets the credentials in the client's options, and returns what messages must
// mask. Its errors name the kind of credentials, never the content.
func authenticate(o NATSOptions, client *nats.Options) (masks, error) {
	if err := checkKinds(o); err != nil {
		return nil, err
	}
	jwt := ""
	if o.Creds != "" {
		var key nkeys.KeyPair
		if jwt, key = parseCredentials(o.Creds); key == nil || jwt == "" {
			return nil, advice.New("give the text of the .creds file itself, not a path",
				"nats-creds does not hold a user's JWT and seed")
		}
		client.UserJWT = func() (string, error) { return jwt, nil }
		client.SignatureCB = key.Sign
	}
	if o.NKey != "" {
		key, err := parseSeed(strings.TrimSpace(o.NKey))
		if err == nil {
			client.Nkey, err = key.PublicKey()
		}
		if err != nil {
			return nil, err
		}
		client.SignatureCB = key.Sign
	}
	client.Token, client.User, client.Password = o.Token, o.User, o.Password
	return newMasks(o.Token, o.Password, strings.TrimSpace(o.NKey), jwt), nil
}

// checkKinds refuses more than one kind of credentials, and half of one.
func checkKinds(o NATSOptions) error {
	var kinds []string
	for _, kind := range []struct {
		input string
		set   bool
	}{
		{"nats-creds", o.Creds != ""},
		{"nats-nkey", o.NKey != ""},
		{"nats-token", o.Token != ""},
		{"nats-user", o.User != "" || o.Password != ""},
	} {
		if kind.set {
			kinds = append(kinds, kind.input)
		}
	}
	if len(kinds) > 1 {
		return advice.New("remove the others",
			"%s are set, a connection takes one of them", strings.Join(kinds, " and "))
	}
	if (o.User == "") != (o.Password == "") {
		return advice.New("give both, or none", "nats-user and nats-password belong together")
	}
	return nil
}

func parseSeed(seed string) (nkeys.KeyPair, error) {
	prefix, _, err := nkeys.DecodeSeed([]byte(seed))
	if err != nil {
		return nil, advice.New("give the line that begins with SU, not a path and not the public key",
			"nats-nkey is not a seed")
	}
	if prefix != nkeys.PrefixByteUser {
		return nil, advice.New("give the line that begins with SU", "nats-nkey is not a user's seed")
	}
	return nkeys.FromSeed([]byte(seed))
}

// parseCredentials finds the user's JWT and seed in the text of a .creds file. Only these two
// words count, so lines that were joined or indented on the way through a secret do no harm.
func parseCredentials(text string) (jwt string, key nkeys.KeyPair) {
	for word := range strings.FieldsSeq(text) {
		switch {
		case jwt == "" && strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") == 2:
			jwt = word // three parts, of which the first is a JSON object in base64
		case key == nil && strings.HasPrefix(word, "S"):
			if found, err := parseSeed(word); err == nil {
				key = found
			}
		}
	}
	return jwt, key
}

// masks match the secrets that a server may echo into its errors.
type masks []*regexp.Regexp

// newMasks matches each secret as it is, as CONNECT carries it in JSON, and without the quotes
// that nats.go removes from the ends of an error; in any case, on one line.
func newMasks(secrets ...string) masks {
	var m masks
	for _, secret := range secrets {
		for _, form := range []string{secret, inJSON(secret), strings.Trim(secret, "'")} {
			if form = safetext.OneLine(form); form != "" {
				m = append(m, regexp.MustCompile("(?i)"+regexp.QuoteMeta(form)))
			}
		}
	}
	return m
}

// inJSON is how a text looks in a JSON string.
func inJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return s // not for a string
	}
	return string(text[1 : len(text)-1])
}

// maxNATSError bounds an error in characters: all errors of this package are shorter, and
// only a server's can be cut.
const maxNATSError = 1000

// mask makes a text safe to show: one line, bounded, without the secrets. Invisible characters
// go first, because a server may have put them into a secret.
func (m masks) mask(text string) string {
	text = safetext.OneLine(text)
	for _, secret := range m {
		text = secret.ReplaceAllLiteralString(text, "***")
	}
	return safetext.Shorten(text, maxNATSError)
}
