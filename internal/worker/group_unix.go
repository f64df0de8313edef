//go:build unix

package worker

import (
	"errors"
	"os"
	"syscall"
)

// ownGroup gives the program a process group of its own, with which its children end.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// endGroup asks all processes of the group to end, or kills them.
func endGroup(p *os.Process, kill bool) error {
	signal := syscall.SIGTERM
	if kill {
		signal = syscall.SIGKILL
	}
	err := syscall.Kill(-p.Pid, signal)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone // os/exec then reports how the program ended
	}
	return err
}
