#!/usr/bin/env python3
"""Limits the instructions of a call in the load generator.

    loadtest/benches/instructions.py FOLDER [LIMIT]

FOLDER has the programs of an ordinary release build:

    cargo build --release -p loadtest -p loadtest-services

Valgrind's callgrind counts the instructions of three runs, with all checks and with live metrics: a short one, one with more
calls, and one with pauses. From them follows the cost of a call, without that of starting a run and without that of each
second, such as timers and the progress line. It fails above LIMIT, whose
default is the accepted count with a margin for other compilers.
"""

import json
import os
import subprocess
import sys
import tempfile

# Instructions of a call, in user space.
ACCEPTED = 68_000
TOLERANCE = 1.05

SHORT = ["--iterations", "50"]
MORE_CALLS = ["--iterations", "250"]
PAUSES = ["--iterations", "5", "--think-time", "250"]


def count(folder, url, options):
    """Returns the number of calls of a run, its seconds, and its instructions."""
    with tempfile.TemporaryDirectory() as scratch:
        profile, report = f"{scratch}/callgrind.out", f"{scratch}/report.json"
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={profile}", f"{folder}/loadtest"]
        # A slow machine must not fail a run.
        run = ["--host", url, "--users", "4", *options, "--max-outage", "1h", "--report-file", report]
        live_metrics = ["--prometheus-listen", "127.0.0.1:0"]
        environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
        done = subprocess.run([*command, *run, *live_metrics], env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the load test exited with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        with open(profile) as lines:
            instructions = next(int(line.split()[1]) for line in lines if line.startswith("totals:"))
        with open(report) as text:
            results = json.load(text)
    calls = sum(operation["calls"] for operation in results["operations"].values())
    return calls, results["duration_us"] / 1e6, instructions


def cost_of_call(short, more_calls, pauses):
    """Solves instructions = start + calls × cost + seconds × cost of a second for the cost of a call."""
    (calls, seconds, instructions), (other_calls, other_seconds, other_instructions) = (
        [value - base for value, base in zip(run, short)] for run in (more_calls, pauses)
    )
    determinant = calls * other_seconds - other_calls * seconds
    return (instructions * other_seconds - other_instructions * seconds) / determinant


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    limit = float(sys.argv[2]) if len(sys.argv) > 2 else ACCEPTED * TOLERANCE
    service = subprocess.Popen([f"{folder}/fast_service", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        url = service.stdout.readline().split()[-1]
        runs = [count(folder, url, options) for options in (SHORT, MORE_CALLS, PAUSES)]
    finally:
        service.terminate()
        service.wait()
    cost = cost_of_call(*runs)
    print(f"instructions of a call: {cost:,.0f}, limit {limit:,.0f}")
    if cost > limit:
        sys.exit(
            "a call of the load generator has become more expensive. `callgrind_annotate` lists the functions; if the "
            "change is worth it, raise ACCEPTED in loadtest/benches/instructions.py"
        )


if __name__ == "__main__":
    main()
