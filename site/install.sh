#!/bin/sh
# Installs what `make site` uses, all pinned: Sphinx with its extensions in the virtual environment venv/, and KaTeX in node_modules/.
# If all is installed it changes nothing and needs no network.
set -eu
cd -- "$(dirname -- "$0")"

# Debian's Python, whose python3-venv packages.txt names; another one may come before it in PATH.
python() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

install_python() {
  # Copied last: if it exists, everything was installed. An environment of a Python that was removed does not start.
  if cmp -s requirements.txt venv/installed.txt && venv/bin/python -c '' 2>/dev/null; then
    return
  fi
  rm -rf venv
  unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
  "$(python)" -m venv venv
  venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --only-binary :all: -r requirements.txt
  cp requirements.txt venv/installed.txt
}

install_node() {
  if cmp -s package-lock.json node_modules/installed.json; then
    return
  fi
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/installed.json
}

install_python
install_node
