#!/usr/bin/env python3
"""What a call costs the generator, beside a bare loop of goose's.

    loadtest/benches/cost.py target/release [ROUNDS]

Needs the release builds of the programs `loadtest`, `examples/bare_goose` and `examples/service`. The service has
core 0 and the generator core 1, in one process each; all variants take turns in each round, and the medians count. CPU
is user and system time of the generator's process, from its start to its end, the cleaning included.
"""

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
SECONDS = 3
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
    requests = report["raw_metrics"]["requests"].values()
    return sum(request["success_count"] + request["fail_count"] for request in requests), SECONDS


def measure(command, folder):
    """Calls a second, and microseconds of CPU a call."""
    file = f"{folder}/report.json"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    done = subprocess.run(
        [*command, "--report-file", file], preexec_fn=pinned(1), env=environment, cwd=folder, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    with open(file) as text:
        count, seconds = calls(json.load(text))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / seconds, cpu / count * 1e6


def main():
    service = subprocess.Popen(
        [f"{PROGRAMS}/examples/service", f"127.0.0.1:{PORT}"], preexec_fn=pinned(0), stdout=subprocess.DEVNULL
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
    bare_rate, bare_cpu = (statistics.median(column) for column in zip(*results["bare goose"]))
    print(f"{'':42} {'calls/s':>9} {'':>6} {'CPU us/call':>12} {'':>6}")
    for name, measured in results.items():
        rate, cpu = (statistics.median(column) for column in zip(*measured))
        print(f"{name:42} {rate:9,.0f} {rate / bare_rate:5.2f}x {cpu:12.1f} {bare_cpu / cpu:5.2f}x")


if __name__ == "__main__":
    main()
