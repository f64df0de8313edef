package prepare

// bundleJSON is a bundle in JSON; schema/bundle.schema.json describes it. The first four
// keys are those of `kaizen-agentic schedule prepare --format json`.
type bundleJSON struct {
	AgentPromptFound bool      `json:"agent_prompt_found"`
	HasMemory        bool      `json:"has_memory"`
	HasMetrics       bool      `json:"has_metrics"`
	Pointers         []string  `json:"pointers"` // labels
	Agent            string    `json:"agent"`
	Repo             string    `json:"repo"`
	Cadence          string    `json:"cadence"`
	Period           string    `json:"period"`
	Commit           string    `json:"commit"`
	Prompt           *partJSON `json:"prompt"`
	Memory           *partJSON `json:"memory"`
	Metrics          *partJSON `json:"metrics"`
	References       []Pointer `json:"references"` // in the order of Pointers
	SessionClose     []string  `json:"session_close"`
}

// partJSON is one file. Path, Size and SHA256 describe the file in the checkout.
type partJSON struct {
	Path     string `json:"path"`
	Size     int64  `json:"size"`
	SHA256   string `json:"sha256"`
	State    State  `json:"state"`
	LeftOut  int64  `json:"left_out,omitempty"` // bytes; see part
	Encoding string `json:"encoding"`           // utf-8, or base64 if the file is not UTF-8
	Content  string `json:"content"`
}

func (d *document) json() ([]byte, error) {
	labels := make([]string, 0, len(d.pointers))
	for _, p := range d.pointers {
		labels = append(labels, p.Label)
	}
	return marshal(bundleJSON{
		AgentPromptFound: d.prompt != nil,
		HasMemory:        d.memory != nil,
		HasMetrics:       d.metrics != nil,
		Pointers:         labels,
		Agent:            d.in.Entry.Agent,
		Repo:             d.in.Repo,
		Cadence:          string(d.in.Entry.Cadence),
		Period:           d.in.Period,
		Commit:           d.in.Commit,
		Prompt:           d.prompt.json(),
		Memory:           d.memory.json(),
		Metrics:          d.metrics.json(),
		References:       d.pointers,
		SessionClose:     d.sessionClose,
	})
}

func (p *part) json() *partJSON {
	if p == nil {
		return nil
	}
	encoding, content := p.encoded()
	return &partJSON{
		Path: p.Path, Size: p.Size, SHA256: p.SHA256,
		State: p.state, LeftOut: p.leftOut, Encoding: encoding, Content: content,
	}
}
