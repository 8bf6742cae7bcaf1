#!/bin/sh
# Builds the documentation site of a build folder and checks its pages.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
pages=$1/site-pages
status=0
sh "$here/../../site/build.sh" "$1" "$pages" || status=$?
if [ "$status" -eq 77 ] && [ -n "${OMPQ_REQUIRE_JUDGE:-}" ]; then status=1; fi
[ "$status" -eq 0 ] || exit "$status"
exec node "$here/check.mjs" "$pages"
