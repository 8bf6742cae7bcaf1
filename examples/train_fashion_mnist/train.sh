#!/bin/sh
# Trains one of the networks for Fashion-MNIST from random weights, using only ompq:
#   train.sh resnet20|mobilenetv2 [OUTPUT.onnx [OPTION of ompq finetune]...]
# BIN is the folder with the programs, DATA the one with the four IDX files; EPOCHS is the number of
# epochs, and WARMUP the number of epochs in which the learning rate increases.
set -eu

BIN=${BIN:-build/release/bin}
DATA=${DATA:-/usr/share/datasets/fashion-mnist}
EPOCHS=${EPOCHS:-20}
WARMUP=${WARMUP:-2}

if [ $# -lt 1 ]; then
  echo "usage: $0 resnet20|mobilenetv2 [OUTPUT.onnx [OPTION of ompq finetune]...]" >&2
  exit 2
fi
network=$1
output=${2:-$network-fashion-mnist.onnx}
if [ $# -gt 1 ]; then shift 2; else shift; fi
stem=${output%.onnx}

# The same seed gives the same bytes, so an interrupted run can resume with the same initial network.
"$BIN/fashion_mnist_network" --network "$network" --seed 1 --output "$stem.untrained.onnx"
"$BIN/ompq" finetune "$stem.untrained.onnx" --float --data "$DATA" --limit 2000 \
  --epochs "$EPOCHS" --batch 128 --augment light --label-smoothing 0.1 \
  --optimizer sgd --nesterov --momentum 0.9 --weight-decay 5e-4 --clip-norm 0 \
  --lr 0.2 --warmup "$WARMUP" --schedule cosine --seed 1 --output "$output" "$@"
"$BIN/ompq" eval "$output" --data "$DATA" --split test
