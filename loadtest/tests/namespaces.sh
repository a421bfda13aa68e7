#!/usr/bin/env bash
# Four workers on four machines against one service, made of network namespaces: each has its own address.
#
#   loadtest/tests/namespaces.sh target/release/loadtest
#
# It needs root, `ip`, and a kernel with namespaces, and says so where it cannot run. The workers must begin within 100 ms of
# each other in one of three attempts, since what else the machine does can hold one up, and merge to one report of all calls.
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

[[ $(id -u) == 0 ]] || skip "only root makes network namespaces"
command -v ip >/dev/null || skip "there is no command ip (package iproute2)"
ip netns add "$net-service" 2>/dev/null || skip "this kernel gives no network namespaces"
trap cleanup EXIT
ip link add "$net" type bridge || skip "this kernel has no bridges"
ip link set "$net" up

# A machine with an address on the bridge.
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

# One run of all workers, which begins once all of them had the time to make their users.
attempt() {
    local start runs=() worker
    rm -f "$work"/*.json
    start=$(($(date +%s%3N) + 4000))
    for worker in $(seq 0 $((workers - 1))); do
        ip netns exec "$net-$worker" "$loadtest" --host http://10.213.7.100:8080 --yes --run namespaces \
            --worker "$worker/$workers" --start-at "$start" --rate 200 --step 3s --no-print-metrics \
            --report-file "$work/worker-$worker.json" >"$work/$worker.out" 2>&1 &
        runs+=($!)
    done
    pids+=("${runs[@]}")
    for worker in "${!runs[@]}"; do
        wait "${runs[$worker]}" || fail "worker $worker failed: $(cat "$work/$worker.out")"
    done
    pids=("${pids[0]}")
    "$loadtest" merge "$work"/worker-*.json --report-file "$work/merged.json" --report-file "$work/merged.html" ||
        fail "the workers do not merge to a run that passes"
    python3 - "$work" <<'PYTHON'
import datetime, glob, json, sys
read = lambda path: json.load(open(path))
record = lambda report: report.get("record", report)
workers = [record(read(path)) for path in sorted(glob.glob(sys.argv[1] + "/worker-*.json"))]
merged = record(read(sys.argv[1] + "/merged.json"))
starts = [datetime.datetime.fromisoformat(worker["started"].replace("Z", "+00:00")[:26].rstrip("+") + "+00:00")
          for worker in workers]
apart = (max(starts) - min(starts)).total_seconds() * 1000
iterations = sum(scenario["iterations"] for scenario in merged["scenarios"])
calls = lambda record: {name: operation["calls"] for name, operation in record["operations"].items()}
total = {}
for worker in workers:
    for name, count in calls(worker).items():
        total[name] = total.get(name, 0) + count
print(f"{len(workers)} workers began within {apart:.1f} ms of each other; {iterations} iterations, {sum(total.values())} calls")
assert calls(merged) == total, "the merged calls are not those of the workers"
assert iterations == 600, f"{iterations} iterations, and 200/s for 3 s are 600"
sys.exit(0 if apart < 100 else 75)
PYTHON
}

for try in 1 2 3; do
    code=0
    attempt || code=$?
    [[ $code == 75 ]] || exit "$code"
    echo "attempt $try: the workers did not begin within 100 ms of each other"
done
fail "the workers began too far apart three times"
