# The builder is an argument, so that a machine without a registry can use its own image (see .ci/images).
# Its digest is that of the index of all platforms, Go 1.26.8, which Docker lists at
# https://github.com/docker-library/repo-info/blob/master/repos/golang/remote/1.26-alpine.md
# There are no mounts, because runners and act may build an action with an old builder.
ARG BUILDER=golang:1.26-alpine@sha256:ce864e7223ac17b1775e6fd0b4c0db580c2eb50e7953a427916379e4b92a1628
FROM ${BUILDER} AS build
ARG VERSION=devel
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd cmd
COPY internal internal
# The tag removes HTTP/2, which would add 0.4 MB.
RUN CGO_ENABLED=0 go build -trimpath -tags nethttpomithttp2 \
    -ldflags "-s -w -X main.version=${VERSION}" -o /action ./cmd/action

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /action /action
# No USER: only root can write to the workspace and the command files that the runner mounts.
# No WORKDIR: the runner sets it to the mounted workspace.
# The entry point is absolute and in exec form, because the image has no shell and no PATH.
ENTRYPOINT ["/action"]
