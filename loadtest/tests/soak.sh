#!/usr/bin/env bash
# Loads a service in another process at full speed, and checks the memory of the load generator, its results and the size of
# its reports.
#
#   loadtest/tests/soak.sh target/release/loadtest target/release/slow_service MINUTES
#
# After the first minute, the load generator may grow by 5 MB, and by 40 bytes for each session of the run, whose id it
# remembers. A run of fewer than two minutes says nothing about that.
set -euo pipefail

loadtest=$(realpath "$1")
service=$(realpath "$2")
minutes=$3
work=$(mktemp -d)
pids=()
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"' EXIT

fail() {
    echo "$0: $*" >&2
    exit 1
}

# Prints the memory of a process in kilobytes, or nothing after its end.
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2>/dev/null || true; }

# Prints the duration of the run so far in seconds, and the number of opened sessions.
progress() { python3 -c '
import json, sys
results = json.load(open(sys.argv[1]))
print(results["duration_us"] // 1_000_000, results["sessions"]["opened"])' "$work/run.json" 2>/dev/null || echo 0 0; }

# Exists before it is read: the service starts in the background.
: >"$work/service.out"
"$service" 127.0.0.1:0 >"$work/service.out" &
pids+=($!)
for _ in {1..100}; do
    url=$(sed -n 's/^listening at //p' "$work/service.out")
    [[ -n $url ]] && break
    sleep 0.1
done

(cd "$work" && exec "$loadtest" --host "$url" --run-time "${minutes}m" --scenario lifecycle=8,browse=1,read-mostly=1 \
    --report-file run.json --report-file run.html --report-file run.md --report-file run.xml) >"$work/out" 2>"$work/err" &
run=$!
pids+=("$run")

first=
while kill -0 "$run" 2>/dev/null; do
    sleep 10
    kilobytes=$(memory "$run")
    read -r seconds opened < <(progress)
    [[ -n $kilobytes ]] || break
    ((seconds < 60)) && continue
    first=${first:-$kilobytes}
    last=$kilobytes
    ((seconds % 60 > 10)) || echo "after $seconds s: $kilobytes kB, $opened sessions"
done
code=0
wait "$run" || code=$?
tail -n 1 "$work/out"
[[ $code == 0 ]] || fail "exit code $code: $(tail -n 5 "$work/err")"
[[ -n $first ]] || fail "the memory after the first minute is unknown: the run ended before"

python3 - "$work" "$first" "$last" <<'END'
import json, os, sys

work, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
results = json.load(open(f"{work}/run.json"))
operations = results["operations"]
calls = sum(operation["calls"] for operation in operations.values())
errors = []
def equal(name, one, other):
    if one != other:
        errors.append(f"{name}: {one} and {other}")
def counts(histogram):
    equal("buckets and count", sum(histogram["times_us"].values()), histogram["count"])
    return histogram["count"]

for name, operation in operations.items():
    times = counts(operation["service_time"]) + counts(operation["failure_time"])
    equal(f"calls of {name}", operation["calls"], times)
timeline = results["timeline"]["intervals"].values()
equal("calls and timeline", calls, sum(counts(interval["latency"]) + interval["failures"] for interval in timeline))
console = open(f"{work}/out").read()
for text in (f"{calls:,}", results["test_run_id"]):
    for file in ("out", "run.html", "run.md"):
        if text not in open(f"{work}/{file}").read():
            errors.append(f"{file} does not contain {text}")
for file, limit in (("run.json", 4_000_000), ("run.html", 1_000_000), ("run.md", 100_000), ("run.xml", 100_000)):
    size = os.path.getsize(f"{work}/{file}")
    print(f"{file}: {size:,} bytes")
    if size > limit:
        errors.append(f"{file} has {size:,} bytes, the limit is {limit:,}")
sessions = results["sessions"]["opened"]
limit = 5_000 + sessions * 40 // 1_000
print(f"{calls:,} calls, {sessions:,} sessions: {first:,} kB after the first minute, {last:,} kB at the end, "
      f"growth {last - first:,} kB of at most {limit:,} kB")
if last - first > limit:
    errors.append("memory grew beyond the limit")
left = sorted(set(os.listdir(work)) - {"service.out", "out", "err", "run.json", "run.html", "run.md", "run.xml"})
equal("other files", left, [])
sys.exit("\n".join(errors) or 0)
END
