#!/usr/bin/env bash
# Runs the contract tests against every available implementation, and the official client against the first two.
#
#   ./all.sh [--allow-skipped]
#
# The implementations are the embedded service, the real one with sessions in memory and in MongoDB, its older generation,
# and the service at $SESSIONS_URL if that is set. Those that need missing programs are skipped. Prints a table of results
# at the end. Exits with 1 if anything failed, or was skipped without --allow-skipped.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

allow_skipped=
case ${1-} in
    --allow-skipped) allow_skipped=yes ;;
    ?*)
        echo "usage: $0 [--allow-skipped]" >&2
        exit 64
        ;;
esac

export INSTA_UPDATE=${INSTA_UPDATE:-no}
providers=snapshots/providers
url=${SESSIONS_URL-}
unset SESSIONS_URL
table=()
failed=0 skipped=0

provider() {
    local name=$1
    shift
    printf '\n==> %s\n' "$name"
    if "$@"; then
        table+=("passed   $name")
    else
        table+=("FAILED   $name")
        failed=1
    fi
}

skip() {
    printf '\n==> %s\nskipped: %s\n' "$1" "$2"
    table+=("SKIPPED  $1: $2")
    skipped=$((skipped + 1))
}

.ci/build-programs contract loadtest || exit

live=(env SESSIONS_FAIL_ON=harmless cargo test --all-features --test live -- live::)

# Every difference must be accepted, and every deviation needed.
deviating=(target/debug/contract check --close-expired --fail-on harmless --fail-on-unused)

provider "embedded service" target/debug/examples/with_embedded_service "${live[@]}"
provider "embedded service: a termination signal" "$providers/signals.sh" target/debug/examples/with_embedded_service
if command -v node >/dev/null && command -v npm >/dev/null; then
    provider "service-sessions-node" "$providers/with-service.sh" "${live[@]}"
    provider "service-sessions-node: a termination signal" "$providers/signals.sh" "$providers/with-service.sh"
    provider "service-sessions-node: raw bytes, and the tests of other clients" "$providers/with-service.sh" \
        cargo test --all-features --test framing --test replay
    provider "pip-services-sessions-node, the older generation" "$providers/with-service.sh" --old "${deviating[@]}"
    provider "service-sessions-node, recorded: replayed, and as a mock" "$providers/with-service.sh" "$providers/cassette.sh"
    provider "service-sessions-node over gRPC: checks and load tests" "$providers/with-service.sh" "$providers/grpc.sh"
    provider "mongod: the fake, by the driver of the service" "$providers/mongod/test.sh"
    provider "service-sessions-node with MongoDB" "$providers/with-service.sh" --mongodb "${deviating[@]}"
    provider "official client: the embedded service is indistinguishable from the real one" "$providers/official-client.sh"
else
    for name in "service-sessions-node" "pip-services-sessions-node, the older generation" "recorded service" \
        "service-sessions-node with MongoDB" "official client"; do
        skip "$name" "Node.js with npm is not installed"
    done
fi
if [[ -n $url ]]; then
    provider "the service at SESSIONS_URL" env SESSIONS_URL="$url" "${live[@]}"
else
    table+=("-        the service at SESSIONS_URL: not set")
fi

printf '\n'
printf '%s\n' "${table[@]}"
if ((skipped > 0)) && [[ -z $allow_skipped ]]; then
    echo "$0: $skipped skipped; install the missing programs, or pass --allow-skipped" >&2
    exit 1
fi
exit "$failed"
