// This module only pins the Gitea server that the tests in .. run. .ci/run builds it inside
// its own module, so that Gitea's go.sum and replace lines apply. `go mod tidy` would remove
// the requirement, because no package imports it.
module github.com/kaizen-agentic/schedule-action/tests/gitea/server

go 1.26.2

require code.gitea.io/gitea v1.26.0
