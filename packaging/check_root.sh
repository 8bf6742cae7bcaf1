#!/bin/sh
# Tries files of dist/ in a bare root of a Debian release, made by debootstrap: the wheel in a virtual environment of that release's
# Python, or the Debian packages, which are then removed without traces; or runs `make test` of HEAD there. Needs root and the packages
# debootstrap and ca-certificates.
#
#   packaging/check_root.sh RELEASE ROOT wheel dist/ompq-*.whl
#   packaging/check_root.sh RELEASE ROOT deb dist/*.deb
#   packaging/check_root.sh RELEASE ROOT tests
#
# RELEASE is bookworm or trixie. ROOT is created if it is missing, and kept.
set -eu

[ $# -ge 4 ] || [ "${3:-}" = tests ] || {
  sed -n 's/^#   \(packaging.*\)/usage: \1/p' "$0" >&2
  exit 2
}
release=$1
root=$2
kind=$3
shift 3
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

[ -x "$root/usr/bin/apt-get" ] || debootstrap --variant=minbase --include=ca-certificates "$release" "$root" >/dev/null
mkdir -p "$root/try"
rm -rf "$root"/try/*
cp "$@" "$here/check_wheel.sh" "$root/try/"
# The proxy and the certificates of this machine, if any.
cp -f /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
for file in /etc/apt/apt.conf.d/*proxy*; do [ ! -e "$file" ] || cp "$file" "$root/etc/apt/apt.conf.d/"; done
mkdir -p "$root/etc/ssl/certs"
cp -f /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"; ! mountpoint -q "$root/src/shared" || umount "$root/src/shared"' EXIT

in_root() {
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"} ${PIP_CERT:+PIP_CERT="$PIP_CERT"} sh -eu -c "$1"
}

# Every file, but for what package managers keep of their own work.
files() {
  (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./try -o -path ./var/cache \
    -o -path ./var/log -o -path ./var/lib/apt -o -path ./var/lib/dpkg \) -prune -o -print | sort)
}

case $kind in
  wheel)
    in_root 'apt-get -qq update && apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null'
    in_root 'cd /try && sh check_wheel.sh ompq-*.whl'
    ;;
  deb)
    in_root 'apt-get -qq update'
    files >"$root/try/before"
    in_root 'apt-get -qq install --yes --no-install-recommends /try/*.deb >/dev/null'
    in_root 'ompq --version --verbose && ompq demo --output /try/demo && python3 -c "import ompq; print(ompq.inspect(\"/try/demo/resnet20-3bit.onnx\"))" | head -c 300'
    in_root 'test -e /usr/include/ompq.h && ls /usr/share/man/man1/ompq.1* /usr/share/bash-completion/completions/ompq'
    in_root "apt-get -qq purge --yes 'ompq*' 'libompq*' python3-ompq >/dev/null && apt-get -qq autoremove --purge --yes >/dev/null"
    files >"$root/try/after"
    if ! diff "$root/try/before" "$root/try/after" | grep '^>.*ompq'; then
      echo "no files of ompq remain"
    else
      echo "check_root: these files remain" >&2
      exit 1
    fi
    ;;
  tests)
    in_root 'apt-get -qq update && apt-get -qq install --yes --no-install-recommends git make >/dev/null'
    [ -d "$root/src/ompq/.git" ] || git clone --quiet "$here/.." "$root/src/ompq" # an earlier build is used again
    git -C "$root/src/ompq" fetch --quiet "$(realpath "$here/..")" HEAD
    git -C "$root/src/ompq" reset --quiet --hard FETCH_HEAD
    if [ -d "$here/../../shared" ]; then
      mkdir -p "$root/src/shared"
      mountpoint -q "$root/src/shared" || mount --bind "$here/../../shared" "$root/src/shared"
    fi
    in_root 'cd /src/ompq && make test'
    ;;
  *)
    echo "check_root: '$kind' is none of wheel, deb and tests" >&2
    exit 2
    ;;
esac
