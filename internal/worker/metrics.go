package worker

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kaizen-agentic/schedule-action/internal/advice"
)

// metrics count what a process did since it started.
type metrics struct {
	handled, failures, repeats, refused, dead, returned, failedPulls atomic.Int64
	running                                                          atomic.Int64

	mu      sync.Mutex
	seconds float64
	runs    int64
}

func newMetrics() *metrics { return &metrics{} }

// ran counts a run of the program.
func (m *metrics) ran(took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seconds += took.Seconds()
	m.runs++
}

// text is Prometheus's text format, version 0.0.4:
// https://prometheus.io/docs/instrumenting/exposition_formats/
func (m *metrics) text(connected bool) string {
	var b strings.Builder
	family := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	family("schedule_events_total", "counter", "Events by what became of them.")
	for _, c := range []struct {
		result string
		count  *atomic.Int64
	}{
		{"handled", &m.handled}, {"repeat", &m.repeats}, {"refused", &m.refused}, {"dead", &m.dead},
		{"returned", &m.returned},
	} {
		fmt.Fprintf(&b, "schedule_events_total{result=%q} %d\n", c.result, c.count.Load())
	}
	family("schedule_failures_total", "counter", "Runs that failed, and failures before a run.")
	fmt.Fprintf(&b, "schedule_failures_total %d\n", m.failures.Load())
	family("schedule_pull_errors_total", "counter", "Requests for an event that failed.")
	fmt.Fprintf(&b, "schedule_pull_errors_total %d\n", m.failedPulls.Load())
	family("schedule_programs_running", "gauge", "Programs that run now.")
	fmt.Fprintf(&b, "schedule_programs_running %d\n", m.running.Load())
	m.mu.Lock()
	defer m.mu.Unlock()
	family("schedule_run_seconds", "summary", "Time from an event to the end of its program.")
	fmt.Fprintf(&b, "schedule_run_seconds_sum %g\nschedule_run_seconds_count %d\n", m.seconds, m.runs)
	family("schedule_connected", "gauge", "1 while there is a connection to NATS.")
	fmt.Fprintf(&b, "schedule_connected %d\n", map[bool]int{true: 1}[connected])
	return b.String()
}

// Limits of the metrics server.
const (
	maxConnections = 16
	maxHeader      = 8 << 10
	serveTimeout   = 5 * time.Second
)

// listen opens the address of the metrics, on this machine only unless the address has a
// host. Without an address it returns nil.
func (s *service) listen() (net.Listener, error) {
	if s.MetricsAddr == "" {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(s.MetricsAddr)
	if err != nil {
		return nil, advice.New("write HOST:PORT, or :PORT for this machine only",
			"metrics-addr %q is not an address", s.MetricsAddr)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, advice.New("choose another port", "metrics-addr: %w", err)
	}
	return &limitedListener{Listener: l, room: make(chan struct{}, maxConnections)}, nil
}

// serve serves the metrics until the returned function is called.
func (s *service) serve(l net.Listener) (stop func()) {
	if l == nil {
		return func() {}
	}
	connected := func() bool { return s.conn.Status() == nats.CONNECTED }
	server := &http.Server{
		Handler:     handler(func() string { return s.count.text(connected()) }, connected),
		ReadTimeout: serveTimeout, WriteTimeout: serveTimeout, IdleTimeout: serveTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: s.errorLog(),
	}
	s.Log("metrics at http://%s/metrics", l.Addr())
	go func() { _ = server.Serve(l) }()
	return func() { _ = server.Close() }
}

// errorLog is what net/http writes its errors to: the log of the service, which makes their
// text safe.
func (s *service) errorLog() *log.Logger { return log.New(logWriter(s.Log), "warning: metrics: ", 0) }

// logWriter writes each message of a log.Logger to the log of the service.
type logWriter func(format string, args ...any)

// Write implements io.Writer.
func (w logWriter) Write(message []byte) (int, error) {
	w("%s", bytes.TrimSpace(message))
	return len(message), nil
}

// handler answers /metrics and /healthz.
func handler(text func() string, healthy func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		case r.URL.Path == "/metrics":
			_, _ = w.Write([]byte(text()))
		case r.URL.Path == "/healthz" && healthy():
			_, _ = w.Write([]byte("ok\n"))
		case r.URL.Path == "/healthz":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("no connection to NATS\n"))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
}

// limitedListener accepts a bounded number of connections at a time.
type limitedListener struct {
	net.Listener
	room chan struct{}
}

// Accept implements net.Listener.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.room <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.room
		return nil, err
	}
	return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

type limitedConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
