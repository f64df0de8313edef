package actions

import "testing"

func TestWorkspacePaths(t *testing.T) {
	t.Parallel()
	const host = "/home/runner/work/web/web"
	for _, tt := range []struct {
		workspace, host, dir string
		rel                  string
		inside               bool
		onHost               string
	}{
		{"/github/workspace", host, "/github/workspace", ".", true, host},
		{"/github/workspace", host, "/github/workspace/a/b", "a/b", true, host + "/a/b"},
		{"/github/workspace", host, "/github/workspace2", "../workspace2", false, "/github/workspace2"},
		{"/github/workspace", host, "/srv", "../../srv", false, "/srv"},
		{"/github/workspace", "", "/github/workspace/a", "a", true, "/github/workspace/a"},
		{"", "", "/srv", "", false, "/srv"},
	} {
		e := Environment{Workspace: tt.workspace, HostWorkspace: tt.host}
		if rel, inside := e.InWorkspace(tt.dir); rel != tt.rel || inside != tt.inside {
			t.Errorf("%+v: got %q, %t", tt, rel, inside)
		}
		if got := e.HostPath(tt.dir); got != tt.onHost {
			t.Errorf("%+v: on the host it is %q", tt, got)
		}
	}
}
