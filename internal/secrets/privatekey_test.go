package secrets

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// A private key is found in every form, and redacted whole.
func TestPrivateKeys(t *testing.T) {
	t.Parallel()
	const begin, end = pemBegin, pemEnd
	secret := b64(64*6 + 20)
	var lines []string
	for rest := secret; rest != ""; rest = rest[min(len(rest), 64):] {
		lines = append(lines, rest[:min(len(rest), 64)])
	}
	// key is the PEM form with something around each of its lines.
	key := func(before, after string) string {
		return before + begin + after + before + strings.Join(lines, after+before) + after + before + end + after
	}
	body := strings.Join(lines, "\n")
	pgp := func(headers string) string {
		return "-----BEGIN PGP PRIVATE" + " KEY BLOCK-----\n" + headers + "\n" + body +
			"\n=Ab3d\n-----END PGP PRIVATE" + " KEY BLOCK-----\n"
	}
	tests := []struct{ name, text string }{
		{"plain", key("", "\n")},
		{"Windows", key("", "\r\n")},
		{"one line", key("", " ")},
		{"removed in a diff", key("-", "\n")},
		{"added in a diff", key("+", "\n")},
		{"prefixed", key("-- ", "\n")},
		{"quoted by mail", key("> > ", "\n")},
		{"comment", key("// ", "\n")},
		{"table", key("| ", " |\n")},
		{"line numbers", key("  12: ", "\n")},
		{"JSON", `{"key": "` + key("", `\n`) + `"}`},
		{"JSON in JSON", `{"key": "` + key("", `\\n`) + `"}`},
		{"Python", key(`    "`, `\n"`+"\n")},
		{"Java", key(`    "`, `\n" +`+"\n")},
		{"JavaScript array", "[" + key(`  '`, "',\n") + `].join("\n")`},
		{"shell", key("", "\\n\\\n")},
		{"builder", key(`sb.append("`, "\\n\");\n")},
		{"HTML", key("", "<br>")},
		{"HTML of a page", key(`<td class="line code">`, "</td><br />\n")},
		{"PGP", pgp("")},
		{"PGP with a version", pgp("Version: GnuPG v2.0.22 (GNU/Linux)\n")},
		{"PGP with a comment", pgp("Version: GnuPG v2\nComment: https://example.com/...\n")},
		{"encrypted", begin + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC," +
			strings.ToUpper(hex(32)) + "\n\n" + body + "\n" + end},
		{"SSH2", "---- BEGIN SSH2 ENCRYPTED PRIVATE" + " KEY ----\nComment: \"2048-bit RSA, me@example.com\"\n" +
			body + "\n---- END SSH2 ENCRYPTED PRIVATE" + " KEY ----\n"},
		{"PuTTY", "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: rsa-key-example\n" +
			"Public-Lines: 1\nAAAAB3NzaC1yc2E=\nPrivate-Lines: 7\n" +
			body + "\nPrivate-MAC: " + hex(40) + "\n"},
		{"long", begin + strings.Repeat("\n"+body, 300) + "\n" + end},
		{"without its end", "intro\n\n" + begin + "\n" + body + "\n\nAnd so on.\n"},
		{"without its end, in a diff", "-" + begin + "\n-" + strings.Join(lines, "\n-") + "\n And so on.\n"},
		{"its end is far and another's",
			begin + "\n" + body + "\n" + strings.Repeat("Some words that no key has.\n", 100) + "as in `" + end + "`"},
	}
	for _, tt := range tests {
		spans := Find([]byte(tt.text))
		left := string(Redact([]byte(tt.text), spans))
		if len(spans) != 1 || spans[0].Kind != "private-key" {
			t.Errorf("%s: %v", tt.name, spans)
		}
		if slices.ContainsFunc(lines, func(line string) bool { return fixture.Reveals([]byte(left), line) }) {
			t.Errorf("%s: redact leaves %q", tt.name, left)
		}
	}
}

// What documentation shows of a private key is not a secret, and the text after a key
// stays.
func TestNoPrivateKey(t *testing.T) {
	t.Parallel()
	const begin, end = "-----BEGIN PRIVATE" + " KEY-----", "-----END PRIVATE" + " KEY-----"
	line := b64(64)
	for name, text := range map[string]string{
		"dots":              begin + "\n...\n" + end,
		"a blank":           begin + "\n<your key>\n" + end,
		"words":             begin + "\nPaste the contents of your key here, with all of its lines.\n" + end,
		"elided":            begin + "\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC...\n" + end,
		"one line and dots": begin + "\n" + line + "\n...\n" + end,
		"dots, no end":      begin + "\n" + line + "\n[...]\n",
		"x":                 begin + "\nMIIEvQIBADAN" + strings.Repeat("x", 52) + "\n" + end,
		"example":           begin + "\nMIIEvQIBADAN" + strings.Repeat("EXAMPLEkey0", 5) + "\n" + end,
		"both in prose":     "Look for `" + begin + "` and `" + end + "`.",
		"far apart": "Refuse `" + begin + "`.\n\nThe commit " + hex(40) +
			" is fine, and so is\n\n    integrity " + line +
			"\n\nin the file that locks what a build takes from others.\n\nRefuse `" + end + "`.",
		"paths": begin +
			"\n- etc/ssl/private/server/one\n- etc/ssl/private/server/two\n- etc/ssl/private/server/three\n",
		"a public key": strings.ReplaceAll(begin, "PRIVATE", "PUBLIC") + "\n" + line + "\n" +
			strings.ReplaceAll(end, "PRIVATE", "PUBLIC"),
		"PuTTY's words": "It has Public-Lines: and Private-Lines: 14 of them.",
	} {
		if spans := Find([]byte(text)); len(spans) > 0 {
			t.Errorf("%s: %s in %q", name, spans[0].Kind, text)
		}
	}
	for after, want := range map[string]string{
		"\n\nThe words after it stay, however many there are, even if they are about this key.\n": "",
		"\nAb3dEf==\nWords\nstay\n":   "\nWords\nstay\n",
		"\n// Ab3dEf==\nWords stay\n": "\nWords stay\n",
	} {
		text := begin + "\n" + line + after
		got := string(Redact([]byte(text), Find([]byte(text))))
		if got != "[redacted:private-key]"+cmp.Or(want, after) {
			t.Errorf("redact = %q", got)
		}
	}
}
