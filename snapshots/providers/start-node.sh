#!/usr/bin/env bash
# Runs a service of the framework from npm at 127.0.0.1:PORT, in the foreground and without a child process, so that
# killing its process ends the service.
#
#   ./start-node.sh FOLDER PORT
#
# The folder has the name of the package, and config.yml with {{SERVICE_PORT}}.
#
# LOG_LEVEL   none (the default), fatal, error, warn, info, debug or trace
set -euo pipefail

if [[ ! ${2-} =~ ^[1-9][0-9]{0,4}$ ]]; then
    echo "usage: $0 FOLDER PORT" >&2
    exit 64
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
service=$here/$1/node_modules/$1/bin/main.js
if [[ ! -f $service ]]; then
    echo "$0: the service is not installed. Install it with" >&2
    echo "    $here/install.sh $1" >&2
    exit 69
fi

export SERVICE_PORT=$2
export TZ=UTC
export LOG_LEVEL=${LOG_LEVEL:-none}
# Suppresses a notice that a dependency would print at the start.
export AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1
exec node --no-deprecation "$service" -c "$here/$1/config.yml"
