package prepare

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/diag"
)

const (
	hexDigits = "0123456789abcdef"
	base32    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	upper     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	alnum     = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// random makes the samples here, so that no text in this file looks like a secret to a
// scanner.
func random(alphabet string, n int) string {
	r := rand.New(rand.NewPCG(uint64(n), uint64(len(alphabet))))
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

type sample struct{ id, before, secret, after string }

func samples() []sample {
	jwt := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	pem := "-----BEGIN RSA PRIVATE" + " KEY-----\n" + random(alnum+"+/", 64) + "\n" + random(alnum+"+/", 63) +
		"=\n-----END RSA PRIVATE" + " KEY-----"
	return []sample{
		{"private-key", "", pem, ""},
		{"private-key", `{"private_key": "`, strings.ReplaceAll(pem, "\n", `\n`), `\n"}`},
		{"gcp-service-account", `"private_key_id": "`, random(hexDigits, 40), `"`},
		{"nats-seed", "seed: ", "SU" + random(base32, 56), ""},
		{"age-key", "", "AGE-SECRET-KEY-1" + random(upper, 58), ""},
		{"jwt", "cookie ", jwt(`{"alg":"HS256","typ":"JWT"}`) + "." + jwt(`{"sub":"agent"}`) + "." + random(alnum, 43), "."},
		{"github-token", "use ", "ghp_" + random(alnum, 36), " here"},
		{"github-token", "https://x-access-token:", "ghs_" + random(alnum, 36), "@github.com/acme/web"},
		{"github-fine-grained-token", "`", "github_pat_" + random(alnum, 82), "`"},
		{"gitlab-token", "", "glpat-" + random(alnum, 20), ""},
		{"npm-token", "//registry.npmjs.org/:_authToken=", "npm_" + random(alnum, 36), ""},
		{"pypi-token", "", "pypi-AgEIcHlwaS5vcmc" + random(alnum, 60), ""},
		{"docker-hub-token", "", "dckr_pat_" + random(alnum, 27), ""},
		{"aws-access-key", "", "AKIA" + random(base32, 16), ""},
		{"aws-secret-key", "aws_secret_access_key = ", random(alnum+"+/", 40), ""},
		{"gcp-api-key", "key=", "AIza" + random(alnum, 35), ""},
		{"azure-key", "AccountName=a;AccountKey=", random(alnum+"+/", 86) + "==", ";"},
		{"azure-client-secret", "secret ", random(alnum, 3) + "8Q~" + random(alnum, 34), ""},
		{"digitalocean-token", "", "dop_v1_" + random(hexDigits, 64), ""},
		{"databricks-token", "", "dapi" + random(hexDigits, 32), ""},
		{"vault-token", "", "hvs." + random(alnum, 90), ""},
		{"anthropic-key", "ANTHROPIC_API_KEY=", "sk-ant-api03-" + random(alnum, 93) + "AA", ""},
		{"openai-key", "OPENAI_API_KEY=", "sk-proj-" + random(alnum, 74), ""},
		{"openai-key", "", "sk-" + random(alnum, 48), ""},
		{"huggingface-token", "", "hf_" + random(alnum, 34), ""},
		{"slack-token", "", "xoxb-" + random("0123456789", 12) + "-" + random(alnum, 24), ""},
		{"slack-webhook", "", "https://hooks.slack.com/services/T" + random(upper, 10) + "/B" + random(upper, 10) +
			"/" + random(alnum, 24), ""},
		{"telegram-token", "", "123456789:AA" + random(alnum, 33), ""},
		{"stripe-key", "", "sk_live_" + random(alnum, 24), ""},
		{"twilio-key", "", "SK" + random(hexDigits, 32), ""},
		{"sendgrid-key", "", "SG." + random(alnum, 22) + "." + random(alnum, 43), ""},
		{"shopify-token", "", "shpat_" + random(hexDigits, 32), ""},
		{"linear-key", "", "lin_api_" + random(alnum, 40), ""},
		{"airtable-token", "", "pat" + random(alnum, 14) + "." + random(hexDigits, 64), ""},
		{"sourcegraph-token", "", "sgp_" + random(hexDigits, 40), ""},
		{"jfrog-token", "", "AKCp" + random(alnum, 69), ""},
		{"cloudflare-token", "", "v1.0-" + random(hexDigits, 24) + "-" + random(hexDigits, 146), ""},
		{"alibaba-access-key", "", "LTAI" + random(alnum, 20), ""},
		{"facebook-token", "", "EAAM" + random(alnum, 120), ""},
		{"twitter-token", "", strings.Repeat("A", 22) + random(alnum, 84), ""},
		{"teams-webhook", "", "https://acme.webhook.office.com/webhookb2/" + random(alnum, 36) + "@" +
			random(alnum, 36) + "/IncomingWebhook/" + random(alnum, 32), ""},
		{"url-password", "postgres://svc:", random(alnum, 9), "@db.internal:5432/app"},
		{"url-password", "redis://:", random(alnum, 12), "@cache"},
		{"url-password", "postgres://svc:", "k8Jd92ks" + "lQpW", "@localhost.acme.dev/app"},
		{"url-password", "postgres://app:", "Winter" + "2024!", "@db.acme.dev/app"},
		{"url-password", "postgres://app:", "qZwTrKpL" + "mXvB", "@db.acme.dev/app"},
		{"url-password", "smtp://agent:", "abqzkdwe" + "tyuplmnr", "@smtp.acme.dev"},
		{"url-password", "redis://default:", "83746" + "512", "@10.0.0.7:6379"},
		{"authorization-header", "Authorization: Basic ",
			base64.StdEncoding.EncodeToString([]byte("svc:k8Jd92ks" + "lQpW")), ""},
		{"credential", `secret = "0x`, random(hexDigits, 64), `"`},
		{"credential", `token: "`, "acme-" + random(alnum, 24) + "-2", `"`},
		{"authorization-header", "Authorization: Bearer ", random(alnum, 32), ""},
		{"netrc-password", "machine api.acme.dev login bot password ", random(alnum, 14), "\n"},
		{"netrc-password", "machine api.acme.dev\n  login bot\n  password ", random(alnum, 14), "\n"},
		{"curl-password", "curl -sS -u svc:", random(alnum, 14), " https://api.acme.dev"},
		{"curl-password", "curl https://api.acme.dev --user 'svc:", random(alnum, 14), "'"},
		{"npm-auth", "//npm.acme.dev/:_auth=", base64.StdEncoding.EncodeToString([]byte("svc:" + random(alnum, 14))), ""},
		{"password", `password = "`, "Zk3v!Q9xLm2", `"`},
		{"password", "password: '", "SuperSecret123!", "'"},
		{"password", "DB_PASSWORD=", random(alnum, 16), ""},
		{"password", "password: ", "k8Jd92ks" + "lQpW", ""},
		{"password", "- **db_password:** ", "k8Jd92ks" + "lQpW", ""},
		{"password", "spring.datasource.password=", "k8Jd92ks" + "lQpW", ""},
		{"password", "`password: ", "k8Jd92ks" + "lQpW", "` opens it"},
		{"password", "db_password: ", "k8Jd92ks" + "lQpW", "   # of production"},
		{"password", "passwd = ", "Winter" + "2024!", ","},
		{"password", "Server=db;User ID=sa;Password=", "k8Jd92ks" + "lQpW", ";Encrypt=true"},
		{"password", "Data Source=db;Uid=sa;Pwd=", "k8Jd92ks" + "lQpW", ";"},
		{"github-token", "MY_", "ghp_" + random(alnum, 36), ""},
		{"github-token", "token", "ghp_" + random(alnum, 36), ""},
		{"github-token", "?token%3D", "ghp_" + random(alnum, 36), "&x"},
		{"github-fine-grained-token", "MY_", "github_pat_" + random(alnum, 22) + "_" + random(alnum, 59), ""},
		{"github-token", "", `ghp\_` + random(alnum, 36), ""},
		{"github-fine-grained-token", "", `github\_pat\_` + random(alnum, 22) + `\_` + random(alnum, 59), ""},
		{"credential", `"api_key": "`, random(alnum, 32), `"`},
		{"credential", "deploy_token: ", random(alnum, 24), ""},
		{"credential", "deployToken=", random(alnum, 24), ""},
		{"credential", "  DEPLOY_TOKEN ?= ", random(alnum, 24), ""},
		{"credential", `setProperty("DEPLOY_TOKEN", "`, random(alnum, 24), `")`},
	}
}

func TestFindSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		for _, frame := range []string{"%s", "intro\n\n    %s\n", "- item: %s\r\n"} {
			text := fmt.Sprintf(frame, s.before+s.secret+s.after)
			got := findSecrets([]byte(text))
			if len(got) != 1 || got[0].rule != s.id ||
				!strings.Contains(text[got[0].start:got[0].end], s.secret) && text[got[0].start:got[0].end] != s.secret {
				t.Errorf("%s in %q: %v", s.id, text, got)
			}
		}
		wide := strings.Join(strings.Split(s.before+s.secret+s.after, ""), "\x00")
		if len(findSecrets([]byte(wide))) == 0 {
			t.Errorf("%s is missed in UTF-16", s.id)
		}
	}
}

// A value that is longer than its issuer says, or than the text that a pattern is tried
// on, is found and goes whole.
func TestLongSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range []sample{
		{"credential", "token=", random(alnum, 300), "\n"},
		{"credential", "token=", random(alnum+"+/", 5000), "\n"},
		{"credential", `"SessionToken": "`, "IQoJ" + random(alnum+"+/", 400), `"`},
		{"credential", `"SessionToken": "`, "IQoJ" + random(alnum+"+/", 5000), `"`},
		{"password", `password = "`, random(alnum, 5000), `"`},
		{"password", "DB_PASSWORD=", random(alnum, 5000), " "},
		{"github-fine-grained-token", "", "github_pat_" + random(alnum, 400), "."},
		{"github-token", "", "ghs_" + random(alnum, 2500), "."},
		{"gitlab-token", "", "glpat-" + random(alnum, 27) + ".01." + random(alnum, 9), ". "},
		{"twitter-token", "", strings.Repeat("A", 22) + random(alnum, 300), ""},
		{"url-password", "https://svc:", random(alnum, 900), "@git.acme.dev/x"},
		{"authorization-header", "Authorization: Bearer ", random(alnum, 3000), "\n"},
	} {
		text := s.before + s.secret + s.after
		got := findSecrets([]byte(text))
		if len(got) != 1 || got[0].rule != s.id || text[got[0].start:got[0].end] != s.secret {
			t.Errorf("%s of %d bytes: %v", s.id, len(text), got)
		}
	}
}

// Every kind in every part stops the agent under fail, and is gone under redact. No
// message shows it.
func TestPlantedSecrets(t *testing.T) {
	t.Parallel()
	for i, s := range samples() {
		line := s.before + s.secret + s.after
		quoted, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string]string{
			".claude/agents/coach.md":            "# Coach\n\n" + line + "\n",
			".kaizen/agents/coach/memory.md":     "- " + line + "\n",
			".kaizen/metrics/coach/summary.json": "{\n\"note\":\n" + string(quoted) + "}\n",
			".kaizen/metrics/coach/executions.jsonl": `{"agent":"coach","timestamp":"2026-11-02","success":true}` + "\n" +
				`{"agent":"coach","timestamp":"2026-11-02","success":true,"note":` + string(quoted) + "}\n",
		}
		for path, content := range parts {
			t.Run(fmt.Sprintf("%s/%d/%s", s.id, i, filepath.Base(path)), func(t *testing.T) {
				t.Parallel()
				tree := newTree(t, map[string]string{path: content})
				in := coach(JSON)
				b, findings, err := Prepare(tree, in)
				if b != nil || err != nil || !reports(findings, diag.Secret.ID, path) {
					t.Fatalf("Prepare = bundle %v, %v, %v", b != nil, findings, err)
				}
				for _, format := range []Format{Markdown, JSON} {
					in := coach(format)
					in.Secrets = SecretsRedact
					b, more := must(t, tree, in)
					if !reports(more, diag.Secret.ID, path) {
						t.Errorf("redacted without a word: %v", more)
					}
					findings = append(findings, more...)
					content := b.Content
					for part := range map[string]bool{"prompt": true, "memory": true, "metrics": true} {
						got, err := extract(b, part)
						if err != nil {
							t.Error(err)
						}
						content = append(content, got...)
					}
					if leaks(content, s.secret) || leaks(b.Sources, s.secret) {
						t.Errorf("the %s form holds the secret:\n%s", format, b.Content)
					}
				}
				for _, f := range findings {
					if leaks([]byte(f.Message+f.Hint), s.secret) {
						t.Errorf("finding tells the secret: %v", f)
					}
				}
			})
		}
	}
}

// leaks looks for any eight bytes of the secret's own, random half.
func leaks(data []byte, secret string) bool {
	tail := secret[len(secret)/2:]
	if strings.Contains(tail, "PRIVATE") { // a PEM frame's end line is no secret
		tail = secret[len(secret)/3 : len(secret)/2]
	}
	for i := 0; i+8 <= len(tail); i++ {
		if bytes.Contains(data, []byte(tail[i:i+8])) {
			return true
		}
	}
	return bytes.Contains(data, []byte(secret))
}

func reports(findings []diag.Finding, rule, file string) bool {
	for _, f := range findings {
		if f.Rule == rule && f.File == file && f.Line > 0 && f.Column > 0 {
			return true
		}
	}
	return false
}

// What documentation writes about secrets is none.
func TestNoFalseAlarm(t *testing.T) {
	t.Parallel()
	corpus := []string{
		"export GITHUB_TOKEN=<token>", "token: ${{ secrets.GITHUB_TOKEN }}", "GH_TOKEN=$TOKEN",
		"OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"const apiKey = \"sk-proj-xxxxx\"", "password = \"changeme\"", "password: 'your-password'",
		"const password = \"admin123\"", "password = os.environ[\"DB_PASSWORD\"]",
		"password: \"string\"", "DATABASE_URL=postgres://user:password@localhost:5432/db",
		"postgres://postgres:postgres@db/app", "https://${USER}:${PASS}@host",
		"curl -u user:password https://example.com", "curl -u \"$USER:$PASSWORD\" https://acme.dev",
		"curl --user admin:admin123 http://localhost", "curl -u <user>:<token> https://acme.dev",
		"machine api.acme.dev login bot password $TOKEN",
		"each machine should login once and password rotation follows", "_auth = required for this route",
		"amqp://guest:guest@localhost", "uses: docker://alpine:3.19@sha256:" + random(hexDigits, 64),
		"Authorization: Bearer YOUR_TOKEN", "Authorization: Bearer $TOKEN",
		"Authorization: Bearer <access-token-goes-here>", "AKIAIOSFODNN7EXAMPLE",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Look for `-----BEGIN PRIVATE KEY-----` in the diff.",
		"sha256 " + random(hexDigits, 64), "commit " + random(hexDigits, 40), "task-" + random(hexDigits, 12),
		"git@github.com:acme/web.git", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"npm_config_registry=https://registry.npmjs.org", "password = getpass.getpass()", "if (password === \"\")",
		"const token = \"ghp_xxxxxxxxxxxx\"", "password: \"Must be strong\"",
		"pypi-publish", "secret_key_base: <%= ENV['SECRET'] %>", "hf_hub_download",
		"SLACK_BOT_TOKEN=xoxb-your-token-here", "STRIPE_KEY=sk_test_...", "JWT_SECRET=your-256-bit-secret-goes-here",
		"https://user@example.com/path:8080", "mailto:a@example.org", "PASSWORD_HASH_ALGORITHM = 'argon2id-v19'",
		"password = \"correcthorse\"", "disk-usage-report-for-nightly-builds-on-linux",
		"token_type = \"urn:ietf:params:oauth:token-type\"",
		"npx -y @modelcontextprotocol/server-postgres postgresql://localhost/mydb", "MAX_TOKENS=128000",
		"token: see docs/how-to-get-a-token-2024.md", "secret: projects/acme/secrets/db/versions/2",
		"api_key: taken-from-the-vault-of-team-7", "token = tokenizer2.encode_ordinary_text(text)",
		"tokens: 1234567890123456789012", "SUMMARY of SUPPORT",
		"password: changeme2024", "password: ${DB_PASSWORD_2}", "password: $DB_PASSWORD_2",
		"password: /run/secrets/db1", "password: ./secrets/db1.txt", "password: secrets/team7/db1",
		"password: {{ vault_db1_password }}", "password: getSecret2(name)", "password=getpass.getpass1();",
		"password = settings.db1.password", "password: at least 12 characters",
		"password: min-12-chars", "password: <from step 2>", "password: see page 12 of the handbook",
		"password: correcthorse", "pwd=$(pwd)/v2", "password: 1Password", "password: C:\\keys\\db1.txt",
		"password: !vault db1", "password: hunter2xyz is what the joke says", "keyring-password==24.3.1rc1",
		"password: sha256", "password: user_supplied_v2", "password=***; token=***",
		"pwd = \"/home/user/project1\"", "password: '~/.secrets/db-1.txt'", "PWD=/home/user/project1",
		"token: \"design-token-color-primary-500\"", "token: design-token-color-500",
		"const TOKEN = \"--ds-color-background-brand-500\"",
		"secret_name: x, secret: \"acme.prod.database_credentials_v2\"",
		"contract token = 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
		"token: \"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\"",
		"Secret: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "token: \"sha512-" + random(alnum+"+/", 86) + "==\"",
		"postgres://app:mypass@db.acme.dev/app", "mysql://root:devpassword@db/app",
		"mysql://root:rootpassword@db/app", "postgres://app:app_password@db/app", "postgres://dbt:dbt_pass@db/app",
		"postgres://airflow:airflow123@postgres/airflow", "mongodb://root:Example_Pass@mongo",
		"redis://:mypass1@redis:6379", "https://me:hunter@git.acme.dev",
		"postgres://svc:k8Jd92ks" + "lQpW@localhost:5432/app", "postgres://svc:k8Jd92ks" + "lQpW@127.0.0.1/app",
		"postgres://svc:k8Jd92ks" + "lQpW@[::1]:5432/app", "redis://:k8Jd92ks" + "lQpW@localhost",
		"s3://bucket:prefix@x", "http://proxy:3128@foo", "Authorization: Basic dXNlcjpwYXNzd29yZA==",
		"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Authorization: Basic YWRtaW46YWRtaW4xMjM=",
		"weighs_and_lows_of_the_temperature_series_of_2024_in_celsius",
		"my_github_pat_rotation_policy_for_all_of_our_bots_2024", "integrity sha512-" + random(alnum+"+/", 86) + "==",
		"data:image/png;base64," + random(alnum+"+/", 120), "secret: \"projects/acme/secrets/db/versions/latest\"",
	}
	for _, layout := range []string{".md", ".toml"} {
		corpus = append(corpus, agentFiles(layout)...)
	}
	for _, glob := range []string{
		"../../testdata/*/agents/*", "../../testdata/*/.claude/agents/*", "../../testdata/*/.kaizen/*/*/*",
	} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", glob, files, err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			corpus = append(corpus, string(data))
		}
	}
	for _, text := range corpus {
		if got := findSecrets([]byte(text)); len(got) > 0 {
			t.Errorf("%s found in %q at %q", got[0].rule, text, text[got[0].start:got[0].end])
		}
	}
}

func TestSecretInSessionClose(t *testing.T) {
	t.Parallel()
	tree := newTree(t, map[string]string{"agents/coach.md": "x"})
	token := "ghp_" + random(alnum, 36)
	in := coach(Markdown)
	in.Entry = load(t, "agents:\n  coach:\n    cadence: weekly\n    session_close:\n"+
		"      - \"curl -H 'X-Token: "+token+"'\"\n").Entries[0]
	b, findings, err := Prepare(tree, in)
	if b != nil || err != nil || len(findings) != 1 || findings[0].Rule != diag.Secret.ID || findings[0].Line == 0 {
		t.Fatalf("Prepare = bundle %v, %v, %v", b != nil, findings, err)
	}
	in.Secrets = SecretsRedact
	b, _ = must(t, tree, in)
	if strings.Contains(string(b.Content)+b.SessionClose[0], token) || in.Entry.SessionClose[0] == b.SessionClose[0] {
		t.Errorf("session_close = %q", b.SessionClose)
	}
}

// A file full of secrets gives some findings, not thousands, and is redacted whole.
func TestManySecrets(t *testing.T) {
	t.Parallel()
	token := "ghp_" + random(alnum, 36)
	tree := newTree(t, map[string]string{"agents/coach.md": strings.Repeat(token+"\n", 500)})
	in := coach(JSON)
	in.Secrets = SecretsRedact
	b, findings := must(t, tree, in)
	if len(findings) != maxSecrets || bytes.Contains(b.Content, []byte(token)) ||
		bytes.Count(b.Content, []byte("[redacted:github-token]")) != 500 {
		t.Errorf("%d findings", len(findings))
	}
	in.Secrets = SecretsOff
	if b, findings := must(t, tree, in); len(findings) > 0 || !bytes.Contains(b.Content, []byte(token)) {
		t.Errorf("off: %v", findings)
	}
}
