// Package gitea runs the action against a real Gitea server, with the environment that a
// job has there. Jobs come from the server itself, over the protocol of its runners.
//
// It needs Linux, git and the server that .ci/run builds, and fails without them.
package gitea

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	owner        = "acme" // the user who owns every repository, an administrator
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
)

// What all tests share. Each has repositories and runners of its own.
var (
	server  *giteaServer
	program string // the action, built
)

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "gitea-test-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "action")
	build := exec.Command("go", "build", "-o", program, "./cmd/action")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	if server, err = startServer(dir); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	return m.Run(), nil
}

// giteaServer is a running Gitea with an empty database.
type giteaServer struct {
	binary string
	dir    string
	url    string // http://127.0.0.1:<port>
	admin  string // a token of owner, for everything

	process *exec.Cmd
	ended   chan error
	log     *os.File
}

// startServer starts Gitea in dir and makes its first user.
func startServer(dir string) (*giteaServer, error) {
	version, module, err := giteaModule()
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &giteaServer{
		binary: filepath.Join(cache, "schedule-action", "bin", "gitea-"+version),
		dir:    dir,
		url:    "http://127.0.0.1:" + port,
		ended:  make(chan error, 1),
	}
	if _, err := os.Stat(s.binary); err != nil {
		return nil, fmt.Errorf("%w; .ci/run builds it", err)
	}
	if err := os.WriteFile(s.config(), []byte(configuration(dir, module, port)), 0o600); err != nil {
		return nil, err
	}
	if s.log, err = os.Create(filepath.Join(dir, "gitea.log")); err != nil {
		return nil, err
	}
	s.process = s.command("web")
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.process.Wait() }()
	if err := s.ready(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	if err := s.addUser(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// giteaModule returns the server's version and where its sources are, as server/go.mod
// pins them. The binary reads templates and translations from there.
func giteaModule() (version, dir string, err error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "code.gitea.io/gitea")
	list.Dir = "server"
	out, err := list.Output()
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", list, err)
	}
	version, dir, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	if dir == "" {
		return "", "", fmt.Errorf("the module cache lacks the sources of gitea %s; .ci/run downloads them", version)
	}
	return version, dir, nil
}

// configuration is the app.ini of a server that needs no network.
// https://docs.gitea.com/administration/config-cheat-sheet
func configuration(dir, module, port string) string {
	return fmt.Sprintf(`WORK_PATH = %[1]s
RUN_MODE = prod

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]s
ROOT_URL = http://127.0.0.1:%[3]s/
STATIC_ROOT_PATH = %[2]s
DISABLE_SSH = true
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 20000

[security]
INSTALL_LOCK = true

[service]
DISABLE_REGISTRATION = true

[indexer]
ISSUE_INDEXER_TYPE = db

[mirror]
ENABLED = false

[cron.update_checker]
ENABLED = false

[cron.start_schedule_tasks]
SCHEDULE = @every 24h

[log]
LEVEL = Warn
`, dir, module, port)
}

func (s *giteaServer) config() string { return filepath.Join(s.dir, "app.ini") }

// command is a subcommand of the server's binary. Its environment has nothing of the
// machine's own Gitea or git.
func (s *giteaServer) command(args ...string) *exec.Cmd {
	cmd := exec.Command(s.binary, append(args, "--config", s.config())...)
	cmd.Dir = s.dir
	cmd.Env = []string{
		"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"),
		// Containers run tests as root, which Gitea refuses otherwise.
		"GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true",
	}
	// The server ends even if the test's process crashes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// ready waits until the server answers.
func (s *giteaServer) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-s.ended:
			s.ended <- err // for stop
			return fmt.Errorf("gitea ended at its start: %w\n%s", err, s.logTail())
		case <-ctx.Done():
			return fmt.Errorf("gitea does not answer after %v\n%s", startTimeout, s.logTail())
		case <-tick.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/healthz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
}

// addUser makes the owner of all repositories, and a token.
func (s *giteaServer) addUser() error {
	var err error
	s.admin, err = s.lastWord("admin", "user", "create", "--admin", "--username", owner,
		"--email", owner+"@example.com", "--random-password", "--must-change-password=false",
		"--access-token", "--access-token-scopes", "all")
	return err
}

// lastWord runs a subcommand that prints a token as its last word.
func (s *giteaServer) lastWord(args ...string) (string, error) {
	cmd := s.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, &stdout, &stderr)
	}
	words := strings.Fields(stdout.String())
	if len(words) == 0 {
		return "", fmt.Errorf("%s prints nothing", cmd)
	}
	return words[len(words)-1], nil
}

// stop ends the server in order.
func (s *giteaServer) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	var err error
	select {
	case err = <-s.ended:
	case <-time.After(stopTimeout):
		err = errors.Join(errors.New("gitea does not end"), s.process.Process.Kill(), <-s.ended)
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, s.logTail())
	}
	return errors.Join(err, s.log.Close())
}

// logTail returns the last 8 KiB of the server's log.
func (s *giteaServer) logTail() string {
	data, err := os.ReadFile(s.log.Name())
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-8<<10):])
}

// freePort is a port of the loopback device that nothing listens on.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port, listener.Close()
}
