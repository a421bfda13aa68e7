#!/usr/bin/env bash
# Compares real pairs of runs, and counts the outcomes.
#
#   loadtest/tests/pairs.sh target/release/loadtest target/release/slow_service [PAIRS]
#
# The service is compared with itself, and with one whose calls take more CPU time, as a baseline and at the same time
# (loadtest compare). It fails if more than a twentieth of the pairs of the same service are regressions, or if a
# service that is many times slower passes.
set -euo pipefail

loadtest=$1
service=$2
pairs=${3:-20}
work=$(mktemp -d)
pids=()
trap '((${#pids[@]} == 0)) || kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# Starts a service whose calls take so many microseconds more, and sets `url`.
start() {
    # Exists before it is read: the service starts in the background.
    : >"$work/service-$1"
    "$service" 127.0.0.1:0 "$1" >"$work/service-$1" &
    pids+=($!)
    for _ in {1..100}; do
        url=$(sed -n 's/^listening at //p' "$work/service-$1")
        [[ -z $url ]] || return 0
        sleep 0.1
    done
    echo "$0: the service does not start" >&2
    exit 1
}

# Runs the load test without output, and adds its outcome to the file of the name.
count() {
    local name=$1 code=0
    shift
    "$loadtest" "$@" --users 4 --run-time 3s --report-file "$work/report.html" >"$work/out" 2>&1 || code=$?
    case $code in
    0) echo passed ;;
    1) if grep -q ' regressed: ' "$work/out"; then echo regressed; else echo failed; fi ;;
    5) echo inconclusive ;;
    *) cat "$work/out" >&2 && exit "$code" ;;
    esac >>"$work/$name"
}

# Prints the number of outcomes.
number() { grep -cx "$2" "$work/$1" || true; }

start 0
same=$url
printf '%-22s %9s %6s %12s %6s\n' "pairs: $pairs" regressed passed inconclusive failed
for micros in 0 100 20000; do
    other=$same
    if ((micros > 0)); then
        start "$micros"
        other=$url
    fi
    for _ in $(seq "$pairs"); do
        "$loadtest" --host "$same" --users 4 --run-time 3s --report-file "$work/before.json" >/dev/null 2>&1
        count "baseline-$micros" --host "$other" --baseline "$work/before.json"
        count "compare-$micros" compare --host "$other" --against "$same"
    done
    for way in baseline compare; do
        name=$way-$micros
        printf '%-22s' "$way, +$micros µs"
        for outcome in regressed passed inconclusive failed; do
            printf " %${#outcome}s" "$(number "$name" "$outcome")"
        done
        echo
        if ((micros == 0)) && (($(number "$name" regressed) * 20 > pairs)); then
            echo "$0: more than 5 % alarms" >&2
            exit 1
        fi
        if ((micros == 20000)) && (($(number "$name" passed) > 0)); then
            echo "$0: a service many times slower passed" >&2
            exit 1
        fi
    done
done
