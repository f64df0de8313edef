package nats_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"gopkg.in/yaml.v3"

	"github.com/kaizen-agentic/schedule-action/internal/emit"
	"github.com/kaizen-agentic/schedule-action/internal/fixture"
)

const schemaFolder = "../../schema"

func asyncAPI(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(schemaFolder, "asyncapi.yaml"))
	fixture.Must(t, err)
	var document map[string]any
	fixture.Must(t, yaml.Unmarshal(data, &document))
	return document
}

// at follows a path of keys. The test ends if one is missing.
func at(t *testing.T, value any, path ...string) any {
	t.Helper()
	for i, key := range path {
		object, _ := value.(map[string]any)
		next, ok := object[key]
		if !ok {
			t.Fatalf("asyncapi.yaml lacks %s", strings.Join(path[:i+1], "."))
		}
		value = next
	}
	return value
}

// references calls visit with every $ref in value.
func references(value any, visit func(string)) {
	switch v := value.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			visit(ref)
		}
		for _, item := range v {
			references(item, visit)
		}
	case []any:
		for _, item := range v {
			references(item, visit)
		}
	}
}

func TestAsyncAPIReferencesResolve(t *testing.T) {
	t.Parallel()
	document := asyncAPI(t)
	if got := at(t, document, "asyncapi"); got != "3.0.0" {
		t.Errorf("asyncapi is %v", got)
	}
	files := map[string]int{}
	references(document, func(ref string) {
		if path, ok := strings.CutPrefix(ref, "#/"); ok {
			at(t, document, strings.Split(path, "/")...)
			return
		}
		files[ref]++
		if _, err := os.Stat(filepath.Join(schemaFolder, ref)); err != nil {
			t.Errorf("%s is no schema: %v", ref, err)
		}
	})
	want := map[string]int{"./kaizen.schedule.prepared.v1.schema.json": 3,
		"./kaizen.schedule.received.v1.schema.json": 1, "./activity-core.envelope.schema.json": 1}
	if !maps.Equal(files, want) {
		t.Errorf("the messages carry the schemas %v, want %v", files, want)
	}
	for name, operation := range at(t, document, "operations").(map[string]any) {
		channel, _ := at(t, operation, "channel", "$ref").(string)
		for _, message := range at(t, operation, "messages").([]any) {
			if ref, _ := at(t, message, "$ref").(string); !strings.HasPrefix(ref, channel+"/messages/") {
				t.Errorf("operation %s sends %s, which is no message of %s", name, ref, channel)
			}
		}
	}
}

// The document must have the address and exactly the headers of a published message.
func TestAsyncAPIDescribesWhatIsPublished(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		channel, message string
		envelope         emit.Envelope
	}{
		{"stream", "prepared", emit.NoEnvelope},
		{"activity", "enclosed", emit.ActivityCore},
	} {
		t.Run(tt.channel, func(t *testing.T) {
			t.Parallel()
			document := asyncAPI(t)
			address := at(t, document, "channels", tt.channel, "address").(string)
			msg := publishAndReceive(t, address, emit.NATSOptions{Envelope: tt.envelope})
			headers := at(t, document, "components", "messages", tt.message, "headers")
			described := at(t, headers, "properties").(map[string]any)
			published := slices.Sorted(maps.Keys(msg.Header))
			names := slices.Sorted(maps.Keys(described))
			if !slices.Equal(published, names) || len(at(t, headers, "required").([]any)) != len(names) {
				t.Errorf("published %v, described %v", published, names)
			}
			for name, schema := range described {
				if want, ok := schema.(map[string]any)["const"]; ok && msg.Header[name][0] != want {
					t.Errorf("%s is %q, described as %q", name, msg.Header[name][0], want)
				}
			}
		})
	}
}

// publishAndReceive publishes the contract's example and returns what a subscriber of the
// subject receives from the server.
func publishAndReceive(t *testing.T, subject string, o emit.NATSOptions) *nats.Msg {
	t.Helper()
	s := start(t, jetStream())
	js, conn := admin(t, s)
	addStream(t, js, func(c *jetstream.StreamConfig) { c.Subjects = []string{"kaizen.>", "activity.>"} })
	received, err := conn.SubscribeSync(subject)
	fixture.Must(t, err)
	fixture.Must(t, conn.Flush())
	o.URLs = []string{s.ClientURL()}
	if got := sink(t, o).Deliver(t.Context(), message(t))[0]; !got.Status.OK() {
		t.Fatalf("got %+v", got)
	}
	msg, err := received.NextMsg(5 * time.Second)
	fixture.Must(t, err)
	return msg
}
