#!/bin/sh
# Installs the browser tests' one package, pinned by package-lock.json. It drives the system's Chromium and fetches none.
set -eu
cd -- "$(dirname -- "$0")"
if [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
  exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
touch node_modules/.package-lock.json
