//go:build !unix

package worker

import (
	"os"
	"syscall"
)

func ownGroup() *syscall.SysProcAttr { return nil }

// endGroup ends only the program: there are no groups of processes.
func endGroup(p *os.Process, _ bool) error { return p.Kill() }
