"""Files for integer kernels in ONNX Runtime, compared with the float network and with ONNX Runtime's own
8-bit quantization.

    python3 bench/run_integers.py BUILD_FOLDER MODEL DATA [MODEL DATA]... [--rounds N] [--images N]

needs the packages onnx and onnxruntime. For each network four files are made: ONNX Runtime's
quantize_static (QDQ, int8, per channel), and ours at 4 bits on average with 8-bit activations for
integer kernels (packed, qdq) and with float kernels (packed, --target exact). All files run in turn, N
times (default 9), each in a process of its own; the figures are processor milliseconds for one forward pass with
batch 1 and 8 on one thread and on two, the medians of the rounds, and the ratios to quantize_static are medians of ratios within a
round. Weights are rounded to nearest with uniform bits, since this measures time; quantize_static is calibrated with normal numbers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ONE_RUN = "--one-run"


def one_run(path, threads, batch):
    """Prints the seconds for creating a session and the processor seconds of one forward pass."""
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    begin = time.perf_counter()
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    creation = time.perf_counter() - begin
    given = session.get_inputs()[0]
    shape = [batch if i == 0 else extent for i, extent in enumerate(given.shape)]
    x = numpy.random.default_rng(1).standard_normal(shape).astype(numpy.float32)
    for _ in range(3):
        session.run(None, {given.name: x})
    passes = 0
    begin = time.process_time()
    while time.process_time() - begin < 0.4 or passes < 5:
        session.run(None, {given.name: x})
        passes += 1
    print(json.dumps([creation, (time.process_time() - begin) / passes]))


def operators(path, folder):
    """How often each operator is in the network as ONNX Runtime rewrites it."""
    import collections

    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = os.path.join(folder, "optimized.onnx")
    onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    nodes = onnx.load(options.optimized_model_filepath).graph.node
    return collections.Counter(node.op_type for node in nodes)


def quantize_static(model, output):
    import numpy
    import onnx
    from onnxruntime import quantization

    value = onnx.load(model).graph.input[0]
    extents = [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
    random = numpy.random.default_rng(0)

    class Normal(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = 8

        def get_next(self):
            self.left -= 1
            if self.left < 0:
                return None
            return {value.name: random.standard_normal(extents).astype(numpy.float32)}

    quantization.quantize_static(
        model,
        output,
        Normal(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
    )


def files_of(build, model, data, folder):
    """File names by label."""
    made = {"float": model, "quantize_static": os.path.join(folder, "static.onnx")}
    quantize_static(model, made["quantize_static"])
    for label, extra in {
        "packed": ["--target", "onnxruntime"],
        "qdq": ["--target", "onnxruntime", "--format", "qdq"],
        "exact": ["--target", "exact"],
    }.items():
        made[label] = os.path.join(folder, label + ".onnx")
        subprocess.run(
            [os.path.join(build, "bin", "ompq"), "quantize", model, "--data", data, "--avg-bits", "4"]
            + ["--method", "nearest", "--allocator", "uniform", "--beside", "none", "--quiet"]
            + extra
            + ["-o", made[label]],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return made


def measured(path, threads, batch):
    answer = subprocess.run(
        [sys.executable, __file__, ONE_RUN, path, str(threads), str(batch)],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(answer.stdout)


def report(build, model, data, rounds):
    with tempfile.TemporaryDirectory() as folder:
        files = files_of(build, model, data, folder)
        print(f"\n{os.path.basename(model)}")
        print("| file | bytes | session s | layers on integers | 1 thread, batch 1 | batch 8 | 2 threads, batch 1 | batch 8 |")
        print("|---|--:|--:|--:|--:|--:|--:|--:|")
        settings = [(1, 1), (1, 8), (2, 1), (2, 8)]
        seen = {label: {setting: [] for setting in settings} for label in files}
        creation = {label: [] for label in files}
        for setting in settings:
            for _ in range(rounds):
                for label, path in files.items():
                    seconds, forward = measured(path, *setting)
                    creation[label].append(seconds)
                    seen[label][setting].append(forward)
        for label, path in files.items():
            count = operators(path, folder)
            integer = sum(n for op, n in count.items() if op in ("QLinearConv", "QGemm", "QLinearMatMul", "MatMulIntegerToFloat"))
            floating = sum(n for op, n in count.items() if op in ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul"))
            cells = []
            for setting in settings:
                own = seen[label][setting]
                ratio = statistics.median(a / b for a, b in zip(own, seen["quantize_static"][setting]))
                cells.append(f"{1000 * statistics.median(own):.2f} ms ({ratio:.2f})")
            size = os.path.getsize(path)
            print(
                f"| {label} | {size:,} | {statistics.median(creation[label]):.2f} | "
                f"{integer} of {integer + floating} | " + " | ".join(cells) + " |"
            )


def main():
    if sys.argv[1:2] == [ONE_RUN]:
        one_run(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("networks", nargs="+", help="MODEL DATA, for each network")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    for model, data in zip(given.networks[::2], given.networks[1::2]):
        report(given.build, model, data, given.rounds)


if __name__ == "__main__":
    main()
