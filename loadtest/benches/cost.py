#!/usr/bin/env python3
"""Compares the cost of a call in the load generator with that of a plain goose load test.

    loadtest/benches/cost.py [ROUNDS]

It builds all programs first. The plain goose load test is as in goose's book (`examples/bare_goose.rs`), in an ordinary
release build. The load test is built as it is shipped. The service is
`services/src/bin/fast_service.rs`, which costs less than any of them. The service runs on core 0 and the load generator on core 1,
in one process each. All variants take turns in each of 5 rounds (or ROUNDS), and the medians are printed.

CPU is the user and system time of the load generator's process, including the leftover check. `busy` is the share of the
time in which it used its core. A rate is limited by the load generator only if it is near 100%, so no other program should
run on both cores.
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

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = 5
PORT = 18431
URL = f"http://127.0.0.1:{PORT}"
LOAD = ["--host", URL, "--users", "50", "--run-time", f"{SECONDS}s"]
PLAIN_GOOSE = ["--no-print-metrics", "--no-telnet", "--no-gzip", "--quiet", "--increase-rate", "5000"]


def build():
    """Builds all programs. Returns the folder of the load test as it is shipped, and that of ordinary release builds."""
    workspace = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    cargo = [os.environ.get("CARGO", "cargo")]
    load_test = ["build", "--profile", "dist", "-p", "loadtest", "-p", "loadtest-services"]
    plain_goose = ["build", "--profile", "bench", "-p", "loadtest", "--example", "bare_goose"]
    for arguments in (load_test, plain_goose):
        subprocess.run(cargo + arguments, cwd=workspace, check=True)
    metadata = subprocess.run(
        [*cargo, "metadata", "--no-deps", "--format-version", "1"], cwd=workspace, check=True, capture_output=True
    )
    target = json.loads(metadata.stdout)["target_directory"]
    return os.path.join(target, "dist"), os.path.join(target, "release")


def variants(shipped, ordinary):
    """The command of each variant."""
    lifecycle = [f"{shipped}/loadtest", *LOAD]
    return {
        "bare goose": [f"{ordinary}/examples/bare_goose", *LOAD, *PLAIN_GOOSE],
        "lifecycle, without checks": [*lifecycle, "--no-checks"],
        "lifecycle": lifecycle,
    }


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def calls(report):
    """The number of calls in a report, and the seconds in which they were made."""
    if "operations" in report:
        return sum(operation["calls"] for operation in report["operations"].values()), report["duration_us"] / 1e6
    metrics = report["raw_metrics"]
    # goose resets its counts when all users are there, and its own duration is in whole seconds.
    times = {step["action"]: datetime.datetime.fromisoformat(step["timestamp"]) for step in metrics["history"]}
    counted = sum(request["success_count"] + request["fail_count"] for request in metrics["requests"].values())
    return counted, (times["Finished"] - times["Maintaining"]).total_seconds()


def measure(command, folder):
    """Calls per second, microseconds of CPU per call, and the share of the time in which the core was busy."""
    file = f"{folder}/report.json"
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    done = subprocess.run(
        [*command, "--report-file", file], preexec_fn=pinned(1), env=environment, cwd=folder, capture_output=True, text=True
    )
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{command[0]} exited with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    with open(file) as text:
        count, duration = calls(json.load(text))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / duration, cpu / count * 1e6, cpu / seconds


def main():
    shipped, ordinary = build()
    commands = variants(shipped, ordinary)
    service = subprocess.Popen(
        [f"{shipped}/fast_service", f"127.0.0.1:{PORT}"], preexec_fn=pinned(0), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(0.5)
        results = {name: [] for name in commands}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(ROUNDS):
                for name, command in commands.items():
                    results[name].append(measure(command, folder))
    finally:
        service.terminate()
        service.wait()
    medians = {name: [statistics.median(column) for column in zip(*measured)] for name, measured in results.items()}
    bare_rate, bare_cpu, *_ = medians["bare goose"]
    print(f"{'':26} {'calls/s':>9} {'':>6} {'CPU us/call':>12} {'':>6} {'busy':>6}")
    for name, (rate, cpu, busy) in medians.items():
        print(f"{name:26} {rate:9,.0f} {rate / bare_rate:5.2f}x {cpu:12.1f} {bare_cpu / cpu:5.2f}x {busy:6.0%}")


if __name__ == "__main__":
    main()
