package gh

// Clients makes one client per token, because GitHub counts rate limits per token. It is
// not safe for concurrent use.
type Clients struct {
	o       Options
	byToken map[string]*Client
}

// NewClients returns the clients of one API. The token of o is not used.
func NewClients(o Options) *Clients {
	return &Clients{o: o, byToken: make(map[string]*Client)}
}

// For returns the client of a token, which all its users share. The error is that of New.
func (c *Clients) For(token string) (*Client, error) {
	if client, ok := c.byToken[token]; ok {
		return client, nil
	}
	o := c.o
	o.Token = token
	client, err := New(o)
	if err != nil {
		return nil, err
	}
	if client.IsPlain() && len(c.byToken) == 0 {
		client.api.log("warning: the API at %s has no TLS, so tokens travel unencrypted: give the server a certificate",
			c.o.BaseURL)
	}
	c.byToken[token] = client
	return client, nil
}
