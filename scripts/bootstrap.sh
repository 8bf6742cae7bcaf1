#!/bin/sh
# Installs the missing packages of packages.txt. If nothing is missing, it changes nothing and needs no network.
#
#   scripts/bootstrap.sh           dependencies of the build and the demo
#   scripts/bootstrap.sh --judge   also those of tests and benchmarks: three builds of the stock ONNX runtime, OpenVINO, a browser,
#                                  an emulator, pytest, NumPy, Pillow and tqdm, and those of --site
#   scripts/bootstrap.sh --site    dependencies of the build and of the documentation site: Sphinx, Doxygen, KaTeX
#   scripts/bootstrap.sh --dev     dependencies of the build, and clang-format and clang-tidy
#   scripts/bootstrap.sh --tsan    the same, and an OpenMP runtime that the thread sanitizer knows
#   scripts/bootstrap.sh --fuzz    dependencies of the build, and clang with libFuzzer
#   scripts/bootstrap.sh --deb     dependencies of the build, and what makes Debian packages
#   scripts/bootstrap.sh --wheel   dependencies of the build, and what fetches LibTorch 2.x and makes the wheel
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
least_node=18

fail() {
  echo "bootstrap: $1" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints the packages of packages.txt that are missing.
missing_packages() {
  sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/packages.txt" | while read -r first rest; do
    case $first in
      tests | site | dev | tsan | fuzz | wheel | deb)
        case " $wanted " in *" $first "*) ;; *) continue ;; esac
        first=${rest%% *}
        rest=${rest#* }
        ;;
      torch2)
        [ "${debian:-0}" -ge 13 ] || continue
        first=${rest%% *}
        rest=${rest#* }
        ;;
    esac
    case $first in
      *:)
        if ! command -v "${first%:}" >/dev/null; then
          for package in $rest; do is_installed "$package" || echo "$package"; done
        fi
        ;;
      *) is_installed "$first" || echo "$first" ;;
    esac
  done
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "packages are missing ($missing); run as root, or install sudo"
  fi
}

# apt's output goes to a log, which is shown if it fails.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@" >>"$log" 2>&1 || {
    cat "$log" >&2
    fail "'apt-get $1' failed, see above"
  }
}

install_packages() {
  # shellcheck disable=SC2086  # one word per package
  set -- $missing
  echo "bootstrap: installing $# Debian packages and their dependencies: $missing"
  mkdir -p "$root/build"
  log=$root/build/bootstrap.log
  : >"$log"
  apt_get update
  apt_get install --yes --no-install-recommends "$@"
}

check_node() {
  found=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/')
  [ "${found:-0}" -ge "$least_node" ] ||
    fail "node is version ${found:-none}; the tests and the site need $least_node or newer"
}

case ${1:-} in
  '') wanted= ;;
  --judge) wanted="tests site" ;;
  --site) wanted=site ;;
  --dev) wanted=dev ;;
  --tsan) wanted="tests site tsan" ;;
  --fuzz) wanted=fuzz ;;
  --wheel) wanted=wheel ;;
  --deb) wanted=deb ;;
  *) fail "unknown option '$1'; the options are --judge, --site, --dev, --tsan, --fuzz, --deb and --wheel" ;;
esac

command -v dpkg-query >/dev/null ||
  fail "this is not Debian; install the equivalents of packages.txt manually, then use cmake directly"
debian=$(sed -n 's/^VERSION_ID="\{0,1\}\([0-9]*\).*/\1/p' /etc/os-release)
missing=$(missing_packages | sort -u | tr '\n' ' ')
missing=${missing% }
[ -z "$missing" ] || install_packages

case " $wanted " in
  *" site "*)
    check_node
    sh "$root/site/install.sh"
    ;;
esac
case $wanted in
  tests*)
    sh "$root/tests/judge/install.sh"
    sh "$root/tests/browser/install.sh"
    ;;
esac
