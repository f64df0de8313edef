# The five things that a developer does. All of them are calls of go or .ci/run.
.PHONY: build test quick check update

build: # builds the program as ./action
	go build ./cmd/action

test:
	go test ./...

quick: # before a commit: formatting, vet, staticcheck, tests
	.ci/run quick

check: # before a pull request: everything that CI runs; needs Docker
	.ci/run

# Rewrites golden files, and the parts of README and docs that tests write. Only the packages that are
# listed here have the flag -update.
update:
	go test $$(grep -rlE --include='*_test.go' '"update"|internal/fixture"' cmd internal | \
		xargs dirname | sort -u | sed 's|^|./|') -update
