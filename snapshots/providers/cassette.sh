#!/usr/bin/env bash
# Records a check of the service at $SESSIONS_URL, and requires the same result without that service: from the recording
# alone, and from a mock that serves it.
#
#   ./with-service.sh ./cassette.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=$(mktemp -d)
mock=
trap '[[ -z $mock ]] || kill "$mock" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

.ci/build-programs contract
contract=${CARGO_TARGET_DIR:-target}/debug/contract
check=(--close-expired --fail-on harmless)

echo "recording $SESSIONS_URL"
"$contract" check "$SESSIONS_URL" "${check[@]}" --record "$folder/recording.har"

echo "replaying the recording"
# Neither command may read the address of the service.
unset SESSIONS_URL
"$contract" replay "$folder/recording.har" --fail-on harmless

echo "checking a mock"
mkfifo "$folder/address"
"$contract" mock "$folder/recording.har" --port 0 >"$folder/address" &
mock=$!
read -r line <"$folder/address"
"$contract" check "${line##* }" "${check[@]}"
