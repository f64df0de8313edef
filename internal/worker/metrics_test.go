package worker

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
)

func TestMetricsText(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	m.handled.Add(3)
	m.dead.Add(1)
	m.ran(1500 * time.Millisecond)
	const want = `# HELP schedule_events_total Events by what became of them.
# TYPE schedule_events_total counter
schedule_events_total{result="handled"} 3
schedule_events_total{result="repeat"} 0
schedule_events_total{result="refused"} 0
schedule_events_total{result="dead"} 1
schedule_events_total{result="returned"} 0
# HELP schedule_failures_total Runs that failed, and failures before a run.
# TYPE schedule_failures_total counter
schedule_failures_total 0
# HELP schedule_pull_errors_total Requests for an event that failed.
# TYPE schedule_pull_errors_total counter
schedule_pull_errors_total 0
# HELP schedule_programs_running Programs that run now.
# TYPE schedule_programs_running gauge
schedule_programs_running 0
# HELP schedule_run_seconds Time from an event to the end of its program.
# TYPE schedule_run_seconds summary
schedule_run_seconds_sum 1.5
schedule_run_seconds_count 1
# HELP schedule_connected 1 while there is a connection to NATS.
# TYPE schedule_connected gauge
schedule_connected 1
`
	if got := m.text(true); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestMetricsEndpoint(t *testing.T) {
	t.Parallel()
	healthy := true
	h := handler(func() string { return "text\n" }, func() bool { return healthy })
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	tests := []struct {
		method, path string
		healthy      bool
		code         int
		body         string
	}{
		{"GET", "/metrics", false, 200, "text\n"},
		{"HEAD", "/metrics", true, 200, "text\n"}, // the server drops the body
		{"GET", "/healthz", true, 200, "ok\n"},
		{"GET", "/healthz", false, 503, "no connection to NATS\n"},
		{"POST", "/metrics", true, 405, ""},
		{"GET", "/", true, 404, ""},
		{"GET", "/metrics/../etc/passwd", true, 404, ""},
		{"GET", "/debug/pprof", true, 404, ""},
	}
	for _, tt := range tests {
		healthy = tt.healthy
		if code, body := ask(tt.method, tt.path); code != tt.code || body != tt.body {
			t.Errorf("%s %s: got %d %q", tt.method, tt.path, code, body)
		}
	}
}

func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":0":           "127.0.0.1:",
		"127.0.0.1:0":  "127.0.0.1:",
		"0.0.0.0:0":    "0.0.0.0:",
		"9090":         "write HOST:PORT",
		"localhost:-1": "choose another port",
	} {
		s := &service{Options: Options{MetricsAddr: addr}}
		l, err := s.listen()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = l.Addr().String()
			_ = l.Close()
			if _, ok := l.(*limitedListener); !ok {
				t.Errorf("%s: the connections are not bounded", addr)
			}
		}
		if !strings.Contains(got, want) && !(addr == "0.0.0.0:0" && strings.HasPrefix(got, "[::]:")) {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

// A service that does not start closes the address of its metrics, for the next attempt.
func TestMetricsAddressIsClosed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	nats, err := emit.NewNATS(emit.NATSOptions{URLs: []string{"nats://127.0.0.1:1"}})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{NATS: nats, MetricsAddr: addr, Log: t.Logf, Now: time.Now}
	if err := Run(t.Context(), o); err == nil || strings.Contains(err.Error(), "metrics-addr") {
		t.Fatalf("got %v, want that there is no server", err)
	}
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
}

// What net/http reports about the metrics is in the log of the service.
func TestMetricsErrorsAreLogged(t *testing.T) {
	t.Parallel()
	var got string
	s := &service{Options: Options{Log: func(format string, args ...any) { got = fmt.Sprintf(format, args...) }}}
	s.errorLog().Printf("http: Accept error: %s; retrying", "too many open files")
	if want := "warning: metrics: http: Accept error: too many open files; retrying"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A client that opens connections and says nothing leaves room for others.
func TestMetricsConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &limitedListener{Listener: inner, room: make(chan struct{}, 2)}
	server := &http.Server{Handler: handler(func() string { return "text" }, func() bool { return true }),
		ReadTimeout: 100 * time.Millisecond}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	for range 5 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	answer, err := client.Get("http://" + inner.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); string(body) != "text" {
		t.Errorf("got %q", body)
	}
}
