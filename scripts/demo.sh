#!/bin/sh
# Quantizes the embedded ResNet-20 to 3 bits on average with 8-bit activations, also with uniform bits and the paper's
# allocation, and evaluates every written file on the 10,000 test images of Fashion-MNIST.
set -eu

cd -- "$(dirname -- "$0")/.."
out=build/demo
mkdir -p "$out"

build/release/bin/ompq quantize models/resnet20-fashion-mnist.onnx \
  --data /usr/share/datasets/fashion-mnist --eval-data /usr/share/datasets/fashion-mnist \
  --avg-bits 3 --act-bits 8 --beside uniform,orm \
  --output "$out/resnet20-3bit.onnx" --result "$out/resnet20-3bit.json"

build/release/bin/ompq report "$out/resnet20-3bit.json" --output "$out/report.html" || :

cat <<END

auto     ompq's default: the best of all metrics on this network, refined by evaluating the network
uniform  3 bits everywhere
orm      the paper's OMPQ: orthogonality, linear program, 2 to 4 bits

The network runs in any ONNX runtime: its weights are packed, and plain operators unpack them.

Next:
  build/release/bin/ompq inspect models/resnet20-fashion-mnist.onnx
  build/release/bin/ompq quantize YOUR.onnx --data YOUR_IMAGES/ --avg-bits 4 -o small.onnx
  build/release/bin/ompq --help
END
