#!/usr/bin/env bash
# Checks that a termination signal to a program that runs a command next to a service, or to both as from a terminal, lets
# the command call the service and end, and that neither is left. A signal that the program was started to ignore is ignored
# by the command.
#
#   ./signals.sh PROGRAM [ARGUMENT…]
set -euo pipefail

work=$(mktemp -d)
program=
end() {
    # If the program still runs, its command first, after which it ends the service.
    if [[ -n $program ]] && kill -TERM -- "-$program" 2>/dev/null; then
        for _ in {1..100}; do
            kill -0 "$program" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL -- "-$program" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap end EXIT

fail() {
    echo "$1" >&2
    exit 1
}

# Sends the signal $1, to the process group of the program if $2 is `group`, or else to the program alone. The rest is the
# program.
check() {
    local signal=$1 receiver=$2 command url status=0
    shift 2
    rm -f "$work"/*
    # In a separate process group, with signals that a caller in the background may have ignored. The command cleans up when
    # it receives the signal, and exits with 4.
    set -m
    env --default-signal=HUP,INT,TERM "$@" bash -c '
        trap '\''curl --noproxy "*" --silent --data "{}" "$SESSIONS_URL/v1/sessions/get_sessions" >"$0/response"
            kill "$sleep" 2>/dev/null
            exit 4'\'' HUP INT TERM
        sleep 600 &
        sleep=$!
        echo "$$ $SESSIONS_URL" >"$0/new"
        mv "$0/new" "$0/started"
        wait' "$work" &
    program=$!
    set +m
    for _ in {1..600}; do
        [[ ! -e $work/started ]] || break
        kill -0 "$program" 2>/dev/null || break
        sleep 0.1
    done
    [[ -e $work/started ]] || fail "$1 did not start its command"
    read -r command url <"$work/started"

    if [[ $receiver == group ]]; then
        kill -"$signal" -- "-$program"
    else
        kill -"$signal" "$program"
    fi
    for _ in {1..200}; do
        kill -0 "$program" 2>/dev/null || break
        sleep 0.1
    done
    ! kill -0 "$program" 2>/dev/null || fail "$1 does not end after SIG$signal"
    wait "$program" || status=$?
    [[ $status == 4 ]] || fail "$1 exits with $status after SIG$signal, its command with 4"
    grep -q '"data":\[\]' "$work/response" || fail "the command could not call the service after SIG$signal"
    ! kill -0 "$command" 2>/dev/null || fail "the command is left after SIG$signal"
    if curl --noproxy '*' --silent --output /dev/null "$url/heartbeat"; then
        fail "the service is left after SIG$signal"
    fi
    program=
}

# As with `nohup`: the program and its command go on when the terminal is closed.
env --ignore-signal=HUP "$@" grep -q '^SigIgn:.*[13579bdf]$' /proc/self/status || fail "the command does not ignore SIGHUP"

check TERM program "$@"
check INT group "$@"
check HUP group "$@"
