package nats

import (
	"crypto/ed25519"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"strings"
)

// The first byte of a key tells what it is for; in a seed that byte and the one for seeds share the first two
// (github.com/nats-io/nkeys, strkey.go).
const (
	seedPrefix = 18 << 3 // S
	userPrefix = 20 << 3 // U
)

// What an error of ParseKey may be.
var (
	ErrNoSeed  = errors.New("not a seed")
	ErrNotUser = errors.New("not a user's seed")
)

var keyEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// Key is a user's private key.
type Key struct{ private ed25519.PrivateKey }

// ParseKey reads a user's seed: SU and 56 further characters. Its errors quote nothing of it.
func ParseKey(seed string) (*Key, error) {
	raw, err := keyEncoding.DecodeString(seed)
	if err != nil || len(raw) != 2+ed25519.SeedSize+2 || raw[0]&0xf8 != seedPrefix {
		return nil, ErrNoSeed
	}
	body := raw[:len(raw)-2]
	if binary.LittleEndian.Uint16(raw[len(body):]) != crc16(body) {
		return nil, ErrNoSeed
	}
	if raw[0]&7<<5|raw[1]>>3 != userPrefix {
		return nil, ErrNotUser
	}
	return &Key{ed25519.NewKeyFromSeed(body[2:])}, nil
}

// Public is the public key as servers know the user by it: U and 55 further characters.
func (k *Key) Public() string {
	raw := append([]byte{userPrefix}, k.private.Public().(ed25519.PublicKey)...)
	return keyEncoding.EncodeToString(binary.LittleEndian.AppendUint16(raw, crc16(raw)))
}

// Sign signs what a server wants signed.
func (k *Key) Sign(nonce []byte) []byte { return ed25519.Sign(k.private, nonce) }

// ParseCredentials finds the user's JWT and seed in the text of a .creds file. Only these two words of it count, so that lines that were
// joined or indented on the way through a secret do no harm. Its errors quote nothing of it.
func ParseCredentials(text string) (jwt string, key *Key, err error) {
	err = ErrNoSeed
	for word := range strings.FieldsSeq(text) {
		switch {
		case strings.HasPrefix(word, "eyJ") && strings.Count(word, ".") == 2 && jwt == "": // a JSON object in base64, three parts
			jwt = word
		case strings.HasPrefix(word, "S") && key == nil:
			if k, parseErr := ParseKey(word); parseErr == nil {
				key, err = k, nil
			}
		}
	}
	if err == nil && jwt == "" {
		err = errors.New("no JWT")
	}
	return jwt, key, err
}

// crc16 is the checksum of keys, CRC-16/XMODEM.
func crc16(data []byte) (crc uint16) {
	for _, b := range data {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc & 0x8000
			crc <<= 1
			if carry != 0 {
				crc ^= 0x1021
			}
		}
	}
	return crc
}
