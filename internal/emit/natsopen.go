package emit

import (
	"context"
	"net"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	redialWait   = time.Second      // between two attempts to connect again
	pingInterval = 20 * time.Second // after which a silent connection is tested
)

// Open returns a connection for programs that stay: it is replaced when it is lost, by one to
// the servers that the user named, with the same checks. Report is called when the connection
// is lost, with the reason, and with nil when there is another one. The caller closes the
// connection; Open does not use that of Deliver.
func (n *NATS) Open(ctx context.Context, report func(error)) (*nats.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	// The first connection is made as every sink does, because its errors have a next step.
	if err := n.explainConnect(n.client.connect(ctx)); err != nil {
		return nil, n.maskError(err)
	}
	n.client.close()
	o := n.client.options
	o.AllowReconnect, o.MaxReconnect, o.ReconnectWait, o.PingInterval = true, -1, redialWait, pingInterval
	for _, address := range n.client.servers {
		o.Servers = append(o.Servers, "nats://"+address)
	}
	o.CustomDialer = redialer{ctx, n.client}
	o.DisconnectedErrCB = func(_ *nats.Conn, err error) {
		if err != nil {
			report(n.maskError(err))
		}
	}
	o.ReconnectedCB = func(*nats.Conn) { report(nil) }
	o.AsyncErrorCB = func(_ *nats.Conn, _ *nats.Subscription, err error) { report(n.maskError(err)) }
	conn, err := o.Connect()
	if err != nil {
		return nil, n.maskError(n.explainConnect(err))
	}
	return conn, nil
}

// redialer opens each connection of Open with a natsDialer of its own, until ctx ends.
type redialer struct {
	ctx    context.Context // Dial has no parameter for it
	client *natsClient
}

// Dial implements nats.CustomDialer.
func (r redialer) Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(r.ctx, r.client.timeout)
	defer cancel()
	d := &natsDialer{ctx: ctx, address: address, tls: r.client.tls, silence: r.client.silence}
	conn, err := d.Dial(network, address)
	if err == nil && !d.release() {
		err = ctx.Err()
	}
	return conn, err
}

// SkipTLSHandshake keeps nats.go from a handshake of its own.
func (r redialer) SkipTLSHandshake() bool { return true }
