#!/usr/bin/env python3
"""Compares the cost of a call in the load generator with that of a plain goose load test, and of oha and wrk.

    loadtest/benches/cost.py [ROUNDS]

It builds all programs first. The plain goose load test is as in goose's book (`examples/bare_goose.rs`), in an ordinary
release build. The load test is built as it is shipped. The service is
`services/src/bin/fast_service.rs`, which costs less than any of them. The service runs on core 0 and the load generator on core 1,
in one process each. All variants take turns in each of 5 rounds (or ROUNDS), and the medians are printed. oha and wrk are
measured if they are installed (`cargo install oha --locked`, `apt-get install wrk`). They read one session again and again,
and look at nothing but statuses.

CPU is the user and system time of the load generator's process, including the leftover check. `busy` is the share of the
time in which it used its core. A rate is limited by the load generator only if it is near 100%, so no other program should
run on both cores.
"""

import datetime
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

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
    variants = {
        "bare goose": [f"{ordinary}/examples/bare_goose", *LOAD, *PLAIN_GOOSE],
        "lifecycle, without checks": [*lifecycle, "--no-checks"],
        "lifecycle": lifecycle,
        "lifecycle, live metrics": [*lifecycle, "--prometheus-listen", "127.0.0.1:0"],
    }
    for command in variants.values():
        command += ["--report-file", "report.json"]
    return variants


def other_tools(folder):
    """The commands of the other tools that are installed, for a session that the service has stored."""
    opened = call("open_session", {"user_id": "ann", "user_name": "Ann", "address": "localhost", "client": "bench"})
    url, body = f"{URL}/v1/sessions/get_session_by_id", json.dumps({"session_id": opened["id"]})
    script = f"{folder}/read.lua"
    with open(script, "w") as lua:
        lua.write(f"wrk.method = 'POST'\nwrk.body = '{body}'\nwrk.headers['Content-Type'] = 'application/json'\n")
    post = ["-m", "POST", "-T", "application/json", "-d", body]
    output = ["--no-tui", "--output-format", "json", "--output", "report.json"]
    commands = {
        "oha": ["oha", "-c", "50", "-z", f"{SECONDS}s", *post, *output, url],
        "wrk": ["wrk", "-t", "1", "-c", "50", "-d", f"{SECONDS}s", "-s", script, url],
    }
    return {name: command for name, command in commands.items() if shutil.which(name)}


def call(operation, arguments):
    """Calls the service, and returns its response."""
    request = urllib.request.Request(
        f"{URL}/v1/sessions/{operation}", json.dumps(arguments).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
        return json.load(response)


def pinned(core):
    return lambda: os.sched_setaffinity(0, {core})


def calls(report):
    """The number of calls in a report, and the seconds in which they were made."""
    if "operations" in report:
        return sum(operation["calls"] for operation in report["operations"].values()), report["duration_us"] / 1e6
    if "statusCodeDistribution" in report:
        return report["statusCodeDistribution"]["200"], report["summary"]["total"]
    metrics = report["raw_metrics"]
    # goose resets its counts when all users are there, and its own duration is in whole seconds.
    times = {step["action"]: datetime.datetime.fromisoformat(step["timestamp"]) for step in metrics["history"]}
    counted = sum(request["success_count"] + request["fail_count"] for request in metrics["requests"].values())
    return counted, (times["Finished"] - times["Maintaining"]).total_seconds()


def calls_of_wrk(output):
    """The number of calls in the output of wrk, and the seconds in which they were made."""
    count, seconds = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"calls of wrk have failed:\n{output}")
    return int(count), float(seconds)


def measure(command, folder):
    """Calls per second, microseconds of CPU per call, and the share of the time in which the core was busy."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    done = subprocess.run(
        command, preexec_fn=pinned(1), env=environment, cwd=folder, capture_output=True, text=True
    )
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{command[0]} exited with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    if command[0] == "wrk":
        count, duration = calls_of_wrk(done.stdout)
    else:
        with open(f"{folder}/report.json") as text:
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
        with tempfile.TemporaryDirectory() as folder:
            commands |= other_tools(folder)
            results = {name: [] for name in commands}
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
