package secrets

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

type sample struct{ id, before, secret, after string }

func samples() []sample {
	jwt := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	pem := "-----BEGIN RSA PRIVATE" + " KEY-----\n" + fixture.Random(fixture.Alnum+"+/", 64) + "\n" + fixture.Random(fixture.Alnum+"+/", 63) +
		"=\n-----END RSA PRIVATE" + " KEY-----"
	return []sample{
		{"private-key", "", pem, ""},
		{"private-key", `{"private_key": "`, strings.ReplaceAll(pem, "\n", `\n`), `\n"}`},
		{"gcp-service-account", `"private_key_id": "`, fixture.Random(fixture.Hex, 40), `"`},
		{"nats-seed", "seed: ", "SU" + fixture.Random(fixture.Base32, 56), ""},
		{"age-key", "", "AGE-SECRET-KEY-1" + fixture.Random(fixture.Upper, 58), ""},
		{"jwt", "cookie ", jwt(`{"alg":"HS256","typ":"JWT"}`) + "." + jwt(`{"sub":"agent"}`) + "." + fixture.Random(fixture.Alnum, 43), "."},
		{"github-token", "use ", "ghp_" + fixture.Random(fixture.Alnum, 36), " here"},
		{"github-token", "https://x-access-token:", "ghs_" + fixture.Random(fixture.Alnum, 36), "@github.com/acme/web"},
		{"github-fine-grained-token", "`", "github_pat_" + fixture.Random(fixture.Alnum, 82), "`"},
		{"gitlab-token", "", "glpat-" + fixture.Random(fixture.Alnum, 20), ""},
		{"npm-token", "//registry.npmjs.org/:_authToken=", "npm_" + fixture.Random(fixture.Alnum, 36), ""},
		{"pypi-token", "", "pypi-AgEIcHlwaS5vcmc" + fixture.Random(fixture.Alnum, 60), ""},
		{"docker-hub-token", "", "dckr_pat_" + fixture.Random(fixture.Alnum, 27), ""},
		{"aws-access-key", "", "AKIA" + fixture.Random(fixture.Base32, 16), ""},
		{"aws-secret-key", "aws_secret_access_key = ", fixture.Random(fixture.Alnum+"+/", 40), ""},
		{"gcp-api-key", "key=", "AIza" + fixture.Random(fixture.Alnum, 35), ""},
		{"azure-key", "AccountName=a;AccountKey=", fixture.Random(fixture.Alnum+"+/", 86) + "==", ";"},
		{"azure-client-secret", "secret ", fixture.Random(fixture.Alnum, 3) + "8Q~" + fixture.Random(fixture.Alnum, 34), ""},
		{"digitalocean-token", "", "dop_v1_" + fixture.Random(fixture.Hex, 64), ""},
		{"databricks-token", "", "dapi" + fixture.Random(fixture.Hex, 32), ""},
		{"vault-token", "", "hvs." + fixture.Random(fixture.Alnum, 90), ""},
		{"anthropic-key", "ANTHROPIC_API_KEY=", "sk-ant-api03-" + fixture.Random(fixture.Alnum, 93) + "AA", ""},
		{"openai-key", "OPENAI_API_KEY=", "sk-proj-" + fixture.Random(fixture.Alnum, 74), ""},
		{"openai-key", "", "sk-" + fixture.Random(fixture.Alnum, 48), ""},
		{"huggingface-token", "", "hf_" + fixture.Random(fixture.Alnum, 34), ""},
		{"slack-token", "", "xoxb-" + fixture.Random("0123456789", 12) + "-" + fixture.Random(fixture.Alnum, 24), ""},
		{"slack-webhook", "", "https://hooks.slack.com/services/T" + fixture.Random(fixture.Upper, 10) + "/B" + fixture.Random(fixture.Upper, 10) +
			"/" + fixture.Random(fixture.Alnum, 24), ""},
		{"telegram-token", "", "123456789:AA" + fixture.Random(fixture.Alnum, 33), ""},
		{"stripe-key", "", "sk_live_" + fixture.Random(fixture.Alnum, 24), ""},
		{"twilio-key", "", "SK" + fixture.Random(fixture.Hex, 32), ""},
		{"sendgrid-key", "", "SG." + fixture.Random(fixture.Alnum, 22) + "." + fixture.Random(fixture.Alnum, 43), ""},
		{"shopify-token", "", "shpat_" + fixture.Random(fixture.Hex, 32), ""},
		{"linear-key", "", "lin_api_" + fixture.Random(fixture.Alnum, 40), ""},
		{"airtable-token", "", "pat" + fixture.Random(fixture.Alnum, 14) + "." + fixture.Random(fixture.Hex, 64), ""},
		{"sourcegraph-token", "", "sgp_" + fixture.Random(fixture.Hex, 40), ""},
		{"jfrog-token", "", "AKCp" + fixture.Random(fixture.Alnum, 69), ""},
		{"cloudflare-token", "", "v1.0-" + fixture.Random(fixture.Hex, 24) + "-" + fixture.Random(fixture.Hex, 146), ""},
		{"alibaba-access-key", "", "LTAI" + fixture.Random(fixture.Alnum, 20), ""},
		{"facebook-token", "", "EAAM" + fixture.Random(fixture.Alnum, 120), ""},
		{"twitter-token", "", strings.Repeat("A", 22) + fixture.Random(fixture.Alnum, 84), ""},
		{"teams-webhook", "", "https://acme.webhook.office.com/webhookb2/" + fixture.Random(fixture.Alnum, 36) + "@" +
			fixture.Random(fixture.Alnum, 36) + "/IncomingWebhook/" + fixture.Random(fixture.Alnum, 32), ""},
		{"url-password", "postgres://svc:", fixture.Random(fixture.Alnum, 9), "@db.internal:5432/app"},
		{"url-password", "redis://:", fixture.Random(fixture.Alnum, 12), "@cache"},
		{"url-password", "postgres://svc:", "k8Jd92ks" + "lQpW", "@localhost.acme.dev/app"},
		{"url-password", "postgres://app:", "Winter" + "2024!", "@db.acme.dev/app"},
		{"url-password", "postgres://app:", "qZwTrKpL" + "mXvB", "@db.acme.dev/app"},
		{"url-password", "smtp://agent:", "abqzkdwe" + "tyuplmnr", "@smtp.acme.dev"},
		{"url-password", "redis://default:", "83746" + "512", "@10.0.0.7:6379"},
		{"authorization-header", "Authorization: Basic ",
			base64.StdEncoding.EncodeToString([]byte("svc:k8Jd92ks" + "lQpW")), ""},
		{"credential", `secret = "0x`, fixture.Random(fixture.Hex, 64), `"`},
		{"credential", `token: "`, "acme-" + fixture.Random(fixture.Alnum, 24) + "-2", `"`},
		{"authorization-header", "Authorization: Bearer ", fixture.Random(fixture.Alnum, 32), ""},
		{"netrc-password", "machine api.acme.dev login bot password ", fixture.Random(fixture.Alnum, 14), "\n"},
		{"netrc-password", "machine api.acme.dev\n  login bot\n  password ", fixture.Random(fixture.Alnum, 14), "\n"},
		{"curl-password", "curl -sS -u svc:", fixture.Random(fixture.Alnum, 14), " https://api.acme.dev"},
		{"curl-password", "curl https://api.acme.dev --user 'svc:", fixture.Random(fixture.Alnum, 14), "'"},
		{"npm-auth", "//npm.acme.dev/:_auth=", base64.StdEncoding.EncodeToString([]byte("svc:" + fixture.Random(fixture.Alnum, 14))), ""},
		{"password", `password = "`, "Zk3v!Q9xLm2", `"`},
		{"password", "password: '", "SuperSecret123!", "'"},
		{"password", "DB_PASSWORD=", fixture.Random(fixture.Alnum, 16), ""},
		{"password", "password: ", "k8Jd92ks" + "lQpW", ""},
		{"password", "- **db_password:** ", "k8Jd92ks" + "lQpW", ""},
		{"password", "spring.datasource.password=", "k8Jd92ks" + "lQpW", ""},
		{"password", "`password: ", "k8Jd92ks" + "lQpW", "` opens it"},
		{"password", "db_password: ", "k8Jd92ks" + "lQpW", "   # of production"},
		{"password", "passwd = ", "Winter" + "2024!", ","},
		{"password", "Server=db;User ID=sa;Password=", "k8Jd92ks" + "lQpW", ";Encrypt=true"},
		{"password", "Data Source=db;Uid=sa;Pwd=", "k8Jd92ks" + "lQpW", ";"},
		{"github-token", "MY_", "ghp_" + fixture.Random(fixture.Alnum, 36), ""},
		{"github-token", "token", "ghp_" + fixture.Random(fixture.Alnum, 36), ""},
		{"github-token", "?token%3D", "ghp_" + fixture.Random(fixture.Alnum, 36), "&x"},
		{"github-fine-grained-token", "MY_", "github_pat_" + fixture.Random(fixture.Alnum, 22) + "_" + fixture.Random(fixture.Alnum, 59), ""},
		{"github-token", "", `ghp\_` + fixture.Random(fixture.Alnum, 36), ""},
		{"github-fine-grained-token", "", `github\_pat\_` + fixture.Random(fixture.Alnum, 22) + `\_` + fixture.Random(fixture.Alnum, 59), ""},
		{"credential", `"api_key": "`, fixture.Random(fixture.Alnum, 32), `"`},
		{"credential", "deploy_token: ", fixture.Random(fixture.Alnum, 24), ""},
		{"credential", "deployToken=", fixture.Random(fixture.Alnum, 24), ""},
		{"credential", "  DEPLOY_TOKEN ?= ", fixture.Random(fixture.Alnum, 24), ""},
		{"credential", `setProperty("DEPLOY_TOKEN", "`, fixture.Random(fixture.Alnum, 24), `")`},
	}
}

func TestFindSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		for _, frame := range []string{"%s", "intro\n\n    %s\n", "- item: %s\r\n"} {
			text := fmt.Sprintf(frame, s.before+s.secret+s.after)
			got := Find([]byte(text))
			if len(got) != 1 || got[0].Kind != s.id ||
				!strings.Contains(text[got[0].Start:got[0].End], s.secret) && text[got[0].Start:got[0].End] != s.secret {
				t.Errorf("%s in %q: %v", s.id, text, got)
			}
		}
		wide := strings.Join(strings.Split(s.before+s.secret+s.after, ""), "\x00")
		if len(Find([]byte(wide))) == 0 {
			t.Errorf("%s is missed in UTF-16", s.id)
		}
	}
}

// A value that is longer than its issuer says, or than the text that a pattern is tried
// on, is found and goes whole.
func TestLongSecrets(t *testing.T) {
	t.Parallel()
	for _, s := range []sample{
		{"credential", "token=", fixture.Random(fixture.Alnum, 300), "\n"},
		{"credential", "token=", fixture.Random(fixture.Alnum+"+/", 5000), "\n"},
		{"credential", `"SessionToken": "`, "IQoJ" + fixture.Random(fixture.Alnum+"+/", 400), `"`},
		{"credential", `"SessionToken": "`, "IQoJ" + fixture.Random(fixture.Alnum+"+/", 5000), `"`},
		{"password", `password = "`, fixture.Random(fixture.Alnum, 5000), `"`},
		{"password", "DB_PASSWORD=", fixture.Random(fixture.Alnum, 5000), " "},
		{"github-fine-grained-token", "", "github_pat_" + fixture.Random(fixture.Alnum, 400), "."},
		{"github-token", "", "ghs_" + fixture.Random(fixture.Alnum, 2500), "."},
		{"gitlab-token", "", "glpat-" + fixture.Random(fixture.Alnum, 27) + ".01." + fixture.Random(fixture.Alnum, 9), ". "},
		{"twitter-token", "", strings.Repeat("A", 22) + fixture.Random(fixture.Alnum, 300), ""},
		{"url-password", "https://svc:", fixture.Random(fixture.Alnum, 900), "@git.acme.dev/x"},
		{"authorization-header", "Authorization: Bearer ", fixture.Random(fixture.Alnum, 3000), "\n"},
	} {
		text := s.before + s.secret + s.after
		got := Find([]byte(text))
		if len(got) != 1 || got[0].Kind != s.id || text[got[0].Start:got[0].End] != s.secret {
			t.Errorf("%s of %d bytes: %v", s.id, len(text), got)
		}
	}
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
		"amqp://guest:guest@localhost", "uses: docker://alpine:3.19@sha256:" + fixture.Random(fixture.Hex, 64),
		"Authorization: Bearer YOUR_TOKEN", "Authorization: Bearer $TOKEN",
		"Authorization: Bearer <access-token-goes-here>", "AKIAIOSFODNN7EXAMPLE",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "Look for `-----BEGIN PRIVATE KEY-----` in the diff.",
		"sha256 " + fixture.Random(fixture.Hex, 64), "commit " + fixture.Random(fixture.Hex, 40), "task-" + fixture.Random(fixture.Hex, 12),
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
		"Secret: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "token: \"sha512-" + fixture.Random(fixture.Alnum+"+/", 86) + "==\"",
		"postgres://app:mypass@db.acme.dev/app", "mysql://root:devpassword@db/app",
		"mysql://root:rootpassword@db/app", "postgres://app:app_password@db/app", "postgres://dbt:dbt_pass@db/app",
		"postgres://airflow:airflow123@postgres/airflow", "mongodb://root:Example_Pass@mongo",
		"redis://:mypass1@redis:6379", "https://me:hunter@git.acme.dev",
		"postgres://svc:k8Jd92ks" + "lQpW@localhost:5432/app", "postgres://svc:k8Jd92ks" + "lQpW@127.0.0.1/app",
		"postgres://svc:k8Jd92ks" + "lQpW@[::1]:5432/app", "redis://:k8Jd92ks" + "lQpW@localhost",
		"s3://bucket:prefix@x", "http://proxy:3128@foo", "Authorization: Basic dXNlcjpwYXNzd29yZA==",
		"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Authorization: Basic YWRtaW46YWRtaW4xMjM=",
		"weighs_and_lows_of_the_temperature_series_of_2024_in_celsius",
		"my_github_pat_rotation_policy_for_all_of_our_bots_2024", "integrity sha512-" + fixture.Random(fixture.Alnum+"+/", 86) + "==",
		"data:image/png;base64," + fixture.Random(fixture.Alnum+"+/", 120), "secret: \"projects/acme/secrets/db/versions/latest\"",
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
			fixture.Must(t, err)
			corpus = append(corpus, string(data))
		}
	}
	for _, text := range corpus {
		if got := Find([]byte(text)); len(got) > 0 {
			t.Errorf("%s found in %q at %q", got[0].Kind, text, text[got[0].Start:got[0].End])
		}
	}
}
