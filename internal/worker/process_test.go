//go:build unix

package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mode is the variable by which this test binary acts as a program.
const mode = "WORKER_TEST_MODE"

func TestMain(m *testing.M) {
	switch os.Getenv(mode) {
	case "":
		os.Exit(m.Run())
	case "print":
		event, _ := io.ReadAll(os.Stdin)
		fmt.Printf("args %q\nenv %q\nstdin %s\n", os.Args[1:], os.Environ(), event)
	case "fail":
		fmt.Fprintln(os.Stderr, "no")
		os.Exit(3)
	case "leave": // a child that outlives the program and holds its output
		leave()
	case "hang":
		leave()
		select {}
	case "child":
		time.Sleep(time.Minute)
	}
}

// leave starts a child that holds the output of this process, and prints its id.
func leave() {
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stdout = []string{mode + "=child"}, os.Stdout
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Println(cmd.Process.Pid)
}

// start runs this binary as a program.
func start(t *testing.T, as string, timeout time.Duration, taken Taken) (lines []string, err error) {
	t.Helper()
	out := &output{log: func(line string) { lines = append(lines, line) }}
	p := Program{Args: []string{os.Args[0], "a b", "$(c)"}, Env: []string{mode + "=" + as}, Timeout: timeout}
	err = p.run(t.Context(), taken, out)
	out.end()
	return lines, err
}

// The program gets the event on standard input and the directory in one variable. Neither is
// among its arguments, and no variable of this process reaches it.
func TestProgram(t *testing.T) {
	t.Setenv("INPUT_TOKEN", "s3cr3t")
	lines, err := start(t, "print", time.Minute, Taken{Event: []byte(`{"event":"x"}`), Dir: "/bundles/$(rm)"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`args ["a b" "$(c)"]`,
		`env ["` + mode + `=print" "SCHEDULE_BUNDLE_DIR=/bundles/$(rm)"]`,
		`stdin {"event":"x"}`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
}

func TestProgramFails(t *testing.T) {
	t.Parallel()
	lines, err := start(t, "fail", time.Minute, Taken{Event: make([]byte, 60_000)}) // it does not read them
	if !slices.Equal(lines, []string{"no"}) || err == nil || err.Error() != "exit status 3" {
		t.Errorf("got %q and %v", lines, err)
	}
	p := Program{Args: []string{"/does/not/exist"}, Timeout: time.Minute}
	if err := p.run(t.Context(), Taken{}, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// A program that does not end is killed with its children, and so are children that a program
// leaves behind.
func TestGroupIsKilled(t *testing.T) {
	t.Parallel()
	for as, want := range map[string]string{"hang": "more than 2s", "leave": ""} {
		t.Run(as, func(t *testing.T) {
			t.Parallel()
			timeout := 2 * time.Second
			if as == "leave" {
				timeout = time.Minute
			}
			lines, err := start(t, as, timeout, Taken{})
			if got := fmt.Sprint(err); want != "" && !strings.Contains(got, want) || want == "" && err != nil {
				t.Errorf("got %v, want %q", err, want)
			}
			if len(lines) != 1 {
				t.Fatalf("got %q, want the child's id", lines)
			}
			child, err := strconv.Atoi(lines[0])
			if err != nil {
				t.Fatal(err)
			}
			ended(t, child)
		})
	}
}

// ended waits until a process is gone, or only waits to be reaped by whoever inherited it.
func ended(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(stat), ") Z ") || syscall.Kill(pid, 0) != nil {
			return
		}
	}
	t.Errorf("process %d still runs", pid)
}

// A program that ends just before it is asked to has succeeded, or failed, by itself.
func TestEndGroupOfAProgramThatEnded(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.SysProcAttr = []string{mode + "=print"}, ownGroup()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if err := endGroup(cmd.Process, false); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v", err)
	}
}

func TestStopEndsTheProgram(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	first := func(string) { cancel() } // the program is up when it writes
	p := Program{Args: []string{os.Args[0]}, Env: []string{mode + "=hang"}, Timeout: time.Minute}
	begin := time.Now()
	if err := p.run(ctx, Taken{}, &output{log: first}); err == nil || time.Since(begin) > 30*time.Second {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
}

func TestProgramCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, "there is no program to run: write it after --"},
		{[]string{"/does/not/exist"}, `"/does/not/exist" cannot be run`},
		{[]string{os.Args[0], "-x"}, ""},
	} {
		err := Program{Args: tt.args}.Check()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q: got %v", tt.args, err)
		}
	}
}
