#!/bin/sh
# Installs what the page is bundled with, pinned by package-lock.json; without a network where that is done already.
set -eu
cd -- "$(dirname -- "$0")"
if [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
  exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1 --fetch-retry-mintimeout=1000
touch node_modules/.package-lock.json
