#!/bin/sh
# Builds with LibTorch 2.x (packaging/torch.sh) instead of Debian's, in build/torch2, and runs all tests.
#
#   scripts/check_torch2.sh [JOBS]
set -eu

cd -- "$(dirname -- "$0")/.."
jobs=${1:-$(nproc)}
build=build/torch2

scripts/bootstrap.sh --judge
scripts/bootstrap.sh --wheel
packaging/torch.sh
mkdir -p "$build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOMPQ_TORCH="$(pwd)/build/torch" >"$build/configure.log" 2>&1 || {
  cat "$build/configure.log"
  exit 1
}
cmake --build "$build" --parallel "$jobs"
exec scripts/run_tests.sh "$build" "$jobs"
