#!/bin/sh
# Installs a wheel in empty virtual environments and tries it there: the program, the demo and the module. Where the kernel permits it
# (unshare), without any network. Fails if `ompq --help` takes more than 50 ms or `ompq demo` more than a minute.
#
#   packaging/check_wheel.sh dist/ompq-*.whl [PYTHON ...]     default: python3
set -eu

[ $# -gt 0 ] || {
  echo "usage: $0 WHEEL [PYTHON ...]" >&2
  exit 2
}
wheel=$(realpath "$1")
shift
[ $# -gt 0 ] || set -- python3
if [ "${OMPQ_WITHOUT_NETWORK:-}" != 1 ]; then
  for options in --net '--map-root-user --net'; do
    # shellcheck disable=SC2086  # one word per option
    if unshare $options true 2>/dev/null; then
      export OMPQ_WITHOUT_NETWORK=1
      exec unshare $options sh "$0" "$wheel" "$@"
    fi
  done
fi
[ "${OMPQ_WITHOUT_NETWORK:-}" = 1 ] && echo "without network" || echo "no namespace without network; pip gets --no-index"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

fail() {
  echo "check_wheel: $1" >&2
  exit 1
}

milliseconds() { # the least wall-clock time of five runs
  for _ in 1 2 3 4 5; do
    begin=$(date +%s%N)
    "$@" >/dev/null
    echo $(($(date +%s%N) - begin))
  done | sort -n | head -1 | awk '{ printf "%d\n", $1 / 1e6 }'
}

for python in "$@"; do
  version=$("$python" --version) || fail "$python does not run"
  echo "== $version"
  rm -rf venv demo
  "$python" -m venv venv
  begin=$(date +%s)
  venv/bin/pip install --quiet --no-index --no-deps --disable-pip-version-check "$wheel"
  echo "install: $(($(date +%s) - begin)) s, $(du -sm venv/lib venv/share | awk '{ sum += $1 } END { print sum }') MB with pip"
  took=$(milliseconds venv/bin/ompq --help)
  echo "ompq --help: $took ms"
  [ "$took" -le 50 ] || fail "ompq --help takes more than 50 ms"
  begin=$(date +%s)
  venv/bin/ompq demo --output demo >demo.log 2>&1 || {
    cat demo.log
    exit 1
  }
  took=$(($(date +%s) - begin))
  echo "ompq demo: $took s"
  [ "$took" -le 60 ] || fail "ompq demo takes more than a minute"
  grep '^network \|^auto ' demo.log || fail "ompq demo printed no table"
  for file in resnet20-3bit.onnx resnet20-3bit.json report.html; do
    [ -s "demo/$file" ] || fail "ompq demo wrote no $file"
  done
  grep -q '</html>' demo/report.html || fail "report.html is not complete"
  venv/bin/python - demo <<'END'
import json, re, sys
import ompq

rows = ompq.inspect(sys.argv[1] + "/resnet20-3bit.onnx")
json.dumps(rows)
runtimes = {line.split()[-1] for line in open("/proc/self/maps") if re.search(r"lib(gomp|omp|iomp5)[-.]", line)}
assert len(runtimes) == 1, runtimes
print(f"module: version {ompq.__version__}, {len(rows['layers'])} layers, one OpenMP runtime")
END
  venv/bin/pip uninstall --quiet --yes ompq
  left=$(find venv -type f -iname '*ompq*' | head)
  [ -z "$left" ] || fail "these remain after pip uninstall: $left"
done
