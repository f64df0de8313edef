package worker

import (
	"errors"
	"fmt"

	"github.com/kaizen-agentic/schedule-action/internal/option"
	"github.com/kaizen-agentic/schedule-action/internal/pipeline"
)

// ReadOptions reads the options of the service, except for those of receive, and opens the
// connection to NATS. Getenv reads what pass-env names.
func ReadOptions(r *option.Reader, s pipeline.Services, getenv func(string) string) (o Options, err error) {
	targets := pipeline.ReadConnections(r)
	o = Options{
		Envelope: targets.NATS.Envelope, Durable: r.Values[option.Durable], DeadLetter: r.Values[option.DeadLetter],
		Create: r.IsOn(option.Create), MetricsAddr: r.Values[option.MetricsAddr],
		Program: Program{Args: r.Args}, Log: s.Log, Now: s.Clock,
	}
	var errs [5]error
	o.Workers, errs[0] = r.Number(option.Workers, 1, 1000)
	o.Program.Timeout, errs[1] = r.Duration(option.RunTimeout)
	o.StopTimeout, errs[2] = r.Duration(option.StopTimeout)
	o.Program.Env, errs[3] = Environment(getenv, r.List(option.PassEnv))
	if !IsDurable(o.Durable) {
		errs[4] = fmt.Errorf("durable is %q, must be at most 64 letters, digits, - and _", o.Durable)
	}
	if err := errors.Join(append(errs[:], r.Err)...); err != nil {
		return o, err
	}
	if err := o.Program.Check(); err != nil {
		return o, err
	}
	o.NATS, err = s.OpenNATS(targets, false)
	return o, err
}
