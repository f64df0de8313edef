package emit

import (
	"testing"
	"time"

	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

// TestOpenIgnoresAnnouncedServers checks that a connection that is lost is replaced by one to
// the servers that the user named, and that servers which a server announces get nothing.
func TestOpenIgnoresAnnouncedServers(t *testing.T) {
	t.Parallel()
	token := fixture.Canary("", "nats")
	contacted := make(chan struct{}, 100)
	other := serve(t, func(peer) { contacted <- struct{}{} })
	announce := func(p peer) {
		p.send(`INFO {"headers":true,"max_payload":1000,"connect_urls":["%s"]}`+"\r\n", other)
		p.await("PING")
		p.send("PONG\r\n")
	}
	again := make(chan string, 1) // what the client sends after the loss
	address := serve(t,
		func(p peer) { p.accept(); p.drain() }, // the first look
		announce,
		func(p peer) {
			p.send("%s", smallInfo)
			again <- p.await("CONNECT ")
			p.await("PING")
			p.send("PONG\r\n")
			p.drain()
		})
	n, err := NewNATS(NATSOptions{URLs: []string{address}, Token: token})
	fixture.Must(t, err)
	lost := make(chan error, 100)
	conn, err := n.Open(bounded(t), func(err error) { lost <- err })
	fixture.Must(t, err)
	defer conn.Close()
	select {
	case line := <-again:
		if !fixture.IsCanary(line) {
			t.Errorf("the client connects again with %q", line)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the client does not connect again")
	}
	for err := <-lost; err != nil; err = <-lost { // until there is another connection
		fixture.NoCanary(t, "the reason of the loss", err.Error())
	}
	if len(contacted) > 0 {
		t.Error("the client connected to a server that was only announced")
	}
}
