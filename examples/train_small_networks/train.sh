#!/bin/sh
# Makes the data of one of the small networks and trains it from random weights, using ompq:
#   train.sh vgg|ds-cnn|vit FOLDER [OPTION of ompq finetune]...
# Writes FOLDER/NETWORK.onnx. BIN is the folder with the programs, EPOCHS the number of epochs. Needs NumPy and onnx (Debian: python3-onnx);
# vgg npm, ds-cnn espeak-ng, vit Pillow and fonts-dejavu, fonts-freefont-ttf and fonts-liberation.
set -eu

BIN=${BIN:-build/release/bin}
EPOCHS=${EPOCHS:-20}
here=$(dirname -- "$0")

network=${1:-}
case $network in
  vgg) data=digits ;;
  ds-cnn) data=words ;;
  vit) data=letters ;;
  *) network= ;;
esac
if [ -z "$network" ] || [ $# -lt 2 ]; then
  echo "usage: $0 vgg|ds-cnn|vit FOLDER [OPTION of ompq finetune]..." >&2
  exit 2
fi
folder=$2
shift 2

[ -e "$folder/$data-test.npz" ] || python3 "$here/data.py" "$data" "$folder"
python3 "$here/networks.py" "$network" "$folder/$network.untrained.onnx"
"$BIN/ompq" finetune "$folder/$network.untrained.onnx" --float --data "$folder/$data-train.npz" --limit 1000 \
  --epochs "$EPOCHS" --batch 64 --optimizer adamw --lr 0.002 --warmup 2 --weight-decay 0.05 --label-smoothing 0.1 --seed 1 \
  --output "$folder/$network.onnx" "$@"
"$BIN/ompq" eval "$folder/$network.onnx" --data "$folder/$data-test.npz"
