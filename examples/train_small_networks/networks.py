"""Writes an untrained network as an ONNX file, with its preprocessing next to it where it reads images.

    python3 networks.py vgg|ds-cnn|vit OUTPUT.onnx

`vgg`: 3x3 convolutions with biases, without normalization (Simonyan and Zisserman 2014), for 28x28 digits. `ds-cnn`: depthwise
separable convolutions with batch normalization (Zhang et al. 2017, "Hello Edge"), for 40x44 mel spectrograms of words. `vit`: a vision
transformer (Dosovitskiy et al. 2020) for 28x28 letters. Weights are drawn from a fixed seed. Needs onnx and NumPy.
"""

import json
import sys
from pathlib import Path

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes with their weights; every method returns the name of its output."""

    def __init__(self, seed: int = 1):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def node(self, kind: str, inputs: list[str], name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [f"{name}.out"], name=name, **attributes))
        return f"{name}.out"

    def constant(self, name: str, values) -> str:
        self.weights.append(numpy_helper.from_array(numpy.asarray(values), name))
        return name

    def drawn(self, name: str, shape: tuple, deviation: float) -> str:
        return self.constant(name, (self.random.standard_normal(shape) * deviation).astype(numpy.float32))

    def filled(self, name: str, shape: tuple, value: float) -> str:
        return self.constant(name, numpy.full(shape, value, numpy.float32))

    def conv(self, x: str, name: str, channels: tuple[int, int], kernel: tuple[int, int], stride=1, groups=1, bias=True, pad=True) -> str:
        before, after = channels
        shape = (after, before // groups, *kernel)
        inputs = [x, self.drawn(f"{name}.weight", shape, (2 / (shape[1] * kernel[0] * kernel[1])) ** 0.5)]
        if bias:
            inputs.append(self.filled(f"{name}.bias", (after,), 0))
        pads = [side // 2 if pad else 0 for side in kernel] * 2
        return self.node("Conv", inputs, name, kernel_shape=list(kernel), strides=[stride, stride], pads=pads, group=groups)

    def batch_norm(self, x: str, name: str, channels: int) -> str:
        values = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}
        return self.node("BatchNormalization", [x, *(self.filled(f"{name}.{key}", (channels,), v) for key, v in values.items())], name)

    def linear(self, x: str, name: str, before: int, after: int, deviation: float) -> str:
        """Over the last axis, as torch exports it for inputs of more than two axes."""
        product = self.node("MatMul", [x, self.drawn(f"{name}.weight", (before, after), deviation)], f"{name}.matmul")
        return self.node("Add", [product, self.filled(f"{name}.bias", (after,), 0)], f"{name}.add")

    def classify(self, x: str, channels: int, classes: int) -> str:
        pooled = self.node("Flatten", [self.node("GlobalAveragePool", [x], "pool")], "flatten")
        weight = self.drawn("fc.weight", (classes, channels), channels**-0.5)
        return self.node("Gemm", [pooled, weight, self.filled("fc.bias", (classes,), 0)], "fc", transB=1)


def vgg(graph: Graph) -> tuple[str, list, int]:
    x, before = "input", 1
    for stage, channels in enumerate((24, 48, 96)):
        for index in range(2):
            name = f"conv{stage}.{index}"
            x = graph.node("Relu", [graph.conv(x, name, (before, channels), (3, 3))], f"{name}.relu")
            before = channels
        if stage < 2:
            x = graph.node("MaxPool", [x], f"pool{stage}", kernel_shape=[2, 2], strides=[2, 2])
    return graph.classify(x, before, 10), [1, 28, 28], 10


def ds_cnn(graph: Graph) -> tuple[str, list, int]:
    def step(x, name, channels, kernel, stride=1, groups=1):
        x = graph.conv(x, f"{name}.conv", channels, kernel, stride, groups, bias=False)
        return graph.node("Relu", [graph.batch_norm(x, f"{name}.bn", channels[1])], f"{name}.relu")

    x = step("input", "stem", (1, 64), (9, 5), stride=2)
    for block in range(5):
        x = step(x, f"block{block}.depthwise", (64, 64), (3, 3), groups=64)
        x = step(x, f"block{block}.pointwise", (64, 64), (1, 1))
    return graph.classify(x, 64, 10), [1, 40, 44], 10


def vit(graph: Graph, width: int = 64, blocks: int = 4, heads: int = 4) -> tuple[str, list, int]:
    tokens, size = 49, width // heads

    def reshape(x, name, shape):
        return graph.node("Reshape", [x, graph.constant(f"{name}.shape", numpy.array(shape, numpy.int64))], name)

    def norm(x, name):
        weights = [graph.filled(f"{name}.weight", (width,), 1), graph.filled(f"{name}.bias", (width,), 0)]
        return graph.node("LayerNormalization", [x, *weights], name, axis=-1, epsilon=1e-6)

    def gelu(x, name):
        inner = graph.node("Div", [x, graph.constant(f"{name}.root2", numpy.float32(2**0.5))], f"{name}.div")
        erf = graph.node("Add", [graph.node("Erf", [inner], f"{name}.erf"), graph.constant(f"{name}.one", numpy.float32(1))], f"{name}.add")
        product = graph.node("Mul", [x, erf], f"{name}.mul")
        return graph.node("Mul", [product, graph.constant(f"{name}.half", numpy.float32(0.5))], f"{name}.mul2")

    def attention(x, name):
        part = {}
        for key in ("query", "key", "value"):
            y = graph.linear(x, f"{name}.{key}", width, width, width**-0.5)
            y = reshape(y, f"{name}.{key}.split", [0, tokens, heads, size])
            part[key] = graph.node("Transpose", [y], f"{name}.{key}.heads", perm=[0, 2, 3, 1] if key == "key" else [0, 2, 1, 3])
        scores = graph.node("MatMul", [part["query"], part["key"]], f"{name}.scores")
        scaled = graph.node("Mul", [scores, graph.constant(f"{name}.scale", numpy.float32(size**-0.5))], f"{name}.scaled")
        mixed = graph.node("MatMul", [graph.node("Softmax", [scaled], f"{name}.softmax", axis=-1), part["value"]], f"{name}.mixed")
        joined = graph.node("Transpose", [mixed], f"{name}.joined", perm=[0, 2, 1, 3])
        return graph.linear(reshape(joined, f"{name}.merge", [0, tokens, width]), f"{name}.proj", width, width, width**-0.5)

    x = graph.conv("input", "patches", (1, width), (4, 4), stride=4, pad=False)
    x = graph.node("Transpose", [reshape(x, "tokens", [0, width, tokens])], "tokens.last", perm=[0, 2, 1])
    x = graph.node("Add", [x, graph.drawn("positions", (1, tokens, width), 0.02)], "positions.add")
    for block in range(blocks):
        name = f"block{block}"
        x = graph.node("Add", [x, attention(norm(x, f"{name}.norm1"), f"{name}.attention")], f"{name}.sum1")
        hidden = gelu(graph.linear(norm(x, f"{name}.norm2"), f"{name}.fc1", width, 2 * width, width**-0.5), f"{name}.gelu")
        x = graph.node("Add", [x, graph.linear(hidden, f"{name}.fc2", 2 * width, width, (2 * width) ** -0.5)], f"{name}.sum2")
    pooled = graph.node("ReduceMean", [norm(x, "norm")], "pool", axes=[1], keepdims=0)
    weight = graph.drawn("fc.weight", (26, width), width**-0.5)
    return graph.node("Gemm", [pooled, weight, graph.filled("fc.bias", (26,), 0)], "fc", transB=1), [1, 28, 28], 26


def main() -> int:
    networks = {"vgg": vgg, "ds-cnn": ds_cnn, "vit": vit}
    if len(sys.argv) != 3 or sys.argv[1] not in networks:
        print(__doc__, file=sys.stderr)
        return 2
    name, file = sys.argv[1], Path(sys.argv[2])
    graph = Graph()
    last, shape, classes = networks[name](graph)
    graph.nodes[-1].output[0] = "logits"
    made = helper.make_graph(
        graph.nodes,
        name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", *shape])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes])],
        graph.weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
    if name != "ds-cnn":  # spectrograms are numbers, not images
        preprocess = {"format": "ompq-preprocess/1", "channels": "gray", "scale": 1 / 255, "mean": [0.2], "std": [0.3]}
        file.with_suffix(".preprocess.json").write_text(json.dumps(preprocess) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
