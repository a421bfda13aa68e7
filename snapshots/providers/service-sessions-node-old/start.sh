#!/usr/bin/env bash
# Runs the older generation of the sessions service at 127.0.0.1:PORT, in the foreground and without a child process, so that
# killing its process ends the service.
#
#   ./start.sh PORT
#
# LOG_LEVEL   none (the default), fatal, error, warn, info, debug or trace
set -euo pipefail

if [[ ! ${1-} =~ ^[1-9][0-9]{0,4}$ ]]; then
    echo "usage: $0 PORT" >&2
    exit 64
fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
service=$here/node_modules/pip-services-sessions-node/bin/run.js
if [[ ! -f $service ]]; then
    echo "$0: the service is not installed. Install it with" >&2
    echo "    ${here%/*}/install.sh service-sessions-node-old" >&2
    exit 69
fi

export SESSIONS_PORT=$1
export LOG_LEVEL=${LOG_LEVEL:-none}
# Suppresses a notice that a dependency would print at the start.
export AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1
exec node --no-deprecation -r "$here/shim.js" "$service" -c "$here/config.yml"
