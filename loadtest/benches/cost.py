#!/usr/bin/env python3
"""What a call costs the generator, beside a bare loop of goose's.

    cargo build --release -p loadtest --bin loadtest --example fast_service
    cargo build --profile bench -p loadtest --example bare_goose
    loadtest/benches/cost.py target/release [ROUNDS]

The bare loop is as goose's book has it, in an ordinary release build, which is what the profile `bench` is; the load test is as it
is shipped. The service is `examples/fast_service`, which costs less than any of them. It has core 0 and the generator core
1, in one process each; all variants take turns in each round, and the medians count. CPU is user and system time of the
generator's process, from its start to its end, the cleaning included. `busy` is which part of the time it had its core:
a rate is that of the generator only if that is near the whole, for which nothing else may run on both cores.
"""

import datetime
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = os.path.abspath(sys.argv[1])
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SECONDS = 5
PORT = 18431
URL = f"http://127.0.0.1:{PORT}"
LOAD = ["--host", URL, "--users", "50", "--run-time", f"{SECONDS}s", "--no-print-metrics"]
LIFECYCLE = [f"{PROGRAMS}/loadtest", *LOAD]
VARIANTS = {
    "bare goose": [f"{PROGRAMS}/examples/bare_goose", *LOAD, "--no-telnet", "--no-gzip", "--quiet", "--increase-rate", "5000"],
    "lifecycle over goose's client, unverified": [*LIFECYCLE, "--client", "goose", "--no-verify"],
    "lifecycle over goose's client, verified": [*LIFECYCLE, "--client", "goose"],
    "lifecycle, unverified": [*LIFECYCLE, "--no-verify"],
    "lifecycle, verified": LIFECYCLE,
}


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def calls(report):
    """How many calls a report counts, and within how many seconds."""
    if "operations" in report:
        return sum(operation["calls"] for operation in report["operations"].values()), report["span_us"] / 1e6
    if "record" in report:
        return calls(report["record"])
    metrics = report["raw_metrics"]
    # goose begins to count anew when all users are there, and its own duration is in whole seconds.
    times = {step["action"]: datetime.datetime.fromisoformat(step["timestamp"]) for step in metrics["history"]}
    counted = sum(request["success_count"] + request["fail_count"] for request in metrics["requests"].values())
    return counted, (times["Finished"] - times["Maintaining"]).total_seconds()


def measure(command, folder):
    """Calls a second, microseconds of CPU a call, and which part of the time the generator was busy."""
    file = f"{folder}/report.json"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    done = subprocess.run(
        [*command, "--report-file", file], preexec_fn=pinned(1), env=environment, cwd=folder, capture_output=True, text=True
    )
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    with open(file) as text:
        count, span = calls(json.load(text))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / span, cpu / count * 1e6, cpu / seconds


def main():
    service = subprocess.Popen(
        [f"{PROGRAMS}/examples/fast_service", f"127.0.0.1:{PORT}"], preexec_fn=pinned(0), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        results = {name: [] for name in VARIANTS}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(ROUNDS):
                for name, command in VARIANTS.items():
                    results[name].append(measure(command, folder))
    finally:
        service.terminate()
        service.wait()
    medians = {name: [statistics.median(column) for column in zip(*measured)] for name, measured in results.items()}
    bare_rate, bare_cpu, *_ = medians["bare goose"]
    print(f"{'':42} {'calls/s':>9} {'':>6} {'CPU us/call':>12} {'':>6} {'busy':>6}")
    for name, (rate, cpu, busy) in medians.items():
        print(f"{name:42} {rate:9,.0f} {rate / bare_rate:5.2f}x {cpu:12.1f} {bare_cpu / cpu:5.2f}x {busy:6.0%}")


if __name__ == "__main__":
    main()
