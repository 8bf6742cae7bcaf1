#!/bin/sh
# Bundles the page of `ompq report` into a C++ source. Never fails for want of npm or of a network: then the rest of
# ompq is built without the page, and says so.
#
#   web/build.sh SOURCE.cpp
set -eu

web=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$1
least_node=18

without_page() {
  echo "web: this build's 'ompq report' has no page: $1" >&2
  cp -- "$web/no_page.cpp" "$source"
  touch -d 1970-01-02 -- "$source"  # older than what it is made of: the next build tries again
  exit 0
}

command -v node >/dev/null || without_page "node is missing; install nodejs and npm, and build again"
[ "$(node -p 'parseInt(process.versions.node)')" -ge "$least_node" ] ||
  without_page "node is $(node --version); it takes $least_node or newer"
if [ ! -d "$web/node_modules" ]; then
  command -v npm >/dev/null || without_page "npm is missing; install npm, and build again"
fi
sh "$web/install.sh" >&2 ||
  without_page "npm could not fetch what $web/package-lock.json names; connect to the network, and build again"
node "$web/build.mjs" "$source"
