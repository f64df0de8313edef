package emit

import (
	"encoding/hex"
	"strings"
	"testing"
)

// Keys made for these tests, and what other implementations derive from them.
const (
	userSeed      = "SUAI5G5JOZBCLXACGCUYONRPQOODK4VO625BDNK4WJ74USPOEU6WRNSDOA"
	userPublic    = "UAPB5OHPH33FLFZFSMUT3D4Q4AYBOQWEG4RICRQDLVFJU7XWXPJDLG2I"
	userSignature = "79dfa0952129ce029bb95a928c55c296668ee9de2d4f97843f8816ae214eb6ea" + // of "nonce"
		"0d934885009d13248a9601977be7a30894c81e9d124bdfcef231746a25ed6400"
	accountSeed = "SAAE7YNRBS4Y2RW4C2RM5HFRM3XXNDFVAU7HMTEJTLWYENRVSWNRKXUEE4"
)

func TestParseSeed(t *testing.T) {
	t.Parallel()
	key, err := parseSeed(userSeed)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.PublicKey(); got != userPublic {
		t.Errorf("the public key is %s (%v), want %s", got, err, userPublic)
	}
	if got, err := key.Sign([]byte("nonce")); hex.EncodeToString(got) != userSignature {
		t.Errorf("the signature is %x (%v), want %s", got, err, userSignature)
	}
}

func TestParseSeedRefuses(t *testing.T) {
	t.Parallel()
	const noSeed, notUser = "is not a seed", "is not a user's seed"
	tests := []struct{ name, seed, want string }{
		{"empty", "", noSeed},
		{"path", "/run/secrets/user.nk", noSeed},
		{"public key", userPublic, noSeed},
		{"account's", accountSeed, notUser},
		{"one character changed", strings.Replace(userSeed, "5G5", "5H5", 1), noSeed},
		{"cut short", userSeed[:len(userSeed)-1], noSeed},
		{"too long", userSeed + "AA", noSeed},
		{"lower case", strings.ToLower(userSeed), noSeed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if key, err := parseSeed(tt.seed); key != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want %q", key, err, tt.want)
			}
		})
	}
}

const (
	testJWT   = "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJVQVBCNSJ9.c2lnbmF0dXJl"
	credsFile = "-----BEGIN NATS USER JWT-----\n" + testJWT + "\n------END NATS USER JWT------\n\n" +
		"************************* IMPORTANT *************************\n" +
		"NKEY Seed printed below can be used to sign and prove identity.\n" +
		"NKEYs are sensitive and should be treated as secrets.\n\n" +
		"-----BEGIN USER NKEY SEED-----\n" + userSeed + "\n------END USER NKEY SEED------\n\n" +
		"*************************************************************\n"
)

var credentials = []struct {
	name, text string
	ok         bool
}{
	{"file", credsFile, true},
	{"Windows", strings.ReplaceAll(credsFile, "\n", "\r\n"), true},
	{"indented", strings.ReplaceAll(credsFile, "\n", "\n  "), true},
	{"one line", strings.ReplaceAll(credsFile, "\n", " "), true},
	{"empty", "", false},
	{"path", "/run/secrets/user.creds", false},
	{"no seed", strings.ReplaceAll(credsFile, userSeed, ""), false},
	{"account's seed", strings.ReplaceAll(credsFile, userSeed, accountSeed), false},
	{"spoilt seed", strings.ReplaceAll(credsFile, "5G5", "5H5"), false},
	{"no JWT", strings.ReplaceAll(credsFile, testJWT, ""), false},
	{"half a JWT", strings.ReplaceAll(credsFile, ".c2lnbmF0dXJl", ""), false},
}

func TestParseCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range credentials {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			jwt, key := parseCredentials(tt.text)
			if ok := jwt != "" && key != nil; ok != tt.ok {
				t.Fatalf("got %q, %v", jwt, key)
			}
			if !tt.ok {
				return
			}
			if public, err := key.PublicKey(); jwt != testJWT || public != userPublic {
				t.Errorf("got %q, %s (%v)", jwt, public, err)
			}
		})
	}
}

// FuzzParseCredentials: the JWT is part of the text, and the key can sign.
func FuzzParseCredentials(f *testing.F) {
	for _, tt := range credentials {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		jwt, key := parseCredentials(text)
		if !strings.Contains(text, jwt) {
			t.Errorf("%q gave %q", text, jwt)
		}
		if key == nil {
			return
		}
		if signature, err := key.Sign(nil); err != nil || len(signature) != 64 {
			t.Errorf("%q gave a key that does not sign: %v", text, err)
		}
	})
}
