package option

import (
	"fmt"
	"strconv"
	"strings"
	"time"
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

// Count reads a number from 1 to 1000.
func (v Values) Count(name string) (int, error) {
	n, err := strconv.Atoi(v[name])
	if err != nil || n < 1 || n > 1000 {
		return 0, fmt.Errorf("%s is %q, must be a number from 1 to 1000", name, v[name])
	}
	return n, nil
}

// Duration reads a positive duration.
func (v Values) Duration(name string) (time.Duration, error) {
	d, err := time.ParseDuration(v[name])
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s is %q, must be a duration such as 90s or 1h30m", name, v[name])
	}
	return d, nil
}
