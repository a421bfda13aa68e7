#!/usr/bin/env bash
# Finds violations of a run in nginx's access log by their trace ids, and compares Prometheus with the report.
#
#   snapshots/providers/with-service.sh loadtest/tests/telemetry.sh target/release/loadtest
#
# nginx changes the user of every twentieth read, so that there are violations. Parts whose program is missing are skipped.
set -euo pipefail

loadtest=$(realpath "$1")
url=$SESSIONS_URL
PATH=$PATH:/usr/sbin
work=$(mktemp -d)
pids=()

cleanup() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "$0: $*" >&2
    exit 1
}

skipped() { echo "SKIPPED: $*"; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for URL: waits until something responds.
wait_for() {
    for _ in {1..300}; do
        curl -sS -o /dev/null "$1" 2>/dev/null && return
        sleep 0.1
    done
    fail "nothing responds at $1"
}

cd "$work"

# The violations in the access log.
if command -v nginx >/dev/null; then
    port=$(free_port)
    cat >nginx.conf <<CONF
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
    client_body_temp_path client_body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    log_format trace '\$request_method \$uri \$status \$http_traceparent';
    access_log access.log trace;
    split_clients \$http_traceparent \$user {
        5% '"user_id":"another-';
        * '"user_id":"loadtest-';
    }
    server {
        listen 127.0.0.1:$port;
        location / { proxy_pass $url; }
        location /v1/sessions/get_session_by_id {
            proxy_pass $url;
            proxy_set_header Accept-Encoding "";
            sub_filter_types application/json;
            sub_filter_once off;
            sub_filter '"user_id":"loadtest-' \$user;
        }
    }
}
CONF
    nginx -p "$work" -c nginx.conf 2>nginx.log &
    pids+=($!)
    wait_for "http://127.0.0.1:$port/"
    status=0
    "$loadtest" --host "http://127.0.0.1:$port" --users 4 --run-time 2s --think-time 5 --report-file nginx.json >nginx.txt 2>&1 ||
        status=$?
    [[ $status == 2 ]] || fail "exit code $status instead of 2: $(cat nginx.txt)"
    python3 - <<'CHECK'
import json, re

log = [line.split() for line in open("access.log")]
calls = [line for line in log if line[1].startswith("/v1/sessions/")]
missing = [line for line in calls if not re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", line[3])]
assert not missing, f"requests without a trace context: {missing[:3]}"
by_trace = {line[3].split("-")[1]: line for line in calls}
assert len(by_trace) == len(calls), "a trace id was sent twice"
results = json.load(open("nginx.json"))
examples = [example for violation in results["violations"] for example in violation["examples"]]
assert examples, "nginx has damaged responses, and the report has no violation"
for example in examples:
    method, path, status, _ = by_trace[example["trace_id"]]
    assert path == "/v1/sessions/" + example["operation"], (path, example)
    print(f"trace {example['trace_id']}: {method} {path} {status}")
print(f"{len(examples)} violations and {len(calls)} requests found in the access log by their trace ids")
CHECK
else
    skipped "trace ids in an access log: nginx is not installed on this machine"
fi

# The figures of the report in Prometheus.
if command -v prometheus >/dev/null; then
    metrics=$(free_port)
    port=$(free_port)
    cat >prometheus.yml <<CONF
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: loadtest
    static_configs: [{ targets: ["127.0.0.1:$metrics"] }]
CONF
    prometheus --config.file=prometheus.yml --storage.tsdb.path="$work/data" --web.listen-address="127.0.0.1:$port" \
        --log.level=error 2>prometheus.log &
    pids+=($!)
    # Prometheus takes some seconds until it scrapes a target for the first time.
    for _ in {1..300}; do
        curl -sS "http://127.0.0.1:$port/api/v1/query?query=up" 2>/dev/null | grep -q '"job":"loadtest"' && break
        sleep 0.1
    done
    "$loadtest" --host "$url" --users 4 --run-time 5s --think-time 2 --scenario lifecycle=2,browse=1 \
        --prometheus-listen "127.0.0.1:$metrics" --report-file prometheus.json >prometheus.txt 2>&1 ||
        fail "$(cat prometheus.txt)"
    PROMETHEUS="http://127.0.0.1:$port" python3 - <<'CHECK'
import json, os, urllib.parse, urllib.request

def query(expression):
    """The values by the labels of an expression. The series have ended, so that their last samples are used."""
    url = f"{os.environ['PROMETHEUS']}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    response = json.load(urllib.request.urlopen(url, timeout=10))
    assert response["status"] == "success", response
    return {tuple(sorted(row["metric"].items())): float(row["value"][1]) for row in response["data"]["result"]}

def last(metric, label=None):
    by = f" by ({label})" if label else ""
    found = query(f"sum{by} (last_over_time({metric}[10m]))")
    return {dict(labels).get(label): value for labels, value in found.items()}

results = json.load(open("prometheus.json"))
operations = results["operations"]
name = "wiretrait_call_duration_seconds"
counts, sums = (last(f"{name}_{part}", "wiretrait_operation") for part in ("count", "sum"))
assert counts == {operation: metrics["calls"] for operation, metrics in operations.items()}, counts
for operation, metrics in operations.items():
    micros = metrics["service_time"]["sum_us"] + metrics["failure_time"]["sum_us"]
    assert abs(sums[operation] - micros / 1e6) < 1e-5, (operation, sums[operation], micros)
completed = last("loadtest_iterations_completed_total", "loadtest_scenario")
assert completed == {scenario["name"]: scenario["completed"] for scenario in results["scenarios"]}, completed
assert sum(last("loadtest_violations_total").values()) == 0
targets = query("last_over_time(target_info[10m])")
assert [dict(labels)["loadtest_test_run_id"] for labels in targets] == [results["test_run_id"]], targets
scrapes = query(f"max(count_over_time(loadtest_virtual_users[10m]))")[()]
assert scrapes >= 3, scrapes
print(f"Prometheus has the {sum(counts.values()):,.0f} calls of the report after {scrapes:.0f} scrapes")
CHECK
else
    skipped "live metrics in Prometheus: prometheus is not installed on this machine"
fi
