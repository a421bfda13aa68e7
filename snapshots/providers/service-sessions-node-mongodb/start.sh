#!/usr/bin/env bash
# Runs the real sessions service with its MongoDB persistence at 127.0.0.1:PORT, in the foreground and without a child
# process. The database is the fake of mongod in ../mongod, in the same process.
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
for package in service-sessions-node mongod; do
    if [[ ! -d ${here%/*}/$package/node_modules ]]; then
        echo "$0: a package is not installed. Install it with" >&2
        echo "    ${here%/*}/install.sh $package" >&2
        exit 69
    fi
done

export SESSIONS_PORT=$1
# The service parses times without a zone in the zone of its host.
export TZ=UTC
export LOG_LEVEL=${LOG_LEVEL:-none}
# Suppresses notices that dependencies would print at the start.
export AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1 NODE_NO_WARNINGS=1
exec node "$here/main.js" -c "$here/config.yml"
