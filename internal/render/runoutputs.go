package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/kaizen-agentic/schedule-action/internal/actions"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
	"github.com/kaizen-agentic/schedule-action/internal/schedule"
	"github.com/kaizen-agentic/schedule-action/internal/store"
)

// Outputs returns every output of prepare that action.yml declares. The warning, "" for
// none, says what had to be left out.
func (r *Run) Outputs() (out actions.Outputs, warning string) {
	errs, warnings := diag.Count(r.Findings)
	agents, payloads, matrix, deliveries := []string{}, []json.RawMessage{}, []matrixEntry{}, []agentDelivery{}
	for _, o := range r.Entries {
		if o.Chosen {
			matrix = append(matrix, newMatrixEntry(o.Entry, o.Decision.Slot))
		}
		for _, d := range o.Deliveries {
			d.Servers = "" // of use in records only
			deliveries = append(deliveries, agentDelivery{Agent: o.Entry.Agent, Delivery: d})
		}
	}
	for _, o := range r.prepared {
		agents, payloads = append(agents, o.Entry.Agent), append(payloads, o.Payload)
	}
	out.SetResult(errs == 0, errs, warnings)
	out.SetInt("count", len(r.prepared))
	out.SetJSON("prepared", agents)
	out.SetJSON("missed", r.missed())
	out.SetJSON("failed", append([]string{}, r.failed...))
	out.SetJSON("payloads", payloads)
	setMatrix(&out, matrix)
	out.SetJSON("deliveries", deliveries)
	if len(r.prepared) == 1 {
		setSingular(&out, r.prepared[0])
	}
	return out, fitDeliveries(&out, deliveries)
}

// Corrections returns the outputs that change when receipts cannot be stored after the
// outputs are written. The runner takes the last value of an output.
func (r *Run) Corrections() (out actions.Outputs) {
	out.SetJSON("failed", append([]string{}, r.failed...))
	return out
}

// fitDeliveries shortens the output deliveries until all outputs fit the platform's
// limit. It keeps the failed ones, as many as fit.
func fitDeliveries(out *actions.Outputs, deliveries []agentDelivery) (warning string) {
	if out.Size() <= actions.MaxOutputs {
		return ""
	}
	all := len(deliveries)
	deliveries = slices.DeleteFunc(deliveries, func(d agentDelivery) bool { return d.Status != store.Failed })
	out.SetJSON("deliveries", deliveries)
	for out.Size() > actions.MaxOutputs && len(deliveries) > 0 {
		deliveries = deliveries[:len(deliveries)/2]
		out.SetJSON("deliveries", deliveries)
	}
	return fmt.Sprintf("output deliveries lists failed deliveries only, because all %d exceed the platform's limit: "+
		"see the log and the receipts", all)
}

// setSingular sets the outputs that exist only if exactly one agent was prepared.
func setSingular(out *actions.Outputs, o *pipeline.Outcome) {
	out.Set("payload", string(o.Payload))
	out.Set("event-id", o.Event.Bundle.ID)
	if o.Dir != "" {
		out.Set("bundle-dir", o.Dir)
		out.Set("bundle-path", o.Dir+"/"+o.ContentName)
	}
	if a := o.Event.Bundle.Artifact; a != nil {
		out.Set("artifact-name", a.Name)
		out.Set("artifact-id", strconv.FormatInt(a.ID, 10))
		out.Set("artifact-url", a.URL)
		out.Set("artifact-digest", a.Digest)
	}
}

// agentDelivery is one element of the output deliveries.
type agentDelivery struct {
	Agent string `json:"agent"`
	store.Delivery
}

// missedPeriods is one element of the output missed.
type missedPeriods struct {
	Agent   string   `json:"agent"`
	Periods []string `json:"periods"` // oldest first
}

// missed lists the entries with missed periods.
func (r *Run) missed() []missedPeriods {
	list := []missedPeriods{}
	for _, o := range r.Entries {
		if len(o.Decision.Missed) > 0 {
			list = append(list, missedPeriods{o.Entry.Agent, o.Decision.Missed})
		}
	}
	return list
}

// matrixEntry is one job of a fan-out.
type matrixEntry struct {
	Agent   string           `json:"agent"`
	Cadence schedule.Cadence `json:"cadence"`
	Period  string           `json:"period"`
}

func newMatrixEntry(e *schedule.Entry, s schedule.Slot) matrixEntry {
	return matrixEntry{e.Agent, e.Cadence, s.Period}
}

// setMatrix sets the output matrix, the strategy of a fan-out.
func setMatrix(out *actions.Outputs, include []matrixEntry) {
	out.SetJSON("matrix", map[string][]matrixEntry{"include": include})
}
