#!/usr/bin/env bash
# Runs a command against the real sessions service, or a sibling of it, and exits with the status of the command.
#
#   ./with-service.sh [--old|--mongodb|--settings|--roles|--accounts|--passwords] COMMAND [ARGUMENT…]
#
# --old starts the older generation of the service, and --mongodb the service with its MongoDB persistence over a fake of
# mongod. Both set $SESSIONS_DEVIATIONS for the contract tests. The other options start other services of the framework,
# which the command finds at $SETTINGS_URL, $ROLES_URL, $ACCOUNTS_URL and $PASSWORDS_URL. $SETTINGS_EXCLUSIVE and so on
# confirm to their contract tests that nothing else uses the service.
#
# The service is installed if necessary, listens on a free port of the loopback interface, and is stopped after the command
# has ended. The command finds it at $SESSIONS_URL, and the gRPC interfaces of the default service at $SESSIONS_GRPC_URL. Since nothing else uses the service, $SESSIONS_CLOSE_EXPIRED allows the
# contract tests to close expired sessions.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=service-sessions-node
deviations=${SESSIONS_DEVIATIONS-}
packages=(service-sessions-node)
sibling=
case ${1-} in
    --old)
        name=service-sessions-node-old
        deviations=old
        packages=("$name")
        shift
        ;;
    --mongodb)
        name=service-sessions-node-mongodb
        deviations=mongodb
        packages+=(mongod)
        shift
        ;;
    --settings | --roles | --accounts | --passwords)
        sibling=${1#--}
        name=service-$sibling-node
        packages=("$name")
        shift
        ;;
esac
if (($# == 0)); then
    echo "usage: $0 [--old|--mongodb|--settings|--roles|--accounts|--passwords] COMMAND [ARGUMENT...]" >&2
    exit 64
fi
pid=

stop() {
    [[ -n $pid ]] || return 0
    kill "$pid" 2>/dev/null || true
    for _ in {1..50}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    pid=
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

free_port() {
    node -e '
        const server = require("net").createServer();
        server.listen(0, "127.0.0.1", () => {
            console.log(server.address().port);
            server.close();
        });'
}

# Waits until the service at port $1 responds. Fails if process $2 has ended, or after 30 seconds.
wait_until_ready() {
    node -e '
        const [port, pid] = process.argv.slice(1).map(Number);
        const http = require("http");
        const deadline = Date.now() + 30000;
        const again = () => {
            try {
                process.kill(pid, 0);
            } catch {
                process.exit(1);
            }
            if (Date.now() > deadline) process.exit(2);
            setTimeout(ask, 50);
        };
        const ask = () => {
            const request = http.get({ host: "127.0.0.1", port, path: "/heartbeat", agent: false, timeout: 1000 });
            request.on("response", response => (response.statusCode === 200 ? process.exit(0) : again()));
            request.on("timeout", () => request.destroy(new Error("no response in time")));
            request.on("error", again);
        };
        ask();' "$1" "$2"
}

for package in "${packages[@]}"; do
    "$here/install.sh" "$package"
done
port=$(free_port)
grpc_port=
if [[ -n $sibling ]]; then
    start=("$here/start-node.sh" "$name" "$port")
elif [[ $name == service-sessions-node ]]; then
    grpc_port=$(free_port)
    start=("$here/$name/start.sh" "$port" "$grpc_port")
else
    start=("$here/$name/start.sh" "$port")
fi
# In a process group of its own: Ctrl-C must not end the service while the command cleans up.
set -m
"${start[@]}" >&2 </dev/null &
pid=$!
set +m
if ! wait_until_ready "$port" "$pid"; then
    echo "$0: the service did not start at port $port within 30 seconds." >&2
    echo "To see its log, run: LOG_LEVEL=trace ${start[*]}" >&2
    exit 69
fi

if [[ -n $sibling ]]; then
    export "${sibling^^}_URL=http://127.0.0.1:$port"
    export "${sibling^^}_EXCLUSIVE=yes"
else
    export SESSIONS_URL=http://127.0.0.1:$port
    export SESSIONS_GRPC_URL=${grpc_port:+http://127.0.0.1:$grpc_port}
    export SESSIONS_DEVIATIONS=$deviations
    export SESSIONS_CLOSE_EXPIRED=yes
fi
export NO_PROXY="127.0.0.1,${NO_PROXY-}"
export no_proxy="127.0.0.1,${no_proxy-}"
# In the background, so that a signal to this script alone reaches the command at once, which may clean up while the service
# still runs. It stays in the process group, whose signals it receives as in the foreground.
(trap - INT QUIT; exec "$@") <&0 &
command=$!
# The command has received these from the terminal. A second one would make some programs end without cleaning up.
trap 'is_interrupted=yes' HUP INT
trap 'is_interrupted=yes; kill -TERM "$command" 2>/dev/null' TERM
while
    is_interrupted= status=0
    wait "$command" || status=$?
    # The status is that of `wait` then.
    [[ -n $is_interrupted ]]
do :; done
exit "$status"
