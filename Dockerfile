# The builder is an argument so that a machine without a registry can name an image of its own (see .ci/images).
# Only COPY and RUN, no mounts: runners and act build an action with whatever builder they have.
ARG BUILDER=golang:1.26-alpine
FROM ${BUILDER} AS build
ARG VERSION=devel
WORKDIR /src
COPY go.mod go.sum ./
COPY cmd cmd
COPY internal internal
# The API is spoken in HTTP/1.1: HTTP/2 would add 0.4 MB.
RUN CGO_ENABLED=0 go build -trimpath -tags nethttpomithttp2 -ldflags "-s -w -X main.version=${VERSION}" -o /action ./cmd/action

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /action /action
# No USER: the runner mounts the workspace and its command files as root's, and only root can write to both.
# No WORKDIR: the runner sets it to the mounted workspace; one of ours would hide a runner that forgets to.
# The entry point is absolute and in exec form because there is no shell and no PATH here.
ENTRYPOINT ["/action"]
