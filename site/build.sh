#!/bin/sh
# Builds the documentation site from docs/, the public headers and the Python module. Needs no network. Ends with 77, saying why, where
# something that it needs is missing.
#
#   site/build.sh BUILD_FOLDER OUTPUT
set -eu
build=$(cd -- "$1" && pwd)
output=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")

for tool in "$here/venv/bin/sphinx-build" "$here/node_modules/katex" "$(command -v doxygen || echo doxygen)" "$(command -v node || echo node)"; do
  if [ ! -e "$tool" ]; then
    echo "skipped: $tool is missing; scripts/bootstrap.sh --site installs it"
    exit 77
  fi
done
if [ ! -f "$build/python/ompq/__init__.py" ]; then
  echo "skipped: $build has no Python module; scripts/bootstrap.sh --site installs what it is built with"
  exit 77
fi

# Links between README, docs/ and examples/ are relative, so the pages are laid out as in the tree, but for the first one. Everything is
# built again, so that no page of a document that is gone remains.
work=$build/site
sources=$work/sources
rm -rf "$work"
[ ! -f "$output/.buildinfo" ] || rm -rf "$output"
mkdir -p "$sources/site" "$work/doxygen" "$work/static/katex/fonts" "$output"
(cd "$root" && cp -Rp docs examples include ./*.md LICENSE packages.txt "$sources")
cp -Rp "$here/reference" "$sources/site"
sed 's/\.\.\/docs/docs/g' "$here/index.md" >"$sources/index.md"

# Browsers take the first format of a font that they know.
(cd "$here/node_modules/katex/dist" && cp katex.min.css "$work/static/katex" && cp fonts/*.woff2 "$work/static/katex/fonts")

# The licences of what the pages contain: styles, scripts and fonts.
{
  for package in sphinx furo sphinx_basic_ng sphinx_copybutton sphinx_design pygments; do
    echo "--- $package"
    cat "$here"/venv/lib/python3*/site-packages/"$package"-*.dist-info/licenses/[CL]* 2>/dev/null ||
      cat "$here"/venv/lib/python3*/site-packages/"$package"-*.dist-info/LICENSE
  done
  echo "--- katex, and its fonts"
  cat "$here/node_modules/katex/LICENSE"
} >"$work/static/licences.txt"

(cat "$here/Doxyfile" && echo "INPUT = \"$root/include/ompq\" \"$build/generated/ompq/ompq.h\"" && echo "OUTPUT_DIRECTORY = \"$work/doxygen\"") |
  doxygen -

# Bytecode of the module's files would be new files next to them.
OMPQ_SITE_PYTHON=$build/python OMPQ_SITE_DOXYGEN=$work/doxygen/xml OMPQ_SITE_STATIC=$work/static \
  PYTHONDONTWRITEBYTECODE=1 "$here/venv/bin/sphinx-build" --quiet --fail-on-warning --keep-going -c "$here" -d "$work/doctrees" -b html "$sources" "$output"
echo "site: $output/index.html"
