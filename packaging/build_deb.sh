#!/bin/sh
# Builds the Debian packages ompq, libompqX.Y, libompq-dev and python3-ompq for this Debian release, with its own LibTorch, in dist/.
#
#   packaging/build_deb.sh [JOBS]
set -eu

cd -- "$(dirname -- "$0")/.."
jobs=${1:-$(nproc)}
build=build/deb

scripts/bootstrap.sh --deb
mkdir -p "$build" dist
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
# The folder of this build must not appear in the files.
flags="-ffile-prefix-map=$(pwd)=."
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOMPQ_TESTS=OFF -DCMAKE_CXX_FLAGS="$flags" \
  -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_SKIP_RPATH=ON -DOMPQ_PYTHON_SITE=lib/python3/dist-packages >"$build/configure.log" 2>&1 || {
  cat "$build/configure.log"
  exit 1
}
cmake --build "$build" --parallel "$jobs" --target ompq ompq_program ompq_python ompq_demo_files
rm -f "$build"/*.deb dist/*.deb
(cd "$build" && cpack -G DEB >cpack.log) || {
  cat "$build/cpack.log"
  exit 1
}
for package in "$build"/*.deb; do
  mv "$package" dist/
  dpkg-deb --info "dist/$(basename "$package")" | sed -n 's/^ \(Package\|Version\|Depends\|Recommends\|Installed-Size\):/  \1:/p'
done
