#!/bin/sh
# Quantizes the embedded ResNet-20 to 3 bits on average in three ways and prints what each is worth
# on the 10,000 test images of Fashion-MNIST. Every number is measured on the file that was written.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
ompq=$root/build/release/bin/ompq
model=$root/models/resnet20-fashion-mnist.onnx
data=/usr/share/datasets/fashion-mnist
out=$root/build/demo
bits=3

mkdir -p "$out"

# The number behind "name": in a JSON file.
field() {
  sed -n "s/.*\"$2\": *\([0-9.eE+-]*\).*/\1/p" "$1" | head -n 1
}

# row TITLE FILE: evaluates FILE and appends a line to the table.
row() {
  "$ompq" eval "$2" --data "$data" --preprocess "$preprocess" --result "$out/eval.json" --quiet \
    >/dev/null
  bytes=$(stat --format=%s "$2")
  awk -v title="$1" -v top1="$(field "$out/eval.json" top1)" -v bytes="$bytes" \
    -v float="$(stat --format=%s "$model")" \
    'BEGIN { printf "%-34s  %6.2f %%  %9d  %6.2fx\n", title, 100 * top1, bytes, float / bytes }' \
    >>"$out/table.txt"
}

# quantized TITLE NAME [OPTION...]: quantizes, then adds its row.
quantized() {
  title=$1
  name=$2
  shift 2
  echo "demo: $title" >&2
  "$ompq" quantize "$model" --data "$data" --avg-bits "$bits" "$@" \
    --output "$out/$name.onnx" --result "$out/$name.json" >"$out/$name.txt"
  row "$title" "$out/$name.onnx"
}

preprocess=${model%.onnx}.preprocess.json
printf '%-34s  %8s  %9s  %7s\n' "network" "top-1" "bytes" "smaller" >"$out/table.txt"
echo "demo: float network, 10,000 test images" >&2
row "float" "$model"
quantized "uniform, $bits bits" uniform --allocator uniform
quantized "OMPQ (the paper), $bits bits on average" paper --scheme paper-ptq --allocator ompq \
  --accounting disk
quantized "ompq's default, $bits bits on average" default

echo
cat "$out/table.txt"
cat <<END

The network:   build/demo/default.onnx  (8-bit activations; runs in any ONNX runtime)
The decisions: build/demo/default.json

Next:
  build/release/bin/ompq inspect models/resnet20-fashion-mnist.onnx
  build/release/bin/ompq quantize YOUR.onnx --data YOUR_IMAGES/ --avg-bits 4 -o small.onnx
  build/release/bin/ompq --help
END
