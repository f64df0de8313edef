package worker

import (
	"fmt"
	"slices"
	"strings"
)

// variables are those that every program needs. None of them has a secret.
var variables = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "TERM",
	"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// Environment returns the environment of the program: the usual variables, and those that the
// user passes on. The inputs of the action and the runner's variables cannot be passed on.
func Environment(getenv func(string) string, passed []string) ([]string, error) {
	for _, name := range passed {
		if strings.HasPrefix(name, "INPUT_") || strings.HasPrefix(name, "ACTIONS_") || strings.Contains(name, "=") {
			return nil, fmt.Errorf("pass-env lists %q: inputs of this action and variables of the runner stay here",
				name)
		}
	}
	var env []string
	for _, name := range slices.Concat(variables, passed) {
		if value := getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env, nil
}
