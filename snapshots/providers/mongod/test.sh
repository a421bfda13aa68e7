#!/usr/bin/env bash
# Calls the fake of mongod with the driver of the service.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

../install.sh mongod
npm test --silent
