package option

import (
	"fmt"
	"strings"
)

// ReadSecretFiles replaces the value @FILE of a secret by the file's content. The command line
// of a service is visible to every user of the machine, for as long as the service runs.
func (v Values) ReadSecretFiles(read func(file string) ([]byte, error)) error {
	for _, o := range All {
		file, isFile := strings.CutPrefix(v[o.Name], "@")
		if !isFile || !o.Secret && o.Name != NATSCA && o.Name != NATSCert {
			continue
		}
		data, err := read(file)
		if err != nil {
			return fmt.Errorf("%s: %w", o.Name, err)
		}
		v[o.Name] = strings.TrimSpace(string(data))
	}
	return nil
}
