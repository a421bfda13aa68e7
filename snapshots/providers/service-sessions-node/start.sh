#!/usr/bin/env bash
# Runs the real sessions service at 127.0.0.1:PORT, in the foreground and without a child process, so that
# killing its process ends the service.
#
#   ./start.sh PORT [GRPC_PORT]
#
# With GRPC_PORT, it also listens there for gRPC and commandable gRPC.
#
# LOG_LEVEL   none (the default), fatal, error, warn, info, debug or trace
set -euo pipefail

if [[ ! ${1-} =~ ^[1-9][0-9]{0,4}$ || ! ${2-1} =~ ^[1-9][0-9]{0,4}$ ]]; then
    echo "usage: $0 PORT [GRPC_PORT]" >&2
    exit 64
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
service=$here/node_modules/service-sessions-node/bin/main.js
if [[ ! -f $service ]]; then
    echo "$0: the service is not installed. Install it with" >&2
    echo "    ${here%/*}/install.sh service-sessions-node" >&2
    exit 69
fi

export SESSIONS_PORT=$1
export SESSIONS_GRPC_PORT=${2-}
# The service parses times without a zone in the zone of its host.
export TZ=UTC
export LOG_LEVEL=${LOG_LEVEL:-none}
# Suppresses a notice that a dependency would print at the start.
export AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1
exec node --no-deprecation "$service" -c "$here/config.yml"
