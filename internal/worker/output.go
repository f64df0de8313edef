package worker

import (
	"bytes"
	"fmt"
	"sync"
)

const (
	maxOutput = 64 << 10 // bytes of one run that the log shows
	maxLine   = 4 << 10  // bytes of one line
)

// output passes the lines of a program to the log, up to a limit.
type output struct {
	log func(line string)

	mu      sync.Mutex
	line    []byte // not complete yet
	shown   int
	dropped int
}

// Write implements io.Writer. It never fails, because the program would then be killed by its
// next write.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for rest := p; len(rest) > 0; {
		room := maxLine - len(o.line)
		end := bytes.IndexByte(rest[:min(len(rest), room)], '\n')
		switch {
		case end >= 0:
			o.line = append(o.line, rest[:end]...)
			rest = rest[end+1:]
			o.flush()
		case len(rest) >= room:
			o.line = append(o.line, rest[:room]...)
			rest = rest[room:]
			o.flush()
		default:
			o.line = append(o.line, rest...)
			rest = nil
		}
	}
	return len(p), nil
}

// flush logs the line, or counts it.
func (o *output) flush() {
	if o.shown+len(o.line) > maxOutput || o.dropped > 0 {
		o.dropped += len(o.line) + 1
	} else {
		o.shown += len(o.line) + 1
		o.log(string(o.line))
	}
	o.line = o.line[:0]
}

// end logs the last line, and how much was dropped.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.line) > 0 {
		o.flush()
	}
	if o.dropped > 0 {
		o.log(fmt.Sprintf("… %d more bytes of output are not shown", o.dropped))
	}
}
