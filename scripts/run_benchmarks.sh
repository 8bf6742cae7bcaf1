#!/bin/sh
# Runs all benchmark programs of a build tree.
#
#   scripts/run_benchmarks.sh BUILD_FOLDER
set -eu

found=no
for program in "$1"/bin/bench_*; do
  [ -x "$program" ] || continue
  found=yes
  echo "--- $(basename "$program")"
  "$program"
done
[ "$found" = yes ] || {
  echo "run_benchmarks: no benchmark program in $1/bin" >&2
  exit 1
}

echo "--- features and ORM compared with ONNX Runtime's float forward pass"
node "$(dirname -- "$0")/../bench/run_features.mjs" "$1"

echo "--- packed files in ONNX Runtime compared with the float files"
node "$(dirname -- "$0")/../bench/run_sessions.mjs" "$1"

echo "--- the page of ompq report with 300 layers"
node "$(dirname -- "$0")/../bench/report_page.mjs" "$1"
