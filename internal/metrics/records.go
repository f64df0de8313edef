package metrics

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// Record is one run as its agent recorded it. Numbers that it does not have are nil.
type Record struct {
	At               time.Time
	Success          bool
	Quality, Seconds *float64
}

// Records calls each with the records of agent's runs in an executions.jsonl, in the order
// of the file. It ignores all other lines.
func Records(r io.Reader, agent string, each func(Record)) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := readLine(lines)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var run map[string]any
		line = bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))
		if !long && json.Unmarshal(line, &run) == nil && run["agent"] == agent &&
			unattributed(run) == "" && flaw(run) == "" {
			each(newRecord(run))
		}
		if err != nil {
			return nil
		}
	}
}

func newRecord(run map[string]any) Record {
	var record Record
	record.At, _ = when(run)
	record.Success, _ = succeeded(run)
	if seconds, ok := duration(run); ok {
		record.Seconds = &seconds
	}
	if quality, ok := number64(run, qualityNames); ok && quality <= 1 {
		record.Quality = &quality
	}
	return record
}
