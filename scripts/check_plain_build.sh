#!/bin/sh
# Parses every source separately, without unity files and precompiled headers, to find missing includes. Nothing is
# linked.
#
#   scripts/check_plain_build.sh          all sources
#   scripts/check_plain_build.sh K N      the K-th of N parts, K from 0 on; other numbers wrap around
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/plain
part=${1:-0}
parts=${2:-1}

"$root/scripts/configure_plain.sh"

# One command per line: its directory, a tab, the compiler call without its output file.
commands=$build/commands.txt
sed -n -e 's/^  "directory": "\(.*\)",$/\1/p' -e 's/^  "command": "\(.*\)",$/\1/p' "$build/compile_commands.json" |
  sed -e 's/\\"/"/g' -e 's/\\\\/\\/g' | paste - - |
  awk -v part=$((part % parts)) -v parts="$parts" '(NR - 1) % parts == part' |
  sed -e 's/ -o [^ ]* -c / -fsyntax-only /' -e "s/\t[^\t]*ccache /\t/" >"$commands"

count=$(wc -l <"$commands")
echo "plain build: parsing $count sources (part $((part % parts + 1)) of $parts)"
failed=0
# shellcheck disable=SC2016  # the inner shell expands them
tr '\n' '\0' <"$commands" | xargs -0 -P "$(nproc)" -n 1 sh -c '
  cd "${1%%	*}" && eval "${1#*	}"' sh || failed=1
[ "$failed" -eq 0 ] || {
  echo "plain build: a source above lacks an include, or does not compile" >&2
  exit 1
}
