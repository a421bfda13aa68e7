#!/usr/bin/env bash
# Checks that snapshots/openapi.json is a valid OpenAPI document, and that the embedded and the real service conform to it.
#
#   ./openapi.sh [DOCUMENT]
#
# The packages of openapi/requirements.txt are installed from PyPI in target/openapi. Checks that are disabled, and requests
# that are not sent, are in openapi/schemathesis.toml and openapi/unsent_requests.py, with reasons. The seed is fixed, so
# that every run sends the same requests. The last line of each run summarizes it; the reports are in target/openapi.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
document=$(realpath "${1:-$root/snapshots/openapi.json}")
work=$root/target/openapi
bin=$work/venv/bin

# The copy of the requirements is written last, so that it identifies a complete installation of the same versions.
if ! cmp -s "$here/openapi/requirements.txt" "$work/installed.txt"; then
    rm -rf "$work/venv" "$work/installed.txt"
    mkdir -p "$work"
    python3 -m venv "$work/venv"
    "$bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/openapi/requirements.txt"
    cp "$here/openapi/requirements.txt" "$work/installed.txt"
fi

"$bin/openapi-spec-validator" --schema 3.1 "$document"

# check NAME COMMAND…: runs schemathesis against the service that COMMAND starts.
check() {
    local name=$1 status=0
    shift
    # schemathesis stores failures and sends them again in the next run, which would make runs differ.
    (cd "$work" && rm -rf .schemathesis .hypothesis "$name.json" && PYTHONPATH="$here/openapi" \
        PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=unsent_requests "$@" sh -c '"$0" --config-file "$1" run "$2" --url "$SESSIONS_URL" \
        --report json --report-json-path "$3" --no-color' \
        "$bin/schemathesis" "$here/openapi/schemathesis.toml" "$document" "$work/$name.json") \
        >"$work/$name.log" 2>&1 || status=$?
    ((status == 0)) || cat "$work/$name.log" >&2
    "$bin/python" - "$name" "$work/$name.json" <<'PYTHON' || status=1
import json, sys

name, path = sys.argv[1:]
report = json.load(open(path))
operations, calls = report["operations"], report["test_cases"]
failures = sum(failure["count"] for failure in report["failures"]) + len(report["errors"])
print(
    f"openapi: {name} service: {operations['tested']} operations, {calls['generated']} calls, "
    f"{failures} failures, seed {report['seed']}, {report['running_time']:.0f} s"
)
if failures or not report["complete"] or operations["tested"] != operations["total"]:
    sys.exit(1)
PYTHON
    return "$status"
}

status=0
# Built as `cargo test --all-features` does, so that nothing is built twice.
cargo build --all-features --quiet --manifest-path "$root/Cargo.toml" --example with_embedded_service
check embedded "$root/target/debug/examples/with_embedded_service" || status=1
check real "$here/with-service.sh" || status=1
exit "$status"
