#!/usr/bin/env bash
# Kills a run in the middle, by each signal, and looks at what is left on the service.
#
#   snapshots/providers/with-service.sh loadtest/tests/killed.sh target/release/loadtest
#
# After SIGINT and SIGTERM nothing may be left. After SIGKILL much is, and `loadtest clean` has to remove it all, and
# nothing that belongs to anybody else.
set -euo pipefail

loadtest=$1
url=$SESSIONS_URL
work=$(mktemp -d)
pid=
trap '[[ -z $pid ]] || kill -s KILL "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

fail() {
    echo "$0: $*" >&2
    exit 1
}

# A command of the service, whose answer is printed.
ask() { curl -sS --fail -H 'Content-Type: application/json' --data "$2" "$url/v1/sessions/$1"; }

# How many sessions there are.
count() { ask get_sessions '{"paging":{"take":1,"total":true}}' | sed 's/.*"total":\([0-9]*\).*/\1/'; }

ask open_session '{"user_id":"somebody"}' >/dev/null
[[ $(count) == 1 ]] || fail "the service is not empty"

for signal in INT TERM KILL; do
    run=killed$signal
    # Churn leaves every session until the end, so that there is something to clean at any time.
    "$loadtest" --host "$url" --run "$run" --scenario lifecycle,churn,browse,hot-session --run-time 60s \
        --report-file "$work/$run.json" >"$work/$run.out" 2>"$work/$run.err" &
    pid=$!
    for _ in {1..200}; do
        (($(count) > 200)) && break
        kill -0 "$pid" 2>/dev/null || fail "the run ended before it was killed: $(cat "$work/$run".*)"
        sleep 0.05
    done
    before=$(count)
    ((before > 200)) || fail "only $before sessions were opened"
    kill -s "$signal" "$pid"
    code=0
    wait "$pid" || code=$?
    pid=
    left=$(($(count) - 1))
    echo "SIG$signal with $((before - 1)) sessions open: exit code $code, $left left behind"
    if [[ $signal == KILL ]]; then
        ((left > 0)) || fail "nothing was left to clean"
        grep -q '"in_progress"' "$work/$run.json" || fail "the report of the killed run does not say so"
        "$loadtest" clean --host "$url" --run "$run"
        left=$(($(count) - 1))
        echo "after loadtest clean: $left left behind"
    else
        [[ $code == 4 ]] || fail "it did not end by the signal: $(tail -n 3 "$work/$run.out")"
    fi
    [[ $left == 0 ]] || fail "$left sessions are left after SIG$signal"
done
