#!/usr/bin/env bash
# Checks that a termination signal to a program that runs a command next to a service reaches the command at once, that the
# command can still call the service, and that neither is left.
#
#   ./signals.sh PROGRAM [ARGUMENT…]
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The command cleans up when it receives the signal, and exits with 4.
"$@" bash -c '
    trap '\''curl --noproxy "*" --silent --data "{}" "$SESSIONS_URL/v1/sessions/get_sessions" >"$0/response"
        kill "$sleep"
        exit 4'\'' TERM
    sleep 600 &
    sleep=$!
    echo "$$ $SESSIONS_URL" >"$0/new"
    mv "$0/new" "$0/started"
    wait' "$work" &
program=$!
for _ in {1..600}; do
    [[ ! -e $work/started ]] || break
    sleep 0.1
done
read -r command url <"$work/started"

kill -TERM "$program"
for _ in {1..200}; do
    kill -0 "$program" 2>/dev/null || break
    sleep 0.1
done
if kill -0 "$program" 2>/dev/null; then
    echo "$1 does not end after SIGTERM" >&2
    kill -KILL "$program" "$command"
    exit 1
fi
status=0
wait "$program" || status=$?
[[ $status == 4 ]] || { echo "$1 exits with $status, its command with 4" >&2; exit 1; }
grep -q '"data":\[\]' "$work/response" || { echo "the command could not call the service" >&2; exit 1; }
if kill -0 "$command" 2>/dev/null; then
    echo "the command is left" >&2
    exit 1
fi
if curl --noproxy '*' --silent --output /dev/null "$url/heartbeat"; then
    echo "the service is left" >&2
    exit 1
fi
