"""Quantizes the embedded ResNet-20 from Python: inspect, search, quantize, measure, look.

A script in cells (`# %%`), which editors run one by one as a notebook. After `make test` or
`make install`:

    PYTHONPATH=build/release/python python3 examples/python/quantize_fashion_mnist.py

writes bits.json and small.onnx into the current folder.
"""

# %% Images as NumPy arrays: IDX files have a header of 16 bytes before pixels, and of 8 bytes before labels.
import gzip
import os
import pathlib
import sys

import numpy

import ompq

MODEL = pathlib.Path(__file__).parents[2] / "models" / "resnet20-fashion-mnist.onnx"
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")
COUNT = int(os.environ.get("OMPQ_EXAMPLE_IMAGES", "2000"))
TIME_LIMIT = os.environ.get("OMPQ_EXAMPLE_TIME_LIMIT", "60s")


def read_idx(name: str, header: int) -> numpy.ndarray:
    with gzip.open(DATA / name) as stream:
        return numpy.frombuffer(stream.read()[header:], numpy.uint8)


train_images = read_idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:COUNT]
test_images = read_idx("t10k-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:COUNT]
test_labels = read_idx("t10k-labels-idx1-ubyte.gz", 8)[:COUNT]

# %% What can be quantized?
inspection = ompq.inspect(MODEL)
layers = inspection["layers"]
print(f"{len(layers)} layers, {sum(layer['weights'] for layer in layers)} weights")


# %% Bits for each layer, without writing a network. uint8 images are preprocessed as specified in the file next to the
# network; labels are not needed.
def show(task: str, done: int, total: int, detail: str) -> None:
    print(f"\r{task} {done}/{total} {detail}"[:79].ljust(79), end="", file=sys.stderr)


found = ompq.search(
    MODEL,
    data=train_images,
    avg_bits=3,
    samples=32,
    time_limit=TIME_LIMIT,
    output="bits.json",
    progress=show,
)
print(file=sys.stderr)
for allocation in found["allocations"]:
    print(
        f"{allocation['allocator']:10}", *allocation.get("weight_bits", [allocation.get("refused")])
    )

# %% The network with these bits. The file may be edited before; with avg_bits=3 instead, quantize() searches.
result = ompq.quantize(
    MODEL,
    data=train_images,
    eval_data=(test_images, test_labels),
    allocation="bits.json",
    samples=32,
    tuning_samples=64,
    output="small.onnx",
)
print(f"float     {100 * result['float_evaluation']['top1']:.2f} % top-1, {result['model']['bytes']} bytes")
for network in result["networks"]:
    top1 = 100 * network["evaluation"]["top1"]
    print(f"{network['allocator']:10}{top1:.2f} % top-1, {network['bytes_on_disk']} bytes")

# %% Evaluate the written file.
again = ompq.evaluate("small.onnx", data=(test_images, test_labels), reference=MODEL)
evaluation = again["evaluation"]
print(f"small.onnx: {100 * evaluation['top1']:.2f} % top-1, {evaluation['snr_db']:.1f} dB")

# %% An infeasible budget raises an exception with the least possible one.
try:
    ompq.search(MODEL, data=train_images, size="20kB", samples=32, allocator="uniform")
except ompq.InfeasibleBudget as error:
    print(error)
