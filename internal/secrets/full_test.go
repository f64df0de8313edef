package secrets

import "flag"

var full = flag.Bool("full", false, "search more random secrets and the files of many Go modules")
