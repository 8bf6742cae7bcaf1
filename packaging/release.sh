#!/bin/sh
# Builds everything of a release in dist/: the source archive, the wheel, the Debian packages, a list of what the wheel contains
# (CycloneDX) and SHA256SUMS.
#
#   packaging/release.sh [JOBS]
set -eu

cd -- "$(dirname -- "$0")/.."
jobs=${1:-$(nproc)}
version=$(sed -n 's/^project(ompq VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)

if [ -n "$(git status --porcelain)" ]; then
  echo "release: there are changes that are not committed; commit them, or set them aside" >&2
  exit 1
fi
if ! grep -q "^## $version" CHANGELOG.md; then
  echo "release: CHANGELOG.md has no section for $version; write it first" >&2
  exit 1
fi

rm -rf dist
mkdir -p dist
git archive --format=tar --prefix="ompq-$version/" HEAD | gzip -9 -n >"dist/ompq-$version.tar.gz"
packaging/build_wheel.sh "$jobs"
packaging/build_deb.sh "$jobs"
for wheel in dist/*.whl; do
  python3 packaging/make_sbom.py "$wheel" >"${wheel%.whl}.cdx.json"
done
(cd dist && sha256sum ./* >SHA256SUMS)
cat dist/SHA256SUMS
