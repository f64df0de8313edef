package emit

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/nats"
)

// defaultPort is NATS's.
const defaultPort = "4222"

// parseServers fills in the servers, and reports whether one of them is off loopback. Its errors quote no URL with an @ in it, for what
// stands before that may be a password.
func (n *NATS) parseServers(client *nats.Options) (remote bool, err error) {
	var hosts []string
	for _, entry := range strings.FieldsFunc(strings.Join(n.o.URLs, "\n"), func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		if strings.Contains(entry, "@") {
			return false, errors.New("nats-url holds user information, which logs would show: use nats-user and nats-password, nats-token, nats-nkey or nats-creds")
		}
		if !strings.Contains(entry, "://") {
			entry = "nats://" + entry
		}
		u, err := url.Parse(entry)
		if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return false, fmt.Errorf("nats-url %q is not a server: write tls://host:4222, or nats://host:4222", entry)
		}
		client.Servers = append(client.Servers, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort)))
		hosts = append(hosts, u.Host)
		remote = remote || u.Scheme == "tls" || !isLoopback(u.Hostname())
	}
	if len(hosts) == 0 {
		return false, errors.New("nats-url is empty: write tls://host:4222")
	}
	n.hosts = strings.Join(hosts, ", ")
	return remote, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// tlsConfig is nil where TLS is not demanded. It is of every server that is not on this machine, whatever the URL's scheme: a server that
// offers none then gets no credentials.
func (n *NATS) tlsConfig(required bool) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if n.o.CA != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(n.o.CA)) {
			return nil, errors.New("nats-ca holds no certificate: give the PEM text itself, not a path")
		}
	}
	if (n.o.Cert == "") != (n.o.Key == "") {
		return nil, errors.New("nats-cert and nats-key belong together: give both, or none")
	}
	if n.o.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(n.o.Cert), []byte(n.o.Key))
		if err != nil {
			return nil, errors.New("nats-cert and nats-key are not a certificate and its key: give the PEM texts themselves, not paths")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if !required && n.o.CA == "" && n.o.Cert == "" {
		return nil, nil
	}
	return config, nil
}

// authenticate fills in who we are. It checks that at most one kind of authentication is set, and well-formed. Its errors name the kind, never the content.
func (n *NATS) authenticate(client *nats.Options) (err error) {
	var kinds []string
	if n.o.Creds != "" {
		kinds = append(kinds, "nats-creds")
		if client.JWT, client.Key, err = nats.ParseCredentials(n.o.Creds); err != nil {
			err = errors.New("nats-creds does not hold a user's JWT and seed: give the text of the .creds file itself, not a path")
		}
	}
	if n.o.NKey != "" {
		kinds = append(kinds, "nats-nkey")
		client.Key, err = parseSeed(n.o.NKey)
	}
	if n.o.Token != "" {
		kinds = append(kinds, "nats-token")
		client.Token = n.o.Token
	}
	if n.o.User != "" || n.o.Password != "" {
		kinds = append(kinds, "nats-user")
		client.User, client.Password = n.o.User, n.o.Password
		if n.o.User == "" || n.o.Password == "" {
			err = errors.New("nats-user and nats-password belong together: give both, or none")
		}
	}
	if len(kinds) > 1 {
		return fmt.Errorf("%s are set, a connection takes one of them: remove the others", strings.Join(kinds, " and "))
	}
	for _, secret := range []string{n.o.Token, n.o.Password, strings.TrimSpace(n.o.NKey), client.JWT} {
		for _, form := range []string{secret, inJSON(secret)} { // as it is, and as it goes to the server
			if form = oneLine(form); form != "" {
				n.secrets = append(n.secrets, form)
			}
		}
	}
	return err
}

func parseSeed(seed string) (*nats.Key, error) {
	key, err := nats.ParseKey(strings.TrimSpace(seed))
	switch {
	case errors.Is(err, nats.ErrNotUser):
		return nil, errors.New("nats-nkey is not a user's seed: give the line that begins with SU")
	case err != nil:
		return nil, errors.New("nats-nkey is not a seed: give the line that begins with SU, not a path and not the public key")
	}
	return key, nil
}

// inJSON is how a text looks in a JSON string.
func inJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return s // not for a string
	}
	return string(text[1 : len(text)-1])
}

// maxNATSError is how long an error may be, in characters: longer than any of ours, and what a server says beyond that tells nobody anything.
const maxNATSError = 1000

// told is a text as it may be shown: on one line, without the secrets that a server echoed into it, bounded. What is invisible goes first, for a
// server may have put it into them.
func (n *NATS) told(text string) string {
	text = oneLine(text)
	for _, secret := range n.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return shorten(text, maxNATSError)
}
