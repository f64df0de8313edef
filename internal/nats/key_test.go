package nats

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// Keys made with github.com/nats-io/nkeys for these tests, and what it says of them.
const (
	userSeed      = "SUAI5G5JOZBCLXACGCUYONRPQOODK4VO625BDNK4WJ74USPOEU6WRNSDOA"
	userPublic    = "UAPB5OHPH33FLFZFSMUT3D4Q4AYBOQWEG4RICRQDLVFJU7XWXPJDLG2I"
	userSignature = "79dfa0952129ce029bb95a928c55c296668ee9de2d4f97843f8816ae214eb6ea0d934885009d13248a9601977be7a30894c81e9d124bdfcef231746a25ed6400" // of "nonce"
	accountSeed   = "SAAE7YNRBS4Y2RW4C2RM5HFRM3XXNDFVAU7HMTEJTLWYENRVSWNRKXUEE4"
)

func TestKey(t *testing.T) {
	t.Parallel()
	key, err := ParseKey(userSeed)
	if err != nil {
		t.Fatal(err)
	}
	if got := key.Public(); got != userPublic {
		t.Errorf("the public key is %s, want %s", got, userPublic)
	}
	if got := hex.EncodeToString(key.Sign([]byte("nonce"))); got != userSignature {
		t.Errorf("the signature is %s, want %s", got, userSignature)
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, seed string
		want       error
	}{
		{"empty", "", ErrNoSeed},
		{"path", "/run/secrets/user.nk", ErrNoSeed},
		{"public key", userPublic, ErrNoSeed},
		{"account's", accountSeed, ErrNotUser},
		{"one character changed", strings.Replace(userSeed, "5G5", "5H5", 1), ErrNoSeed},
		{"cut short", userSeed[:len(userSeed)-1], ErrNoSeed},
		{"too long", userSeed + "AA", ErrNoSeed},
		{"lower case", strings.ToLower(userSeed), ErrNoSeed},
		{"white space", userSeed + "\n ", ErrNoSeed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if key, err := ParseKey(tt.seed); key != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v, want %v", key, err, tt.want)
			}
		})
	}
}

const (
	testJWT   = "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJVQVBCNSJ9.c2lnbmF0dXJl"
	credsFile = "-----BEGIN NATS USER JWT-----\n" + testJWT + "\n------END NATS USER JWT------\n\n" +
		"************************* IMPORTANT *************************\nNKEY Seed printed below can be used to sign and prove identity.\n" +
		"NKEYs are sensitive and should be treated as secrets.\n\n-----BEGIN USER NKEY SEED-----\n" + userSeed + "\n------END USER NKEY SEED------\n\n" +
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
			jwt, key, err := ParseCredentials(tt.text)
			if !tt.ok {
				if err == nil || strings.Contains(err.Error(), userSeed[:10]) || strings.Contains(err.Error(), testJWT[:10]) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || jwt != testJWT || key.Public() != userPublic {
				t.Errorf("got %q, %v, %v", jwt, key, err)
			}
		})
	}
}

// FuzzParseCredentials: what is accepted is a JWT of the text and a key that can sign.
func FuzzParseCredentials(f *testing.F) {
	for _, tt := range credentials {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		jwt, key, err := ParseCredentials(text)
		if err != nil {
			return
		}
		if jwt == "" || !strings.Contains(text, jwt) || !strings.HasPrefix(key.Public(), "U") || len(key.Sign(nil)) != 64 {
			t.Errorf("%q gave %q and %v", text, jwt, key)
		}
	})
}
