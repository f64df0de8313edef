package checkout

import (
	"bytes"
	"sync"
)

// maxTexts is how many bytes of files a tree remembers: those that several checks read, such
// as workflows and manifests.
const maxTexts = 8 << 20

// texts has the files that ReadFile has read.
type texts struct {
	mu   sync.Mutex
	data map[string][]byte
	kept int
}

func (t *texts) get(name string) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	data, ok := t.data[name]
	return bytes.Clone(data), ok
}

func (t *texts) keep(name string, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.data[name]; known || len(data) > maxTexts-t.kept {
		return
	}
	if t.data == nil {
		t.data = make(map[string][]byte)
	}
	t.data[name] = bytes.Clone(data)
	t.kept += len(data) + len(name)
}
