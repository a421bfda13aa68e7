#!/usr/bin/env bash
# Four workers load one service from four network namespaces, each with its own address, as from four machines.
#
#   loadtest/tests/namespaces.sh target/release/loadtest
#
# It needs root, `ip`, and a kernel with namespaces, and is skipped otherwise. The workers must start within 100 ms of each
# other in one of three attempts, because other load on the machine can delay one. Their results must merge to one report of
# all calls.
set -euo pipefail

loadtest=$(realpath "$1")
workers=4
net=lt$$
work=$(mktemp -d)
pids=()

fail() {
    echo "$0: $*" >&2
    exit 1
}

skip() {
    echo "SKIPPED: $*"
    exit 0
}

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for machine in service $(seq 0 $((workers - 1))); do ip netns delete "$net-$machine" 2>/dev/null || true; done
    ip link delete "$net" 2>/dev/null || true
    rm -rf "$work"
}

[[ $(id -u) == 0 ]] || skip "network namespaces need root"
command -v ip >/dev/null || skip "the command ip is missing (package iproute2)"
ip netns add "$net-service" 2>/dev/null || skip "this kernel has no network namespaces"
trap cleanup EXIT
ip link add "$net" type bridge || skip "this kernel has no bridges"
ip link set "$net" up

# Connects a namespace to the bridge.
plug() { # name address
    ip link add "$net-e" type veth peer name eth0 netns "$net-$1"
    ip link set "$net-e" name "$net$2"
    ip link set "$net$2" master "$net" up
    ip -n "$net-$1" addr add "10.213.7.$2/24" dev eth0
    ip -n "$net-$1" link set eth0 up
    ip -n "$net-$1" link set lo up
}

plug service 100
ip netns exec "$net-service" "${SERVICE:-$(dirname "$loadtest")/examples/service}" 10.213.7.100:8080 &
pids+=($!)
for _ in {1..100}; do
    ip netns exec "$net-service" curl -sS -o /dev/null http://10.213.7.100:8080/ 2>/dev/null && break
    sleep 0.1
done

for worker in $(seq 0 $((workers - 1))); do
    ip netns add "$net-$worker"
    plug "$worker" $((worker + 1))
done

# One run of all workers, with enough time before its start to create all users.
attempt() {
    local start runs=() worker
    rm -f "$work"/*.json
    start=$(($(date +%s%3N) + 4000))
    for worker in $(seq 0 $((workers - 1))); do
        ip netns exec "$net-$worker" "$loadtest" --host http://10.213.7.100:8080 --yes --test-run-id namespaces \
            --execution-segment "$worker/$workers" --start-at "$start" --rate 200 --step 3s \
            --report-file "$work/worker-$worker.json" >"$work/$worker.out" 2>&1 &
        runs+=($!)
    done
    pids+=("${runs[@]}")
    for worker in "${!runs[@]}"; do
        wait "${runs[$worker]}" || fail "worker $worker failed: $(cat "$work/$worker.out")"
    done
    pids=("${pids[0]}")
    "$loadtest" merge "$work"/worker-*.json --report-file "$work/merged.json" --report-file "$work/merged.html" ||
        fail "the merged run does not pass"
    python3 - "$work" <<'PYTHON'
import datetime, glob, json, sys
read = lambda path: json.load(open(path))
workers = [read(path) for path in sorted(glob.glob(sys.argv[1] + "/worker-*.json"))]
merged = read(sys.argv[1] + "/merged.json")
starts = [datetime.datetime.fromisoformat(worker["started"].replace("Z", "+00:00")[:26].rstrip("+") + "+00:00")
          for worker in workers]
apart = (max(starts) - min(starts)).total_seconds() * 1000
iterations = sum(scenario["completed"] for scenario in merged["scenarios"])
calls = lambda results: {name: operation["calls"] for name, operation in results["operations"].items()}
total = {}
for worker in workers:
    for name, count in calls(worker).items():
        total[name] = total.get(name, 0) + count
print(f"{len(workers)} workers started within {apart:.1f} ms of each other; {iterations} iterations, {sum(total.values())} calls")
assert calls(merged) == total, "the merged calls differ from those of the workers"
assert iterations == 600, f"{iterations} iterations, expected 600"
sys.exit(0 if apart < 100 else 75)
PYTHON
}

for try in 1 2 3; do
    code=0
    attempt || code=$?
    [[ $code == 75 ]] || exit "$code"
    echo "attempt $try: the workers did not start within 100 ms of each other"
done
fail "the workers started too far apart in three attempts"
