#!/bin/sh
# Builds dist/ompq-VERSION-py3-none-manylinux_2_34_x86_64.whl: a build of its own with LibTorch 2.x (packaging/torch.sh), whose
# installation packaging/make_wheel.py assembles. `auditwheel show` then says which systems it runs on.
#
#   packaging/build_wheel.sh [JOBS]
set -eu

cd -- "$(dirname -- "$0")/.."
jobs=${1:-$(nproc)}
build=build/wheel

scripts/bootstrap.sh --wheel
packaging/torch.sh
mkdir -p "$build"
# The folder of this build must not appear in the files, so that any folder gives the same bytes: no names of sources, and no
# RPATH (make_wheel.py sets the final one). Programs that run during the build find LibTorch by the environment.
flags="-ffile-prefix-map=$(pwd)=."
export LD_LIBRARY_PATH="$(pwd)/build/torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DOMPQ_TORCH="$(pwd)/build/torch" -DOMPQ_PORTABLE=ON -DOMPQ_TIFF=OFF \
  -DOMPQ_TESTS=OFF -DCMAKE_SKIP_RPATH=ON -DCMAKE_CXX_FLAGS="$flags" -DCMAKE_INSTALL_LIBDIR=lib -DOMPQ_PYTHON_SITE=python \
  -DCMAKE_INSTALL_PREFIX="$(pwd)/$build/installed" >"$build/configure.log" 2>&1 || {
  cat "$build/configure.log"
  exit 1
}
cmake --build "$build" --parallel "$jobs" --target ompq_program ompq_python ompq_demo_files
rm -rf "$build/installed"
for component in program python; do
  cmake --install "$build" --component "$component" >"$build/install.log"
done
rm -f dist/ompq-*.whl
python3 packaging/make_wheel.py "$build/installed" "$build/installed/python" build/torch dist

# --- which systems it runs on ---
venv=build/auditwheel
if ! "$venv/bin/auditwheel" --version >/dev/null 2>&1; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --no-input --disable-pip-version-check --only-binary :all: -r packaging/requirements.txt
fi
"$venv/bin/auditwheel" show dist/ompq-*.whl
