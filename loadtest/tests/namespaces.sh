#!/usr/bin/env bash
# The pods of loadtest/deploy/kubernetes as processes in network namespaces, each with its own address, as on several
# machines: four workers load one service, and a collector merges their results.
#
#   loadtest/tests/namespaces.sh target/release/loadtest
#
# It needs root, `ip`, `kubectl`, PyYAML, and a kernel with namespaces, and is skipped otherwise. The arguments are those of
# the manifests. The workers must start within 100 ms of each other in one of three attempts, because other load on the
# machine can delay one. Their results must merge to one report of all calls. A killed worker must make a partial report.
set -euo pipefail

loadtest=$(realpath "$1")
workers=4
net=lt$$
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$here/../../target/deploy/venv/bin/python
[[ -x $python ]] || python=python3
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
    for machine in service merge $(seq 0 $((workers - 1))); do
        ip netns delete "$net-$machine" 2>/dev/null || true
        rm -rf "/etc/netns/$net-$machine"
    done
    ip link delete "$net" 2>/dev/null || true
    rm -rf "$work"
}

[[ $(id -u) == 0 ]] || skip "network namespaces need root"
command -v kubectl >/dev/null || skip "kubectl, which resolves the manifests, is missing"
"$python" -c 'import yaml' 2>/dev/null || skip "PyYAML, which reads the manifests, is missing"
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
ip netns exec "$net-service" "${SERVICE:-$(dirname "$loadtest")/slow_service}" 10.213.7.100:8080 &
pids+=($!)
for _ in {1..100}; do
    ip netns exec "$net-service" curl -sS -o /dev/null http://10.213.7.100:8080/ 2>/dev/null && break
    sleep 0.1
done

ip netns add "$net-merge"
plug merge 101
for worker in $(seq 0 $((workers - 1))); do
    ip netns add "$net-$worker"
    plug "$worker" $((worker + 1))
    mkdir -p "/etc/netns/$net-$worker"
    echo '10.213.7.101 loadtest-merge' >"/etc/netns/$net-$worker/hosts"
done

# The description of the service, with its address here and without a token, which needs TLS.
mkdir "$work/etc"
sed -e 's|https://sessions.staging.example|http://10.213.7.100:8080|' -e '/credential:/,$d' \
    "$here/../deploy/kubernetes/staging.yaml" >"$work/etc/staging.yaml"
kubectl kustomize "$here/../deploy/kubernetes" >"$work/manifests.yaml"

# Prints the arguments of a pod, a line each, with its variables.
arguments() { # job index start
    "$python" - "$work" "$@" <<'PYTHON'
import re, sys, yaml
work, job, index, start = sys.argv[1:]
manifests = list(yaml.safe_load_all(open(work + "/manifests.yaml")))
find = lambda kind, name: next(m for m in manifests if (m["kind"], m["metadata"]["name"]) == (kind, name))
spec = find("Job", job)["spec"]
container = spec["template"]["spec"]["containers"][0]
variables = {}
for source in container["envFrom"]:
    if "configMapRef" in source:
        variables |= find("ConfigMap", source["configMapRef"]["name"])["data"]
if job == "loadtest-workers":
    assert spec["completions"] == spec["parallelism"] == int(variables["WORKERS"]), "the numbers of workers differ"
variables |= {"TEST_RUN_ID": "namespaces." + start, "START_AT": start, "JOB_COMPLETION_INDEX": index}
for argument in container["args"]:
    argument = re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], argument)
    print(argument.replace("/tmp/", f"{work}/{index}-").replace("/etc/loadtest", work + "/etc"))
PYTHON
}

# Starts all pods, with a smaller load. The other options of the collector follow.
start_pods() {
    local start worker
    rm -f "$work"/*.json
    start=$(($(date +%s%3N) + 7000))
    mapfile -t options < <(arguments loadtest-merge merge "$start")
    ip netns exec "$net-merge" "$loadtest" "${options[@]}" --threshold 'p99<60s' "$@" >"$work/merge.out" 2>"$work/merge.err" &
    merge=$!
    runs=()
    for worker in $(seq 0 $((workers - 1))); do
        mapfile -t options < <(arguments loadtest-workers "$worker" "$start")
        ip netns exec "$net-$worker" "$loadtest" "${options[@]}" --scenario lifecycle --rate 20 --run-time 3s --graceful-stop 10s \
            >"$work/$worker.out" 2>&1 &
        runs+=($!)
    done
    pids=("${pids[0]}" "$merge" "${runs[@]}")
}

attempt() {
    local worker
    start_pods
    for worker in "${!runs[@]}"; do
        # A worker whose segment fails a criterion (1) does not matter, because the merged run is judged.
        wait "${runs[$worker]}" || (($? == 1)) || fail "worker $worker failed: $(cat "$work/$worker.out")"
    done
    wait "$merge" || fail "the merged run does not pass: $(cat "$work/merge.out" "$work/merge.err")"
    grep '^{"format"' "$work/merge.out" >"$work/merged.json"
    "$loadtest" report "$work/merged.json" --report-file "$work/again.html" >/dev/null || fail "the log is not a report"
    python3 - "$work" <<'PYTHON'
import datetime, glob, json, sys
read = lambda path: json.load(open(path))
workers = [read(path) for path in sorted(glob.glob(sys.argv[1] + "/*-results.json"))]
merged = read(sys.argv[1] + "/merged.json")
starts = [datetime.datetime.fromisoformat(worker["load_generators"][0]["executor_started"].replace("Z", "+00:00")[:26].rstrip("+") + "+00:00")
          for worker in workers]
apart = (max(starts) - min(starts)).total_seconds() * 1000
iterations = sum(scenario["started"] for scenario in merged["scenarios"])
calls = lambda results: {name: operation["calls"] for name, operation in results["operations"].items()}
total = {}
for worker in workers:
    for name, count in calls(worker).items():
        total[name] = total.get(name, 0) + count
    clock = worker["load_generators"][0]["clock_offset"]
    assert abs(clock["offset_us"]) <= clock["uncertainty_us"] + 100_000, f"the clock of this machine differs: {clock}"
print(f"{len(workers)} workers started within {apart:.1f} ms of each other; {iterations} iterations, {sum(total.values())} calls")
assert len(workers) == 4, "the results of a worker are missing"
assert calls(merged) == total, "the merged calls differ from those of the workers"
assert iterations == 60, f"{iterations} iterations, expected 60"
sys.exit(0 if apart < 100 else 75)
PYTHON
}

code=75
for try in 1 2 3; do
    code=0
    attempt || code=$?
    [[ $code == 75 ]] || break
    echo "attempt $try: the workers did not start within 100 ms of each other"
done
((code == 0)) || fail "no attempt of three succeeded"

start_pods --wait 8s
sleep 8
kill -KILL "${runs[1]}"
wait "$merge" && fail "a run without one of its workers passes"
grep -q '^ FAIL: partial: 3 of 4 workers, lost: worker 1 (no results within 8s of the first' "$work/merge.out" ||
    fail "the killed worker is not named: $(cat "$work/merge.out" "$work/merge.err")"
wait "${runs[3]}" || (($? == 1)) || fail "a worker failed after another one was killed"
echo "a killed worker made a partial report"
