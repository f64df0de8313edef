package spec

import "testing"

func TestKeep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cadence   Cadence
		wanted    int
		limit     int
		wantDays  int
		wantShort bool
	}{
		{Daily, 0, 0, 3, false},
		{Weekly, 0, 0, 15, false},
		{Monthly, 0, 0, 63, false},
		{Monthly, 0, 90, 63, false},
		{Monthly, 0, 30, 30, true},
		{Monthly, 0, 400, 63, false},
		{Weekly, 7, 0, 7, true},
		{Weekly, 15, 0, 15, false},
		{Weekly, 400, 0, 90, false},
		{Weekly, 400, 20, 20, false},
		{Daily, 1, 0, 1, true},
		{Daily, -1, -1, 3, false},
	} {
		days, short := test.cadence.Keep(test.wanted, test.limit)
		if days != test.wantDays || short != test.wantShort {
			t.Errorf("%+v: got %d, %t", test, days, short)
		}
	}
}
