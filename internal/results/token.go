package results

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

// backendIDs are the ids of the run and the job in the Results Service.
type backendIDs struct {
	Run string `json:"workflow_run_backend_id"`
	Job string `json:"workflow_job_run_backend_id"`
}

// parseToken reads the ids from the scope Actions.Results:<run>:<job> of a runtime token,
// a JWT. It leaves the signature to the service. Errors never hold a part of the token.
func parseToken(token string) (backendIDs, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return backendIDs{}, errors.New("is not a JSON web token of three parts")
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return backendIDs{}, errors.New("has a payload that is not base64url")
	}
	var claims struct {
		Scopes string `json:"scp"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return backendIDs{}, errors.New("has a payload that is not JSON with the text scp")
	}
	for scope := range strings.FieldsSeq(claims.Scopes) {
		ids, ok := strings.CutPrefix(scope, "Actions.Results:")
		if !ok {
			continue
		}
		run, job, ok := strings.Cut(ids, ":")
		if !ok || run == "" || job == "" || strings.Contains(job, ":") {
			return backendIDs{}, errors.New("has a scope Actions.Results that does not name one run and one job")
		}
		return backendIDs{Run: run, Job: job}, nil
	}
	return backendIDs{}, errors.New("lacks the scope Actions.Results, so it may not store artifacts")
}
