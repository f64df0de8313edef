# What a developer does. Nothing here that .ci/run or the go command could not do as well.
.PHONY: build test quick check update

build: # the program, as ./action
	go build ./cmd/action

test:
	go test ./...

quick: # before a commit: formatting, vet, staticcheck, tests
	.ci/run quick

check: # before a pull request: everything that CI runs; needs Docker
	.ci/run

# Golden files, and the parts of README and docs that tests write. Only some packages know -update.
update:
	go test $$(grep -rlE --include='*_test.go' '"update"|internal/fixture"' cmd internal | xargs dirname | sort -u | sed 's|^|./|') -update
