package secrets

import (
	"encoding/base64"
	"strings"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// kindSamples are the texts on which one kind of the table is tested.
type kindSamples struct {
	kind string
	// match are texts with a secret of the kind, at least one.
	match []sample
	// none are texts like those that hold no secret of any kind.
	none []string
}

// sample is a text whose middle is the secret.
type sample struct{ before, secret, after string }

func (s sample) text() string { return s.before + s.secret + s.after }

// Secrets are generated, so that no secret scanner reports this file.
func hex(n int) string    { return fixture.Random(fixture.Hex, n) }
func digits(n int) string { return fixture.Random("0123456789", n) }
func base32(n int) string { return fixture.Random(fixture.Base32, n) }
func alnum(n int) string  { return fixture.Random(fixture.Alnum, n) }
func b64(n int) string    { return fixture.Random(fixture.Alnum+"+/", n) }

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
func jwtPart(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const (
	pemBegin = "-----BEGIN RSA PRIVATE" + " KEY-----"
	pemEnd   = "-----END RSA PRIVATE" + " KEY-----"
	// password is recognised only by the text around it.
	password = "k8Jd92ks" + "lQpW"
)

// samples are in the order of the table.
func samples() []kindSamples {
	pem := pemBegin + "\n" + b64(64) + "\n" + b64(63) + "=\n" + pemEnd
	return []kindSamples{
		{"private-key", []sample{
			{"", pem, ""},
			{`{"private_key": "`, strings.ReplaceAll(pem, "\n", `\n`), `\n"}`},
		}, []string{"Look for `-----BEGIN PRIVATE KEY-----` in the diff."}},
		{"gcp-service-account", []sample{{`"private_key_id": "`, hex(40), `"`}}, nil},
		{"nats-seed", []sample{{"seed: ", "SU" + base32(56), ""}}, []string{"SUMMARY of SUPPORT"}},
		{"jwt", []sample{{"cookie ", jwtPart(`{"alg":"HS256","typ":"JWT"}`) + "." + jwtPart(`{"sub":"agent"}`) +
			"." + alnum(43), "."}}, nil},

		{"github-token", []sample{
			{"use ", "ghp_" + alnum(36), " here"},
			{"https://x-access-token:", "ghs_" + alnum(36), "@github.com/acme/web"},
			{"MY_", "ghp_" + alnum(36), ""},
			{"token", "ghp_" + alnum(36), ""},
			{"?token%3D", "ghp_" + alnum(36), "&x"},
			{"", `ghp\_` + alnum(36), ""},
		}, []string{
			"export GITHUB_TOKEN=<token>", "token: ${{ secrets.GITHUB_TOKEN }}", "GH_TOKEN=$TOKEN",
			"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "const token = \"ghp_xxxxxxxxxxxx\"",
		}},
		{"github-fine-grained-token", []sample{
			{"`", "github_pat_" + alnum(82), "`"},
			{"MY_", "github_pat_" + alnum(22) + "_" + alnum(59), ""},
			{"", `github\_pat\_` + alnum(22) + `\_` + alnum(59), ""},
		}, []string{"my_github_pat_rotation_policy_for_all_of_our_bots_2024"}},
		{"npm-token", []sample{{"//registry.npmjs.org/:_authToken=", "npm_" + alnum(36), ""}},
			[]string{"npm_config_registry=https://registry.npmjs.org"}},
		{"pypi-token", []sample{{"", "pypi-AgEIcHlwaS5vcmc" + alnum(60), ""}}, []string{"pypi-publish"}},

		{"aws-access-key", []sample{{"", "AKIA" + base32(16), ""}}, []string{"AKIAIOSFODNN7EXAMPLE"}},
		{"aws-secret-key", []sample{{"aws_secret_access_key = ", b64(40), ""}},
			[]string{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}},
		{"azure-key", []sample{{"AccountName=a;AccountKey=", b64(86) + "==", ";"}}, nil},

		{"openai-key", []sample{{"OPENAI_API_KEY=", "sk-proj-" + alnum(74), ""}, {"", "sk-" + alnum(48), ""}}, []string{
			"OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "const apiKey = \"sk-proj-xxxxx\"",
			"task-" + hex(12), "disk-usage-report-for-nightly-builds-on-linux",
		}},
		{"huggingface-token", []sample{{"", "hf_" + alnum(34), ""}}, []string{"hf_hub_download"}},

		{"slack-token", []sample{{"", "xoxb-" + digits(12) + "-" + alnum(24), ""}},
			[]string{"SLACK_BOT_TOKEN=xoxb-your-token-here"}},
		{"stripe-key", []sample{{"", "sk_live_" + alnum(24), ""}}, []string{"STRIPE_KEY=sk_test_..."}},
		{"twilio-token", []sample{{`twilio_auth_token = "`, hex(32), `"`}}, nil},
		{"mailgun-key", []sample{{"", "key-" + hex(32), ""}},
			[]string{"primary-key-" + hex(32), "cache_key-" + hex(32), "a.key-" + hex(32)}},

		{"url-password", []sample{
			{"postgres://svc:", alnum(9), "@db.internal:5432/app"},
			{"redis://:", alnum(12), "@cache"},
			{"postgres://svc:", password, "@localhost.acme.dev/app"},
			{"postgres://app:", "Winter" + "2024!", "@db.acme.dev/app"},
			{"postgres://app:", "qZwTrKpL" + "mXvB", "@db.acme.dev/app"},
			{"smtp://agent:", "abqzkdwe" + "tyuplmnr", "@smtp.acme.dev"},
			{"redis://default:", "83746" + "512", "@10.0.0.7:6379"},
		}, []string{
			"DATABASE_URL=postgres://user:password@localhost:5432/db", "postgres://postgres:postgres@db/app",
			"https://${USER}:${PASS}@host", "amqp://guest:guest@localhost",
			"uses: docker://alpine:3.19@sha256:" + hex(64), "git@github.com:acme/web.git",
			"https://user@example.com/path:8080", "mailto:a@example.org",
			"npx -y @modelcontextprotocol/server-postgres postgresql://localhost/mydb",
			"postgres://app:mypass@db.acme.dev/app", "mysql://root:devpassword@db/app",
			"mysql://root:rootpassword@db/app", "postgres://app:app_password@db/app",
			"postgres://dbt:dbt_pass@db/app", "postgres://airflow:airflow123@postgres/airflow",
			"mongodb://root:Example_Pass@mongo", "redis://:mypass1@redis:6379", "https://me:hunter@git.acme.dev",
			"postgres://svc:" + password + "@localhost:5432/app", "postgres://svc:" + password + "@127.0.0.1/app",
			"postgres://svc:" + password + "@[::1]:5432/app", "redis://:" + password + "@localhost",
			"s3://bucket:prefix@x", "http://proxy:3128@foo",
		}},
		{"authorization-header", []sample{
			{"Authorization: Basic ", encoded("svc:" + password), ""},
			{"Authorization: Bearer ", alnum(32), ""},
			{"Authorization: Basic ", encoded("a:LeyUneoV" + "9338"), ""}, // without a digit
		}, []string{
			"Authorization: Bearer YOUR_TOKEN", "Authorization: Bearer $TOKEN",
			"Authorization: Bearer <access-token-goes-here>", "Authorization: Basic dXNlcjpwYXNzd29yZA==",
			"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Authorization: Basic YWRtaW46YWRtaW4xMjM=",
		}},
		{"netrc-password", []sample{
			{"machine api.acme.dev login bot password ", alnum(14), "\n"},
			{"machine api.acme.dev\n  login bot\n  password ", alnum(14), "\n"},
		}, []string{
			"machine api.acme.dev login bot password $TOKEN",
			"each machine should login once and password rotation follows",
		}},
		{"curl-password", []sample{
			{"curl -sS -u svc:", alnum(14), " https://api.acme.dev"},
			{"curl https://api.acme.dev --user 'svc:", alnum(14), "'"},
		}, []string{
			"curl -u user:password https://example.com", "curl -u \"$USER:$PASSWORD\" https://acme.dev",
			"curl --user admin:admin123 http://localhost", "curl -u <user>:<token> https://acme.dev",
		}},
		{"npm-auth", []sample{{"//npm.acme.dev/:_auth=", encoded("svc:" + alnum(14)), ""}},
			[]string{"_auth = required for this route"}},
		{"password", passwordSamples, plainPasswords},
		{"credential", []sample{
			{`secret = "0x`, hex(64), `"`}, {`token: "`, "acme-" + alnum(24) + "-2", `"`},
			{`"api_key": "`, alnum(32), `"`}, {"deploy_token: ", alnum(24), ""}, {"deployToken=", alnum(24), ""},
			{"**API key:** ", alnum(32), ""},
			{"  DEPLOY_TOKEN ?= ", alnum(24), ""}, {`setProperty("DEPLOY_TOKEN", "`, alnum(24), `")`},
		}, plainCredentials()},
	}
}

var passwordSamples = []sample{
	{`password = "`, "Zk3v!Q9xLm2", `"`}, {"password: '", "SuperSecret123!", "'"}, {"DB_PASSWORD=", alnum(16), ""},
	{"password: ", password, ""}, {"- **db_password:** ", password, ""}, {"spring.datasource.password=", password, ""},
	{"`password: ", password, "` opens it"}, {"db_password: ", password, "   # of production"},
	{"passwd = ", "Winter" + "2024!", ","}, {"Server=db;User ID=sa;Password=", password, ";Encrypt=true"},
	{"Data Source=db;Uid=sa;Pwd=", password, ";"}, {"auth: { user: 'bot', pass: '", password, "' }"},
	{"[remote]\npass = ", alnum(38), "\n"}, {"The password is ", password, " for now."},
}

var plainPasswords = []string{
	"password = \"changeme\"", "password: 'your-password'", "const password = \"admin123\"",
	"password = os.environ[\"DB_PASSWORD\"]", "password: \"string\"", "password = getpass.getpass()",
	"if (password === \"\")", "password: \"Must be strong\"", "PASSWORD_HASH_ALGORITHM = 'argon2id-v19'",
	"password = \"correcthorse\"", "password: changeme2024", "password: ${DB_PASSWORD_2}", "password: $DB_PASSWORD_2",
	"password: /run/secrets/db1", "password: ./secrets/db1.txt", "password: secrets/team7/db1",
	"password: {{ vault_db1_password }}", "password: getSecret2(name)", "password=getpass.getpass1();",
	"password = settings.db1.password", "password: at least 12 characters", "password: min-12-chars",
	"password: <from step 2>", "password: see page 12 of the handbook", "password: correcthorse", "pwd=$(pwd)/v2",
	"password: 1Password", "password: C:\\keys\\db1.txt", "password: !vault db1",
	"password: hunter2xyz is what the joke says", "keyring-password==24.3.1rc1", "password: sha256",
	"password: user_supplied_v2", "password=***; token=***", "pwd = \"/home/user/project1\"",
	"password: '~/.secrets/db-1.txt'", "PWD=/home/user/project1", "password: \"Hashi123\"", "GS_PASSWORD: Gauss@123",
	"MSSQL_SA_PASSWORD: LoremIpsum86", "password: \"Пароль2\"", "pass: true", "tests: pass: 231, fail: 0",
	"PASS: TestLogin_WithPassword2FA (0.01s)", "The password is at least 12 characters.", "The password is sha256-hashed",
	"password: arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf",
	"\"@inquirer/password\": \"^5.1.0\"", "encryptedData:\n  password: AgB" + b64(300) + "=",
}

func plainCredentials() []string {
	return []string{
		"secret_key_base: <%= ENV['SECRET'] %>", "JWT_SECRET=your-256-bit-secret-goes-here",
		"token_type = \"urn:ietf:params:oauth:token-type\"", "MAX_TOKENS=128000",
		"token: see docs/how-to-get-a-token-2024.md", "secret: projects/acme/secrets/db/versions/2",
		"api_key: taken-from-the-vault-of-team-7", "token = tokenizer2.encode_ordinary_text(text)",
		"tokens: 1234567890123456789012", "token: \"design-token-color-primary-500\"", "token: design-token-color-500",
		"const TOKEN = \"--ds-color-background-brand-500\"",
		"secret_name: x, secret: \"acme.prod.database_credentials_v2\"",
		"contract token = 0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",
		"token: \"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48\"",
		"secret: " + encoded("example-app-secret"),
		"\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\"", "`GetConnectToken`, `RefreshOAuthV2Token`",
		"const TimeoutKey = \"" + randomValue("{g}", 1) + "\"", "apiKey = 23\n\taddPartitionsToTxn apiKey = 24",
		"\"ClientRequestToken\": \"" + randomValue("{g}", 1) + "\"",
		"Secret: sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "token: \"sha512-" + b64(86) + "==\"",
		"secret: \"projects/acme/secrets/db/versions/latest\"",
		// Long values without a keyword.
		"sha256 " + hex(64), "commit " + hex(40), "integrity sha512-" + b64(86) + "==",
		"data:image/png;base64," + alnum(120), "weighs_and_lows_of_the_temperature_series_of_2024_in_celsius",
	}
}
