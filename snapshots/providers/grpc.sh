#!/usr/bin/env bash
# Makes a check of the gRPC interfaces of the service at $SESSIONS_GRPC_URL, and a load test of all scenarios over each.
#
#   ./with-service.sh ./grpc.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.ci/build-programs contract loadtest
programs=${CARGO_TARGET_DIR:-target}/debug
check=("$programs/contract" check "$SESSIONS_GRPC_URL" --close-expired --fail-on harmless --fail-on-unused)
# Only this implementation has deviations, and only in its typed interface.
unset SESSIONS_DEVIATIONS

"${check[@]}" --protocol commandable-grpc
"${check[@]}" --protocol grpc --deviations grpc
for protocol in commandable-grpc grpc; do
    "$programs/loadtest" --host "$SESSIONS_GRPC_URL" --protocol "$protocol" --users 4 --run-time 5s \
        --scenario lifecycle=3,browse=2,hot-session=2,read-mostly=2,churn=1 --report-file "target/$protocol.html"
done
