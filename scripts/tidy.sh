#!/bin/sh
# Checks sources with clang-tidy: those that are named, or all of src/ and apps/.
set -eu
cd -- "$(dirname -- "$0")/.."
command -v clang-tidy >/dev/null || {
  echo "tidy: clang-tidy is missing; scripts/bootstrap.sh --dev installs it" >&2
  exit 1
}
scripts/configure_plain.sh
if [ "$#" -gt 0 ]; then
  printf '%s\0' "$@"
else
  git ls-files -z 'src/*.cpp' 'apps/*.cpp'
fi | xargs -0 -P "$(nproc)" -n 4 clang-tidy --quiet -p build/plain
