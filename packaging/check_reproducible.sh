#!/bin/sh
# Builds a release of HEAD in two new folders below FOLDER, whose paths have different lengths, and compares each file: source archive,
# wheel, Debian packages, list of contents and SHA256SUMS. FOLDER is created, and removed if all are the same.
#
#   packaging/check_reproducible.sh FOLDER [TARGET]     TARGET: release (default), wheel or deb
set -eu

[ $# -ge 1 ] || {
  echo "usage: $0 FOLDER [release|wheel|deb]" >&2
  exit 2
}
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
folder=$1
target=${2:-release}
commit=$(git -C "$root" rev-parse HEAD)
mkdir -p "$folder"
folder=$(CDPATH='' cd -- "$folder" && pwd)

for name in first another/folder; do
  rm -rf "${folder:?}/$name"
  git clone --quiet "$root" "$folder/$name"
  git -C "$folder/$name" checkout --quiet --detach "$commit"
  if [ -d "$root/build/torch" ]; then # fetched once
    mkdir -p "$folder/$name/build"
    cp -r "$root/build/torch" "$folder/$name/build/torch"
  fi
  make -C "$folder/$name" "$target" >"$folder/$name/build.log" 2>&1 || {
    tail -n 50 "$folder/$name/build.log" >&2
    exit 1
  }
done

status=0
for file in "$folder"/first/dist/*; do
  name=$(basename "$file")
  if cmp "$file" "$folder/another/folder/dist/$name"; then
    echo "$name: the same $(stat -c %s "$file") bytes"
  else
    status=1
  fi
done
[ "$status" -ne 0 ] || rm -rf "$folder"
exit "$status"
