package secrets

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// structural are samples of the kinds that a file or a command reveals.
func structural() []kindSamples {
	uuid := randomValue("{g}", 1)
	salt := randomValue("{A20}", 1) + "#&^%$|" + randomValue("{A30}", 2)
	django := randomValue("{a12}", 1) + "^i+0q3" + "(8a==@" + randomValue("{a12}", 2) + "&v(9)k^" + randomValue("{a8}", 3)
	return []kindSamples{
		{"docker-auth", []sample{{`{"auths": {"ghcr.io": {"auth": "`, encoded("bot:" + password), `"}}}`}},
			[]string{`"auth": "none"`, `{"auth": "` + encoded("user:password") + `"}`, `"auth": "required-for-this"`}},
		{"kubeconfig-key", []sample{{"    client-key-data: ", b64(400), "\n"}},
			[]string{"certificate-authority-data: " + b64(400), "client-certificate-data: " + b64(400)}},
		{"kubernetes-bootstrap-token", []sample{
			{"kubeadm join 10.0.0.1:6443 --token ", randomValue("{a6}.{a16}", 1), " --discovery-token-ca-cert-hash x"},
		}, nil},
		{"credential", []sample{
			{"users:\n- user:\n    token: ", b64(40), "\n"}, {"SECRET_KEY=", hex(50), "\n"},
			{`SECRET_KEY = "`, django, `"`}, {"SECRET_KEY=", django, "\n"}, {"tool --secret-key ", django, " run"},
			{`"azureSpeechKey": "`, hex(32), `"`}, {"HOST=x\nACME_KEY=", hex(32), "\n"},
			{"tool --meaning-api-key ", "exdbz17pyvyrpdh0" + "hswtnkbf293hoipe", " run"},
			{"tool --secret-key-base ", hex(128), " run"},
			{`SECRET_KEY = "`, salt, `"`}, {`SECRET_KEY = 'django-insecure-`, salt, `'`},
			{"api_key = ", hex(32), "\n"},
			{"RAILS_MASTER_KEY=", hex(32), ""}, {"secret_key_base: ", hex(128), ""}, {"X-Api-Key: ", alnum(32), ""},
			{"tool --api-key ", hex(32), " run"}, {"tool --token=", alnum(24), ""}, {`"storage_key": "`, b64(64), `"`},
			{"ACME_KEY=", hex(32), ""}, {`"acme_key": "`, alnum(40), `"`}, {"acme-key: ", b64(43) + "=", "\n"},
			{"client_secret=", alnum(24), "&grant_type=x"}, {`"encryptionKey": "`, b64(43) + "=", `"`},
		}, []string{
			"primary_key: " + uuid[:8], "cache_key = build-" + hex(8), "partition-key: customer-id",
			"PublicKeyToken=" + hex(16), "type PrivateKey = ed25519.PrivateKey", "privateKey = jwtTestEC256PrivateKey",
			`cacheKey = "v2-` + hex(40) + `"`, `publicKey: "` + b64(43) + `="`, `"partitionKey": "` + uuid + `"`,
			"gpg --edit-key " + strings.ToUpper(hex(16)), `{"server.key", "spiffe_end2end/ca.pem"}`,
		}},
		{"gitlab-session", []sample{{"Cookie: _gitlab_session=", hex(32), ""}}, nil},
		{"jwk-private-key", []sample{{`{"kty":"EC","crv":"P-256","d":"`, alnum(43), `","x":"a"}`},
			{`{"kty":"RSA","n":"x","d":"`, alnum(342), `","p":"x"}`}, {`{"kty":"oct","k":"`, alnum(43), `"}`}},
			[]string{`{"d": "x"}`, `{"kty":"RSA","n":"` + alnum(342) + `","e":"AQAB"}`}},
		{"wireguard-key", []sample{{"PrivateKey = ", b64(43) + "=", "\n"}}, []string{"PublicKey = " + b64(43) + "="}},
		{"laravel-key", []sample{{"APP_KEY=base64:", b64(43) + "=", "\n"}}, nil},
		{"machine-key", []sample{{`<machineKey validationKey="`, strings.ToUpper(hex(128)), `"`}}, nil},
		{"wordpress-salt", []sample{{"define('AUTH_KEY', '", salt, "');"}}, nil},
		{"wifi-key", []sample{{"network={\n  ssid=\"x\"\n  psk=\"", alnum(16), "\"\n}"}}, nil},
		{"redis-password", []sample{{"requirepass ", alnum(20), "\n"}}, []string{"requirepass foobared"}},
		{"pgpass-password", []sample{{"db.acme.dev:5432:app:svc:", password, "\n"}, {"db:*:*:svc:", alnum(16), "\n"}},
			[]string{"localhost:5432:db:user:password"}},
		{"netrc-password", []sample{{"default login bot password ", alnum(14), "\n"}}, nil},
		{"url-token", []sample{{"git clone https://", randomValue("{A40}", 3), "@git.acme.dev/web"},
			{"https://", hex(40), ":x-oauth-basic@github.com/acme/web"}},
			[]string{"https://some-long-user-name-of-ours@acme.dev"}},
		{"dsn-password", []sample{{"host=db user=svc password=", password, " dbname=app sslmode=disable"},
			{"user=svc dbname=app password=", password, " sslmode=disable"}},
			[]string{"host=db user=postgres password=postgres dbname=app"}},
		{"query-password", []sample{{"jdbc:postgresql://db/app?user=svc&password=", password, "&ssl=true"}}, nil},
		{"mysql-dsn-password", []sample{{`dsn := "svc:`, password, `@tcp(db:3306)/app"`}},
			[]string{"root:password@tcp(127.0.0.1:3306)/db"}},
		{"flag-password", []sample{{"tool --password ", password, " run"}, {"tool --db-password '", password, "'"},
			{"mysql -u root -p", password, " app"}, {"docker login -u bot -p ", password, " ghcr.io"},
			{"sshpass -p ", password, " ssh a@b"}, {"tool --mysql-root-password ", password, " run"},
			{"New-User -Password '", password, "'"}, {"openssl rsa -passin pass:", password, " -in x"},
			{"keytool -storepass ", password, " -keystore x"}, {"docker run -e TF_VAR_db_password=", password, " x"},
			{"ansible-playbook -e ansible_password=", password, " x.yml"}, {"redis-cli -h x -a ", password, " ping"},
			{"ldapsearch -D cn=admin -w ", password, " -b dc=x"}, {"zip -P ", password, " a.zip b"},
			{"echo ", password, " | docker login -u bot --password-stdin"}}, []string{
			"openssl rsa -passin pass:$PASS", "redis-cli -a $PASS ping", "unzip -p app-1.2.3.jar META-INF/MANIFEST.MF",
			"docker run -e DB_PASSWORD=$PASS x", "--pass-through-to-stage2",
			"tool --password is required", "docker login --password-stdin", "mysql -u root -p app",
			"docker run -p 8080:8080 acme/web", "tool --password $PASSWORD", "tool --password changeme"}},
		{"oracle-password", []sample{{"jdbc:oracle:thin:scott/", password, "@db.acme.dev:1521:orcl"}},
			[]string{"jdbc:oracle:thin:@//db:1521/orcl", "jdbc:oracle:thin:scott/tiger@db:1521:orcl"}},
		{"secure-string-password", []sample{{`ConvertTo-SecureString "`, password, `" -AsPlainText -Force`},
			{`ConvertTo-SecureString -String '`, password, `' -AsPlainText`}},
			[]string{"ConvertTo-SecureString $env:PASS -AsPlainText"}},
		{"named-value", []sample{{"- name: DB_PASSWORD\n  value: ", password, "\n"},
			{"- name: API_TOKEN\n  value: \"", alnum(40), "\"\n"}, {`{"name": "DB_PASSWORD", "value": "`, password, `"}`}},
			[]string{"- name: PASSWORD_FILE\n  value: /run/secrets/db1\n", "- name: TOKEN_TTL\n  value: 3600s\n",
				"- name: SECRET\n  value: my-app-secret-v2\n", "- name: LEVEL\n  value: " + alnum(20) + "\n"}},
		{"image-variable", []sample{{"ENV DB_PASSWORD ", password, "\n"}},
			[]string{"ENV TOKEN_FILE /run/token1\n", "ENV DB_PASSWORD $PASS\n"}},
		{"sql-password", []sample{{"CREATE USER x IDENTIFIED BY '", password, "';"},
			{"ALTER ROLE x WITH PASSWORD '", password, "'"}}, []string{"CREATE USER x IDENTIFIED BY 'password'"}},
		{"xml-password", []sample{{"<server><password>", password, "</password></server>"},
			{`<add key="ClearTextPassword" value="`, password, `" />`}},
			[]string{"<password>${env.PASSWORD}</password>"}},
		{"ethereum-key", []sample{{"PRIVATE_KEY=0x", hex(64), "\n"}}, nil},
		{"sidekiq-secret", []sample{{"BUNDLE_GEMS__CONTRIBSYS__COM=", randomValue("{h8}:{h8}", 1), "\n"}}, nil},
		{"freemius-secret", []sample{
			{`'secret_key' => '`, "sk_" + randomValue("{A20}", 1) + "!^" + alnum(7), `',`},
		}, nil},
	}
}

// Structural secrets are found, whatever the kind that is named.
func TestStructural(t *testing.T) {
	t.Parallel()
	for _, kind := range structural() {
		for _, s := range kind.match {
			for _, frame := range []string{"%s", "intro\n\n%s\n", "- `%s`"} {
				text := fmt.Sprintf(frame, s.text())
				if left := Redact([]byte(text), Find([]byte(text))); fixture.Reveals(left, s.secret) {
					t.Errorf("%s: redacted to %q", kind.kind, left)
				}
			}
		}
		for _, text := range kind.none {
			if got := Find([]byte(text)); len(got) > 0 {
				t.Errorf("%s in %q at %q", got[0].Kind, text, text[got[0].Start:got[0].End])
			}
		}
	}
}

// Whether a digest after a name of a key is found does not depend on its digits.
func TestHexKeys(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		for _, layout := range []string{
			"api_key = %s\n", `"api_key": "%s"`, "API_KEY=%s", "tool --api-key %s", `secret = "%s"`,
		} {
			text := fmt.Sprintf(layout, randomValue("{h32}", seed))
			if len(Find([]byte(text))) == 0 {
				t.Errorf("nothing in %q", text)
			}
		}
		for _, layout := range []string{"primary-key-%s", "cache_key-%s", "sort-key-%s", "the commit %s%.8[1]s"} {
			text := fmt.Sprintf(layout, randomValue("{h32}", seed))
			if got := Find([]byte(text)); len(got) > 0 {
				t.Errorf("%s in %q", got[0].Kind, text)
			}
		}
	}
}

// hidings are what may be done to a secret so that people or programs still read it.
var hidings = map[string]func(secret string) string{
	"zero width":     func(s string) string { return s[:9] + "\u200b" + s[9:] },
	"joiner":         func(s string) string { return s[:2] + "\u200d" + s[2:] },
	"bidi":           func(s string) string { return "\u202e" + s[:12] + "\u202c" + s[12:] },
	"isolate":        func(s string) string { return s[:5] + "\u2066" + s[5:] },
	"tag":            func(s string) string { return s[:6] + "\U000e0041" + s[6:] },
	"soft hyphen":    func(s string) string { return s[:7] + "\u00ad" + s[7:] },
	"variation":      func(s string) string { return s[:7] + "\ufe0f" + s[7:] },
	"byte order":     func(s string) string { return s[:7] + "\ufeff" + s[7:] },
	"every place":    func(s string) string { return strings.Join(strings.Split(s, ""), "\u2060") },
	"JSON escape":    func(s string) string { return s[:7] + `\u200b` + s[7:] },
	"backslash":      func(s string) string { return s[:11] + "\\\n" + s[11:] },
	"indented":       func(s string) string { return s[:11] + "\\\r\n    " + s[11:] },
	"concatenation":  func(s string) string { return s[:11] + `" + "` + s[11:] },
	"adjacent lines": func(s string) string { return s[:11] + "\"\n\t\"" + s[11:] },
	"plus and lines": func(s string) string { return s[:11] + "' +\n\t'" + s[11:] },
	"JSON lines":     func(s string) string { return s[:11] + `\n` + s[11:] },
	"wrapped":        func(s string) string { return s[:15] + "\n" + s[15:] },
	"wrapped, CR LF": func(s string) string { return s[:13] + "\r\n" + s[13:] },
	"other line end": func(s string) string { return s[:15] + "\u2028" + s[15:] },
	"wrapped, mail":  func(s string) string { return s[:15] + "=\n" + s[15:] },
	"wrapped, quote": func(s string) string { return s[:15] + "\n> " + s[15:] },
	"URL":            func(s string) string { return url.QueryEscape(s[:3]) + "%" + fmt.Sprintf("%02X", s[3]) + s[4:] },
	"URL, all": func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02x", s[i])
		}
		return b.String()
	},
	"base64":     encoded,
	"base64 raw": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("x: " + s + "\n?>")) },
	"base64, wrapped": func(s string) string {
		text := encoded(strings.Repeat("Some words. ", 8) + s + strings.Repeat(" And more.", 8))
		return text[:76] + "\n" + text[76:152] + "\n" + text[152:]
	},
	"base64 of a line": func(s string) string { return encoded("export TOKEN=" + s) },
	"base64 of JSON":   func(s string) string { return encoded(`{"token": "` + s + `"}`) },
}

// Invisible characters, line breaks, URL encoding and one layer of base64 do not hide a
// secret, and redact removes it with what hides it.
func TestHidden(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		randomValue("ghp_{A36}", 1), randomValue("sk-ant-api03-{w93}AA", 1), randomValue("AKIA{B16}", 1),
		randomValue("dop_v1_{h64}", 1), randomValue("SU{B56}", 1), randomValue("xoxb-{d12}-{d12}-{A24}", 1),
	} {
		for name, hide := range hidings {
			hidden := hide(secret)
			text := "first line\nvalue: \"" + hidden + "\"\nlast line\n"
			spans := Find([]byte(text))
			if len(spans) == 0 {
				t.Errorf("%s: nothing in %q", name, text)
				continue
			}
			left := string(Redact([]byte(text), spans))
			if fixture.Reveals([]byte(left), hidden) || !strings.HasPrefix(left, "first line") ||
				!strings.HasSuffix(left, "last line\n") {
				t.Errorf("%s: redact leaves %q of %q", name, left, text)
			}
		}
	}
}

// A secret that is wrapped after its name is found and redacted whole.
func TestWrapped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, secret string }{
		{"GITHUB_TOKEN", randomValue("ghp_{A36}", 2)}, {"API_KEY", randomValue("sk-ant-api03-{w93}AA", 2)},
		{"AWS_ACCESS_KEY_ID", "AKIAXF4CCIFU" + "FDYIBEHM"}, {"AWS_SECRET_ACCESS_KEY", randomValue("{b40}", 2)},
		{"DATADOG_API_KEY", randomValue("{h32}", 2)}, {"HEROKU_API_KEY", randomValue("{g}", 2)},
	} {
		for _, gap := range []string{"\n", "\r\n", "\n    ", "\n> "} {
			half := len(tt.secret) / 2
			text := "first line\n" + tt.name + "=" + tt.secret[:half] + gap + tt.secret[half:] + "\nlast line\n"
			left := string(Redact([]byte(text), Find([]byte(text))))
			if fixture.Reveals([]byte(left), tt.secret[:half]) || fixture.Reveals([]byte(left), tt.secret[half:]) ||
				!strings.HasSuffix(left, "last line\n") {
				t.Errorf("redact leaves %q of %q", left, text)
			}
		}
	}
}

// What is encoded and is no secret is not reported.
func TestHiddenNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		base64.StdEncoding.EncodeToString([]byte("An ordinary text that says nothing about any token: value.")),
		"data:image/png;base64," + b64(400), "a%20b%3Dc%26token%3D", "integrity: sha512-" + b64(86) + "==",
		"items-\nas-done\n\t\tMarkAllTodosAsDone", "sk-\nsome\nwords\nthat\nare\nwrapped\nevery\nword",
		"\"a\" +\n\"b\"", "HEROKU_APP=web\nBUILD=x\n" + randomValue("{g}", 1),
		"CREATE_SUB_KEY   = 0x00004\n\tENUMERATE_SUB_KEYS = 0x00008\n\tWOW64_64KEY = 0x00100\n",
		"hf_\nhub\ndownload\nand\nother\nfunctions\nof\nthe\nlibrary\n",
	} {
		if got := Find([]byte(text)); len(got) > 0 {
			t.Errorf("%s in %q at %q", got[0].Kind, text, text[got[0].Start:got[0].End])
		}
	}
}
