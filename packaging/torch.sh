#!/bin/sh
# Installs a CPU build of LibTorch 2.x in build/torch (include/ and lib/), for `cmake -DOMPQ_TORCH=build/torch`: the
# libraries that the Maven artifact pytorch-native-cpu carries, and the headers of the same version from PyPI's torch. If it
# is installed, it changes nothing and needs no network.
set -eu
cd -- "$(dirname -- "$0")/.."

version=2.7.1
libraries_sha256=1769928feaaa2389b4aa68390e7787ce1707290258b167d016a200fced4b8c39
# PyPI's wheels for x86-64 need CUDA. Those for aarch64 do not, and the headers of a version are the same for all.
# The libraries contain Intel oneMKL, whose licence PyPI has.
mkl_license=2025.3.0
mkl_license_sha256=a810b25bb24a90db4492d81c71cde13183d8951ce26960d6dc56d4f4e3dc95ff
headers_sha256=236f501f2e383f1cb861337bdf057712182f910f10aeaf509065d54d339e49b2

target=build/torch
if [ "$(cat "$target/installed.txt" 2>/dev/null)" = "$version" ] && [ -e "$target/LICENSE.oneMKL" ]; then
  exit 0
fi

fail() {
  echo "torch: $1" >&2
  exit 1
}

check() {
  [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ] || fail "$1 is not the file that was expected; remove it and try again"
}

echo "torch: fetching LibTorch $version"
mkdir -p build
rm -rf "$target" "$target.new"
mkdir -p "$target.new/lib"

jar=$target.new/libraries.jar
mvn --batch-mode --quiet -Dstyle.color=never dependency:copy \
  -Dartifact="ai.djl.pytorch:pytorch-native-cpu:$version:jar:linux-x86_64" \
  -DoutputDirectory="$target.new" -Dmdep.useBaseVersion=true || fail "Maven found no pytorch-native-cpu $version"
mv "$target.new/pytorch-native-cpu-$version-linux-x86_64.jar" "$jar"
check "$jar" "$libraries_sha256"
python3 -m zipfile --extract "$jar" "$target.new/jar"
mv "$target.new"/jar/pytorch/cpu/linux-x86_64/*.so* "$target.new/lib/"
# Its libgomp has another file name than its SONAME. With this link, whatever needs libgomp.so.1 finds the same file, so that
# a process has one OpenMP runtime.
(cd "$target.new/lib" && ln -s libgomp-*.so.1 libgomp.so.1)

if command -v pip3 >/dev/null; then
  pip=pip3
else
  python3 -m venv "$target.new/venv"
  pip=$target.new/venv/bin/pip
fi
"$pip" download --quiet --disable-pip-version-check --no-deps --dest "$target.new" \
  --platform manylinux_2_28_aarch64 --python-version 311 --only-binary :all: "torch==$version"
wheel=$(ls "$target.new"/torch-"$version"-*.whl)
check "$wheel" "$headers_sha256"
python3 -m zipfile --extract "$wheel" "$target.new/wheel"
mv "$target.new/wheel/torch/include" "$target.new/include"
# oneDNN's headers there are those of LibTorch's private copy.
rm -f "$target.new"/include/dnnl*.h
rm -rf "$target.new/include/oneapi"
mv "$target.new"/wheel/torch-"$version"*.dist-info/LICENSE "$target.new/LICENSE"

"$pip" download --quiet --disable-pip-version-check --no-deps --dest "$target.new" \
  --platform manylinux_2_28_x86_64 --only-binary :all: "onemkl-license==$mkl_license"
license=$(ls "$target.new"/onemkl_license-"$mkl_license"-*.whl)
check "$license" "$mkl_license_sha256"
python3 -m zipfile --extract "$license" "$target.new/wheel"
mv "$target.new"/wheel/onemkl_license-"$mkl_license".dist-info/LICENSE.txt "$target.new/LICENSE.oneMKL"

rm -rf "$target.new/jar" "$target.new/wheel" "$target.new/venv" "$jar" "$wheel" "$license"
echo "$version" >"$target.new/installed.txt"
mv "$target.new" "$target"
