package option

import (
	"errors"
	"testing"
)

func TestReadSecretFiles(t *testing.T) {
	t.Parallel()
	v := Values{NATSToken: "@file", NATSCA: "@file", NATSUser: "@file", Token: "plain"}
	read := func(file string) ([]byte, error) { return []byte("content of " + file + "\n"), nil }
	if err := v.ReadSecretFiles(read); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		NATSToken: "content of file", NATSCA: "content of file", NATSUser: "@file", Token: "plain",
	} {
		if got := v[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	v[NATSKey] = "@none"
	err := v.ReadSecretFiles(func(string) ([]byte, error) { return nil, errors.New("no such file") })
	if err == nil || err.Error() != "nats-key: no such file" {
		t.Errorf("got %v", err)
	}
}
