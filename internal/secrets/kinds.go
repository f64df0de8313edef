package secrets

// kind is one kind of secret in one way of writing it. A row is data only, so the table
// costs nothing when the program starts.
type kind struct {
	// name is what findings and redacted text show. Several rows may share a name.
	name string
	// keywords are separated by spaces. The pattern is tried only on texts that hold one of
	// them. A keyword in lower case is found in any case, another one as it is written.
	keywords string
	// entropy is the least entropy of a secret in bits per byte. It separates a token from
	// xxxxxxxx.
	entropy float64
	// atKeyword is set if every match begins with a keyword. The pattern is then tried only
	// at keywords, because words such as token are common in prose.
	atKeyword bool
	// except reports matches that are not secrets. Placeholders are excluded anyway.
	except func(groups [][]byte) bool
	// pattern is a regular expression. The secret is the group named secret, else the only
	// group, else the whole match.
	pattern string
}

// kinds is the table of all kinds, the most certain first: if two find the same text, the
// first one names it. Prefixes and lengths are those that each issuer documents. A new
// kind is one row here and its samples in samples_test.go. Private keys need more than a
// pattern; see privateKeys.
var kinds = []kind{
	{name: "gcp-service-account", keywords: "private_key_id", entropy: 3,
		pattern: `"private_key_id"\s*:\s*"([0-9a-f]{40})"`},
	{name: "nats-seed", keywords: "SU SA SN SO SX SC", entropy: 3, pattern: `\bS[UANOXC][A-Z2-7]{56}\b`},
	{name: "age-key", keywords: "AGE-SECRET-KEY-", entropy: 3, pattern: `\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b`},
	{name: "jwt", keywords: "eyJ", entropy: 3,
		pattern: `\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`},

	{name: "github-token", keywords: "ghp_ gho_ ghu_ ghs_ ghr_", entropy: 3,
		pattern: `\bgh[pousr]_[A-Za-z0-9_.-]{35,999}[A-Za-z0-9]|gh[pousr]_[A-Za-z0-9]{36}`},
	{name: "github-fine-grained-token", keywords: "github_pat_", entropy: 3,
		pattern: `github_pat_[A-Za-z0-9]{22}[A-Za-z0-9_]*`},
	{name: "gitlab-token", keywords: "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat-", entropy: 3,
		pattern: `\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_-]{20,}`},
	{name: "npm-token", keywords: "npm_", entropy: 3, pattern: `\bnpm_[A-Za-z0-9]{36}\b`},
	{name: "pypi-token", keywords: "pypi-", entropy: 3, pattern: `\bpypi-[A-Za-z0-9_-]{50,}`},
	{name: "rubygems-token", keywords: "rubygems_", entropy: 3, pattern: `\brubygems_[0-9a-f]{48}\b`},
	{name: "crates-token", keywords: "cio", entropy: 3, except: noDigit, pattern: `\bcio[A-Za-z0-9]{32}\b`},
	{name: "docker-hub-token", keywords: "dckr_", entropy: 3, pattern: `\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{27,}`},
	{name: "sourcegraph-token", keywords: "sgp_", entropy: 3,
		pattern: `\bsgp_(?:[A-Za-z0-9]{16}_)?[0-9A-Fa-f]{40}\b`},
	{name: "jfrog-token", keywords: "AKCp cmVmdGtu", entropy: 3,
		pattern: `\b(?:AKCp[A-Za-z0-9]{60,}|cmVmdGtu[A-Za-z0-9]{50,})`},
	{name: "atlassian-token", keywords: "ATATT3", entropy: 3, pattern: `\bATATT3[A-Za-z0-9_=-]{50,}`},

	{name: "aws-access-key", keywords: "AKIA ASIA ABIA ACCA", entropy: 3,
		pattern: `\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b`},
	{name: "aws-secret-key", keywords: "aws", entropy: 3.5,
		pattern: `(?i)aws.{0,20}?(?:secret|key).{0,20}?[=:]["'\s]*\b([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)`},
	{name: "gcp-api-key", keywords: "AIza", entropy: 3, pattern: `\bAIza[A-Za-z0-9_-]{35}`},
	{name: "gcp-oauth", keywords: "ya29. GOCSPX-", entropy: 3,
		pattern: `\bya29\.[A-Za-z0-9_-]{20,}|\bGOCSPX-[A-Za-z0-9_-]{28}`},
	{name: "azure-key", keywords: "accountkey= sharedaccesskey=", entropy: 3,
		pattern: `(?i)(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{42,86}={1,2})`},
	{name: "azure-client-secret", keywords: "Q~", entropy: 3,
		pattern: `(?:^|[^A-Za-z0-9_~.-])([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})`},
	{name: "azure-sas", keywords: "sig=", entropy: 3, pattern: `[?&]sig=([A-Za-z0-9%+/]{40,}={0,2})`},
	{name: "digitalocean-token", keywords: "doo_v1_ dop_v1_ dor_v1_", entropy: 3,
		pattern: `\bdo[opr]_v1_[0-9a-f]{64}\b`},
	{name: "databricks-token", keywords: "dapi", entropy: 3, pattern: `\bdapi[0-9a-f]{32}(?:-[0-9])?\b`},
	{name: "heroku-key", keywords: "HRKU-", entropy: 3, pattern: `\bHRKU-[A-Za-z0-9_-]{36,}`},
	{name: "vault-token", keywords: "hvs. hvb. hvr.", entropy: 3, pattern: `\bhv[sbr]\.[A-Za-z0-9_-]{24,}`},
	{name: "terraform-token", keywords: ".atlasv1.", entropy: 3,
		pattern: `\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}`},
	{name: "doppler-token", keywords: "dp.", entropy: 3,
		pattern: `\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}`},
	{name: "supabase-token", keywords: "sbp_", entropy: 3, pattern: `\bsbp_[0-9a-f]{40}\b`},
	{name: "cloudflare-token", keywords: "v1.0-", entropy: 3, pattern: `\bv1\.0-[0-9a-f]{24}-[0-9a-f]{146}\b`},
	{name: "alibaba-access-key", keywords: "LTAI", entropy: 3, except: noDigit,
		pattern: `\bLTAI[A-Za-z0-9]{12,20}\b`},
	{name: "planetscale-token", keywords: "pscale_", entropy: 3,
		pattern: `\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,}`},

	{name: "anthropic-key", keywords: "sk-ant-", entropy: 3, pattern: `\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{20,}`},
	{name: "openrouter-key", keywords: "sk-or-", entropy: 3, pattern: `\bsk-or-v1-[0-9a-f]{64}\b`},
	{name: "openai-key", keywords: "sk-", entropy: 3,
		pattern: `\bsk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|` +
			`[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{32,64}\b)`},
	{name: "huggingface-token", keywords: "hf_ api_org_", entropy: 3, pattern: `\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b`},
	{name: "model-api-key", keywords: "gsk_ xai- pplx- r8_", entropy: 3,
		pattern: `\b(?:gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{70,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37,})`},

	{name: "slack-token", keywords: "xox xapp-", entropy: 2.5,
		pattern: `\b(?:xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{16,}|xapp-[0-9]-[A-Za-z0-9-]{16,})`},
	{name: "slack-webhook", keywords: "hooks.slack.com", entropy: 3,
		pattern: `https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{30,}`},
	{name: "teams-webhook", keywords: ".webhook.office.com", entropy: 3,
		pattern: `https://\w+\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{60,}`},
	{name: "facebook-token", keywords: "EAA", entropy: 3.5, pattern: `\bEAA[CM][A-Za-z0-9]{80,}`},
	{name: "twitter-token", keywords: "AAAAAAAAAAAAAAAAAAAAAA", entropy: 3, pattern: `\bA{22}[A-Za-z0-9%]{80,100}`},
	{name: "discord-webhook", keywords: "/api/webhooks/", entropy: 3,
		pattern: `https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{50,}`},
	{name: "discord-token", keywords: "discord", entropy: 3.5,
		pattern: `\b[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}`},
	{name: "telegram-token", keywords: ":AA", entropy: 3, pattern: `\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b`},
	{name: "stripe-key", keywords: "sk_ rk_ whsec_", entropy: 3,
		pattern: `\b(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}=*)`},
	{name: "square-token", keywords: "sq0 EAAA", entropy: 3,
		pattern: `\b(?:sq0[a-z]{3}-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{60})\b`},
	{name: "shopify-token", keywords: "shp", entropy: 3, pattern: `\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b`},
	{name: "twilio-key", keywords: "SK", entropy: 3, pattern: `\bSK[0-9a-f]{32}\b`},
	{name: "twilio-token", keywords: "twilio", entropy: 3,
		pattern: `(?i)twilio[^\n]{0,40}?(?:token|secret)[^\n]{0,10}?\b([0-9a-f]{32})\b`},
	{name: "sendgrid-key", keywords: "SG.", entropy: 3, pattern: `\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}`},
	{name: "mail-key", keywords: "key- xkeysib-", entropy: 3,
		pattern: `\b(?:key-[0-9a-f]{32}\b|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16})`},
	{name: "airtable-token", keywords: "pat", entropy: 3.5, pattern: `\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b`},
	{name: "linear-key", keywords: "lin_api_", entropy: 3, pattern: `\blin_api_[A-Za-z0-9]{40}\b`},
	{name: "notion-token", keywords: "ntn_ secret_", entropy: 3.5,
		pattern: `\b(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})\b`},
	{name: "postman-key", keywords: "PMAK-", entropy: 3, pattern: `\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b`},
	{name: "monitoring-key", keywords: "NRAK- glsa_ glc_ sntry", entropy: 3,
		pattern: `\b(?:NRAK-[A-Z0-9]{27}\b|glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|` +
			`glc_[A-Za-z0-9+/]{32,}|sntry[su]_[A-Za-z0-9+/=_]{40,})`},

	{name: "url-password", keywords: "://", except: harmlessURL,
		pattern: `\b[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s:/?#@'"<>\x60]*):` +
			`(?P<secret>[^\s/'"<>\x60]{3,})@([\w.:\[-]*)`},
	{name: "authorization-header", keywords: "authorization", entropy: 3, atKeyword: true, except: harmlessHeader,
		pattern: `(?i)authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+([A-Za-z0-9._~+/-]{16,}=*)`},
	{name: "netrc-password", keywords: "machine", entropy: 2.5, except: harmlessPassword,
		pattern: `\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{6,})`},
	{name: "curl-password", keywords: "curl", entropy: 2.5, except: harmlessPassword,
		pattern: `\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?["']?[^\s:"'$<{]{1,64}:([^\s"']{6,})`},
	{name: "npm-auth", keywords: "_auth", entropy: 3, except: harmlessHeader,
		pattern: `\b_auth\s*=\s*["']?([A-Za-z0-9+/]{16,}={0,2})`},
	{name: "password", keywords: "password passwd passphrase pwd", entropy: 2.5, atKeyword: true, except: plainWord,
		pattern: `(?i)(?:password|passwd|passphrase|pwd)["'\x60]?\s*(?:=>|:=|==?|:)\s*` +
			`["'\x60]([^"'\s\x60]{6,})(?:["'\x60]|\z)`},
	{name: "password", keywords: "PASSWORD PASSWD PASSPHRASE PWD", entropy: 2.5, atKeyword: true, except: plainWord,
		pattern: `(?:PASSWORD|PASSWD|PASSPHRASE|PWD)[ \t]*=[ \t]*([^\s"'\x60]{8,})`},
	{name: "password", keywords: "password passwd passphrase pwd", entropy: 2.5, atKeyword: true, except: plainUnquoted,
		pattern: `(?i)(?:password|passwd|passphrase|pwd)["'\x60*_]{0,3}[ \t]*[:=]\*{0,2}[ \t]*` +
			`([^\s"'\x60;=][^\s"'\x60;]{7,})(?:["'\x60;]|[ \t]*(?:[\r\n]|\z|#))`},
	{name: "credential", keywords: "secret token api_key apikey api-key access_key accesskey", entropy: 3.5,
		atKeyword: true, except: plainName,
		pattern: `(?i)(?:secret|token|api[_-]?key|access[_-]?key)["'\x60]?\s*(?:=>|[:?.]{0,3}==?|:|,|string =)\s*` +
			`["'\x60]([A-Za-z0-9+/=_.~-]{20,})(?:["'\x60]|\z)`},
	{name: "credential", keywords: "secret token api_key apikey api-key access_key accesskey", entropy: 3.5,
		atKeyword: true, except: nameOrPath,
		pattern: `(?i)(?:secret|token|api[_-]?key|access[_-]?key)[ \t]*(?:[:?]{0,3}=|:)[ \t]*` +
			`([A-Za-z0-9+/=_~-]{20,})`},
}
