#!/bin/sh
# Installs the judge's one package, pinned by package-lock.json. Its install script only fetches GPU libraries, so it is not run.
set -eu
cd -- "$(dirname -- "$0")"
if [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
  exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
touch node_modules/.package-lock.json
