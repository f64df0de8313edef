// Command agent is a program for the service's tests. It appends a line with the time and the
// event id to the file named by its first argument, and fails for the agent "poison". It is a
// program of its own because ten thousand of them must start quickly.
package main

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"time"
)

func main() {
	event, _ := io.ReadAll(os.Stdin)
	_, rest, _ := bytes.Cut(event, []byte(`"id":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	line := strconv.FormatInt(time.Now().UnixNano(), 10) + " " + string(id) + "\n"
	f, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		os.Exit(2)
	}
	_, _ = f.WriteString(line) // in one call, so that lines of several programs do not mix
	if bytes.Contains(event, []byte(`"agent":"poison"`)) {
		os.Exit(1)
	}
}
