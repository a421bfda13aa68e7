#!/usr/bin/env bash
# Stops a run with SIGINT, SIGTERM and SIGKILL, and checks the sessions that are left in the service.
#
#   snapshots/providers/with-service.sh loadtest/tests/killed.sh target/release/loadtest
#
# After SIGINT and SIGTERM no session may be left. After SIGKILL there are many, and `loadtest cleanup` must delete them all,
# and no session of other users.
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

# Calls an operation of the service, and prints the response.
call() { curl -sS --fail -H 'Content-Type: application/json' --data "$2" "$url/v1/sessions/$1"; }

# Prints the number of sessions.
count() { call get_sessions '{"paging":{"take":1,"total":true}}' | sed 's/.*"total":\([0-9]*\).*/\1/'; }

call open_session '{"user_id":"another user"}' >/dev/null
[[ $(count) == 1 ]] || fail "the service is not empty"

for signal in INT TERM KILL; do
    run=killed$signal
    # Churn keeps its sessions until the end, so that there are always some to clean up. Programs in the background ignore
    # SIGINT by default.
    env --default-signal=INT,TERM "$loadtest" --host "$url" --test-run-id "$run" --scenario lifecycle,churn,browse,hot-session --run-time 60s \
        --report-file "$work/$run.json" >"$work/$run.out" 2>"$work/$run.err" &
    pid=$!
    for _ in {1..400}; do
        # Some of them are deleted again by their users.
        (($(count) > 250)) && break
        kill -0 "$pid" 2>/dev/null || fail "the run ended before the signal: $(cat "$work/$run".*)"
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
        ((left > 0)) || fail "no session was left to clean up"
        code=0
        "$loadtest" report "$work/$run.json" --report-file "$work/$run.md" >"$work/$run.report" || code=$?
        [[ $code == 1 ]] || fail "the exit code of the report of a killed run is $code"
        grep -q 'FAIL: the run has not ended' "$work/$run.report" || fail "the report does not say that the run was killed"
        grep -q "loadtest cleanup --test-run-id $run --host $url" "$work/$run.report" ||
            fail "the report does not name the command that cleans up: $(cat "$work/$run.report")"
        "$loadtest" cleanup --host "$url" --test-run-id "$run"
        left=$(($(count) - 1))
        echo "after loadtest cleanup: $left left behind"
    else
        [[ $code == 4 ]] || fail "the exit code is not that of a signal: $(tail -n 3 "$work/$run.out")"
    fi
    [[ $left == 0 ]] || fail "$left sessions are left after SIG$signal"
done
