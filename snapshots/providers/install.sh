#!/usr/bin/env bash
# Installs the npm packages of a provider, unless those of its lock file are installed already.
#
#   ./install.sh FOLDER
#
# Install scripts are not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/${1:?usage: $0 FOLDER}"

# npm writes this lock file at the end, so that it identifies a complete installation of the same versions.
installed=node_modules/.package-lock.json
if [[ ! -f $installed || package-lock.json -nt $installed ]]; then
    npm ci --ignore-scripts --no-audit --no-fund >&2
fi
