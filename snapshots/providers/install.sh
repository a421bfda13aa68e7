#!/usr/bin/env bash
# Installs the npm packages of a provider, unless those of its lock file are there.
#
#   ./install.sh FOLDER
#
# No install scripts are run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/${1:?usage: $0 FOLDER}"

# The lock file that npm leaves behind tells a finished installation from one that was broken off, and from one of other
# versions.
installed=node_modules/.package-lock.json
if [[ ! -f $installed || package-lock.json -nt $installed ]]; then
    npm ci --ignore-scripts --no-audit --no-fund >&2
fi
