#!/usr/bin/env bash
# Tests that the official Node client cannot distinguish the embedded service from the real one.
#
#   ./official-client.sh [--accept]
#
# The client makes the same calls to both, including invalid ones. Its results are compared line by line: with each other,
# and with client-sessions-node/transcript.txt, which --accept replaces.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

providers=snapshots/providers
client=$providers/client-sessions-node
pinned=$client/transcript.txt
"$providers/install.sh" client-sessions-node
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$providers/with-service.sh" sh -c 'node "$1" >"$2"' - "$client/transcript.js" "$work/real"
cargo run --all-features --quiet --example with_embedded_service -- \
    sh -c 'node "$1" >"$2"' - "$client/transcript.js" "$work/embedded"

if ! diff -u --label "the real service" --label "the embedded service" "$work/real" "$work/embedded"; then
    echo "$0: the results of the official client differ between the real service and the embedded one" >&2
    exit 1
fi
if [[ ${1-} == --accept ]]; then
    cp "$work/real" "$pinned"
fi
if ! diff -u --label "$pinned" --label "the services today" "$pinned" "$work/real"; then
    echo "$0: the results differ from $pinned in the same way for both services; accept them with --accept" >&2
    exit 1
fi
echo "$(grep -c '^[a-zA-Z]*(' "$pinned") calls of the official client: equal results from the embedded service and the real one"
