#!/bin/sh
# Installs the two judges, each pinned: onnxruntime-node next to package-lock.json, whose install script only fetches GPU libraries
# and is not run, and PyPI's onnxruntime in the virtual environment venv/. Where both are there it changes nothing and needs no
# network.
set -eu
cd -- "$(dirname -- "$0")"

install_node() {
  if [ -f node_modules/.package-lock.json ] && [ ! package-lock.json -nt node_modules/.package-lock.json ]; then
    return
  fi
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
}

# Debian's Python, whose python3-venv packages.txt names; another one may come before it in PATH.
python() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

install_python() {
  # Copied last: where it is, all was installed. An environment of a Python that is gone does not start.
  if cmp -s requirements.txt venv/installed.txt && venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  rm -rf venv
  unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
  "$(python)" -m venv venv
  venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --only-binary :all: -r requirements.txt
  cp requirements.txt venv/installed.txt
}

install_node
install_python
