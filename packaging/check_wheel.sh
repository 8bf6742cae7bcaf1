#!/bin/sh
# Installs a wheel in empty virtual environments, without network, and tries it there: the program, the demo and the module.
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
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV

seconds() { # the least wall-clock time of five runs
  for _ in 1 2 3 4 5; do
    begin=$(date +%s%N)
    "$@" >/dev/null
    echo $(($(date +%s%N) - begin))
  done | sort -n | head -1 | awk '{ printf "%.3f s\n", $1 / 1e9 }'
}

for python in "$@"; do
  echo "== $("$python" --version)"
  rm -rf venv demo
  "$python" -m venv venv
  begin=$(date +%s)
  venv/bin/pip install --quiet --no-index --no-deps --disable-pip-version-check "$wheel"
  echo "install: $(($(date +%s) - begin)) s, $(du -sm venv/lib venv/share | awk '{ sum += $1 } END { print sum }') MB with pip"
  echo "ompq --help: $(seconds venv/bin/ompq --help)"
  begin=$(date +%s)
  venv/bin/ompq demo --output demo >demo.log 2>&1 || {
    cat demo.log
    exit 1
  }
  echo "ompq demo: $(($(date +%s) - begin)) s"
  ls -l demo
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
  [ -z "$left" ] || {
    echo "check_wheel: these remain after pip uninstall: $left" >&2
    exit 1
  }
done
