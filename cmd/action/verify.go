package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/kaizen-agentic/schedule-action/internal/checkout"
	"github.com/kaizen-agentic/schedule-action/internal/diag"
	"github.com/kaizen-agentic/schedule-action/internal/prepare"
)

// runVerify compares a bundle directory with its sources.json, and with a checkout if
// --target is set.
func runVerify(_ context.Context, a *app, r *reader) (int, error) {
	if len(r.args) != 1 {
		return exitUsage,
			usagef("verify takes one bundle directory, such as .kaizen/prepared/kaizen.web.coach.2026-W48")
	}
	bundle, err := os.OpenRoot(r.args[0])
	if err != nil {
		return exitUsage, usagef("opening the bundle directory: %w", err)
	}
	defer bundle.Close()
	var tree *checkout.Tree
	if r.values[optTarget] != "" {
		if tree, err = checkout.Open(r.values[optTarget]); err != nil {
			return exitUsage, usagef("opening the checkout: %w", err)
		}
		defer tree.Close()
	}
	findings, err := prepare.Verify(bundle.FS(), tree)
	if err != nil {
		return exitUsage, err
	}
	if len(findings) == 0 {
		fmt.Fprintf(a.stdout, "%s matches its sources.json\n", r.args[0])
		return exitOK, nil
	}
	var text bytes.Buffer
	if err := diag.WriteText(&text, findings, func(string) []byte { return nil }, false); err != nil {
		return exitUnavailable, err
	}
	a.runner.Annotate(findings)
	return exitFindings, write(a.stdout, text.Bytes())
}

func write(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}
