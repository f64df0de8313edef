#!/bin/sh
# Runs one agent, and proposes its memory and metrics by pull request. The event is on standard
# input, and SCHEDULE_BUNDLE_DIR has its bundle. Exit 0 means that the result is recorded, also that
# of an agent that failed. After any other exit code the event comes again.
set -eu
event=$(cat)
agent=$(printf '%s' "$event" | jq --raw-output .agent)
id=$(printf '%s' "$event" | jq --raw-output .bundle.id)
repository=${id%%/kaizen.*} # receive has checked that it is allowed

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git -c credential.helper='!gh auth git-credential' clone --quiet --depth 1 \
	"${CLONE_FROM:-https://github.com}/$repository.git" "$work/repository"
cd "$work/repository"

started=$(date +%s)
success=true
claude --print --permission-mode acceptEdits --allowedTools "Read,Edit,Write" \
	<"$SCHEDULE_BUNDLE_DIR/bundle.md" || success=false

mkdir -p ".kaizen/metrics/$agent" ".kaizen/agents/$agent"
printf '{"timestamp":"%s","agent":"%s","success":%s,"execution_time_s":%d}\n' \
	"$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$agent" "$success" $(($(date +%s) - started)) \
	>>".kaizen/metrics/$agent/executions.jsonl"

# The branch has the name of the bundle. So a run that was repeated replaces its own branch, and
# keeps its pull request.
branch="kaizen/${id##*/}"
git add --force -- ".kaizen/metrics/$agent" ".kaizen/agents/$agent"
git -c user.name=kaizen -c user.email=kaizen@users.noreply.github.com \
	commit --quiet --message "Record a run of $agent" --message "$id"
git -c credential.helper='!gh auth git-credential' push --quiet --force origin "HEAD:refs/heads/$branch"
open=$(gh pr list --head "$branch" --json number --jq length)
[ "$open" != 0 ] || gh pr create --head "$branch" --title "Record a run of $agent" --body "$id"
