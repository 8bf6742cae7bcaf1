#!/bin/sh
# Configures build/plain, whose compiler calls have a source each, without unity files and precompiled headers, and generates the sources that the
# build writes. Nothing is compiled.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$root/build/plain

mkdir -p "$build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOMPQ_UNITY=OFF -DOMPQ_PRECOMPILED=OFF \
  -DOMPQ_BENCH=ON -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$build/configure.log" 2>&1 || {
  cat "$build/configure.log"
  exit 1
}
sed -n -e 's/^  "file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | grep "^$build/" | sort -u |
  while read -r source; do
    [ -e "$source" ] || cmake --build "$build" --target "${source#"$build/"}" || exit 1
  done
