"""Files for integer kernels in ONNX Runtime, compared with the float network and with ONNX Runtime's own 8-bit
quantization.

    python3 bench/run_integers.py BUILD_FOLDER --network MODEL DATA [LABELLED] [--network ...] [options]

needs the packages numpy, onnx and onnxruntime. DATA are images to calibrate with, LABELLED are images with labels; both as
`ompq` reads them (LABELLED: a folder with labels.csv, a folder with one subfolder per class, IDX files, or .npz with x and y).
`ompq` preprocesses all images; every program reads the same arrays. BUILD_FOLDER/bin/write_zoo_networks FOLDER writes
ResNet-18 and ResNet-50 with seeded weights (cmake -DOMPQ_BENCH=ON).

For each network: the float file; quantize_static, ONNX Runtime's (QDQ, int8 weights per channel, uint8 activations, after
quant_pre_process); packed and qdq, ours with 4 bits on average and 8-bit activations for integer kernels. All files run in
turn, --rounds times, each in a separate process. Figures are medians, in parentheses with the ratios to float and to
quantize_static, medians of the ratios within a round. Layers on integers are counted in the network as ONNX Runtime rewrites
it.
"""

import argparse
import collections
import csv
import gzip
import json
import math
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

ONE_RUN = "--one-run"
SETTINGS = [(threads, batch) for threads in (1, 2) for batch in (1, 8)]
OURS = {"packed": [], "qdq": ["--format", "qdq"]}
INTEGER_LAYERS = {"QLinearConv", "QGemm", "QLinearMatMul", "MatMulIntegerToFloat", "MatMulInteger", "ConvInteger"}
FLOAT_LAYERS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "ConvTranspose", "MatMulNBits"}
MOST_IMAGES = 1024  # from which the calibration images are drawn


# --- one process: a session and its forward passes ---


def session_of(path, threads=0):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # A thread that waits for work must not use the processor, or its time would count.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def clocks():
    return {"wall": time.perf_counter(), "cpu": time.process_time()}


def since(begin, count=1):
    return {name: (now - begin[name]) / count for name, now in clocks().items()}


def one_run(path, samples, threads, batch):
    """Prints the seconds of creating a session and of one forward pass; null for a batch that the network does not take."""
    import numpy

    begin = clocks()
    session = session_of(path, threads)
    answer = {"session": since(begin), "forward": None}
    given = session.get_inputs()[0]
    if given.shape[0] in (batch, None) or isinstance(given.shape[0], str):
        feed = {given.name: numpy.load(samples)["x"][:batch]}
        for _ in range(3):
            session.run(None, feed)
        passes = 0
        begin = clocks()
        while since(begin)["wall"] < 0.4 or passes < 5:
            session.run(None, feed)
            passes += 1
        answer["forward"] = since(begin, passes)
    print(json.dumps(answer))


# --- samples, preprocessed by ompq ---


def ompq(build, *argv):
    answer = subprocess.run(
        [str(build / "bin" / "ompq"), *map(str, argv), "--quiet", "--json"], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(answer.stdout)


def input_of(model):
    import onnx

    value = onnx.load(model, load_external_data=False).graph.input[0]
    return value.name, [dim.dim_value for dim in value.type.tensor_type.shape.dim][1:]


def write_flatten(name, extents, path):
    """A network whose output is its input, a row per sample."""
    import onnx
    from onnx import helper

    given = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *extents])
    rows = helper.make_tensor_value_info("rows", onnx.TensorProto.FLOAT, ["batch", math.prod(extents)])
    graph = helper.make_graph([helper.make_node("Flatten", [name], ["rows"])], "samples", [given], [rows])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def preprocessed(build, model, data, split, limit, folder):
    """The first `limit` samples as the network reads them."""
    import numpy

    name, extents = input_of(model)
    write_flatten(name, extents, folder / "flatten.onnx")
    argv = ["eval", folder / "flatten.onnx", "--data", data, "--split", split, "--save-outputs", folder / "rows.npz"]
    preprocess = model.with_suffix(".preprocess.json")
    if preprocess.exists():
        argv += ["--preprocess", preprocess]
    if limit:
        argv += ["--limit", limit]
    ompq(build, *argv)
    return numpy.load(folder / "rows.npz")["logits"].reshape(-1, *extents)


def labels_of(data):
    """Labels of the samples, in ompq's order."""
    import numpy

    if data.suffix == ".npz":
        return numpy.load(data)["y"]
    idx = sorted(data.glob("t10k-labels-idx1-ubyte*"))
    if idx:
        opened = gzip.open if idx[0].suffix == ".gz" else open
        with opened(idx[0], "rb") as stream:
            return numpy.frombuffer(stream.read()[8:], numpy.uint8).astype(int)
    if (data / "labels.csv").exists():
        with open(data / "labels.csv", newline="", encoding="utf-8") as stream:
            rows = sorted((row[0], row[1]) for row in list(csv.reader(stream))[1:])
        return numpy.array([int(label) for _, label in rows])
    classes = sorted(path for path in data.iterdir() if path.is_dir())
    return numpy.repeat(numpy.arange(len(classes)), [len(list(path.iterdir())) for path in classes])


# --- files ---


def quantize_static(model, samples, output, folder):
    import numpy
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name, _ = input_of(model)
    rows = iter(numpy.load(samples)["x"])

    class Reader(quantization.CalibrationDataReader):
        def get_next(self):
            row = next(rows, None)
            return None if row is None else {name: row[None]}

    quant_pre_process(str(model), str(folder / "prepared.onnx"), skip_symbolic_shape=True)
    quantization.quantize_static(
        str(folder / "prepared.onnx"),
        str(output),
        Reader(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        # Not the default: with int8 activations, convolutions around additions stay float (38 of 53 of MobileNetV2's layers).
        activation_type=quantization.QuantType.QUInt8,
    )


def files_of(given, model, folder, samples, evaluation):
    """Paths by label; files that exist are not made again."""
    files = {"float": model, "quantize_static": folder / "quantize_static.onnx"}
    if not files["quantize_static"].exists():
        quantize_static(model, samples, files["quantize_static"], folder)
    for label, form in OURS.items():
        files[label] = folder / f"{label}.onnx"
        if not files[label].exists():
            ompq(
                given.build, "quantize", model, "--data", samples, "--samples", given.samples,
                "--eval-data", evaluation or samples, "--avg-bits", 4, "--act-bits", 8, "--target", "onnxruntime",
                "--beside", "none", *form, *shlex.split(given.options), "-o", files[label],
            )  # fmt: skip
    return files


def layer_counts(path, folder):
    """(layers on integers, layers), as ONNX Runtime rewrites the network."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    nodes = onnx.load(options.optimized_model_filepath).graph.node
    count = collections.Counter(node.op_type for node in nodes)
    integer = sum(count[name] for name in INTEGER_LAYERS)
    return integer, integer + sum(count[name] for name in FLOAT_LAYERS)


# --- measuring ---


def accuracy(path, evaluation):
    """Top-1 in percent in ONNX Runtime."""
    import numpy

    arrays = numpy.load(evaluation)
    x, y = arrays["x"], arrays["y"]
    session = session_of(path)
    given = session.get_inputs()[0]
    batch = given.shape[0] if isinstance(given.shape[0], int) else 50
    right = 0
    for i in range(0, len(x), batch):
        part = x[i : i + batch]
        scores = session.run(None, {given.name: numpy.resize(part, (batch, *part.shape[1:]))})[0]
        right += int((scores.reshape(batch, -1).argmax(1)[: len(part)] == y[i : i + batch]).sum())
    return 100.0 * right / len(x)


def measured(path, samples, threads, batch):
    argv = [sys.executable, __file__, ONE_RUN, str(path), str(samples), str(threads), str(batch)]
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout)


def measure(files, samples, rounds):
    """Runs of each label for each setting, in the order of the rounds."""
    runs = {label: {setting: [] for setting in SETTINGS} for label in files}
    for turn in range(rounds):
        labels = list(files) if turn % 2 == 0 else list(files)[::-1]  # neither end always runs on a warmer machine
        for setting in SETTINGS:
            for label in labels:
                runs[label][setting].append(measured(files[label], samples, *setting))
    return runs


def name_of(threads, batch):
    return f"{threads} thread{'s' if threads > 1 else ''}, batch {batch}"


def median_ratio(own, other, clock):
    return statistics.median(a["forward"][clock] / b["forward"][clock] for a, b in zip(own, other))


def summary(runs, label, clock):
    """Medians of the session's creation and of each setting's forward pass, with ratios to two other files."""
    sessions = [run["session"][clock] for own in runs[label].values() for run in own]
    forward = {}
    for (threads, batch), own in runs[label].items():
        key = name_of(threads, batch)
        if any(run["forward"] is None for run in own + runs["float"][threads, batch]):
            forward[key] = None
            continue
        forward[key] = {
            "milliseconds": 1000.0 * statistics.median(run["forward"][clock] for run in own),
            "to_float": median_ratio(own, runs["float"][threads, batch], clock),
            "to_quantize_static": median_ratio(own, runs["quantize_static"][threads, batch], clock),
        }
    return {"session_seconds": statistics.median(sessions), "forward": forward}


def report(given, network, folder):
    """The rows of one network."""
    import numpy

    model, data = map(pathlib.Path, network[:2])
    labelled = pathlib.Path(network[2]) if len(network) == 3 else None
    images = preprocessed(given.build, model, data, "train", MOST_IMAGES, folder)
    chosen = numpy.random.default_rng(0).permutation(len(images))[: given.samples]
    samples = folder / "calibration.npz"
    numpy.savez(samples, x=images[chosen])
    evaluation = None
    if labelled:
        evaluation = folder / "evaluation.npz"
        x = preprocessed(given.build, model, labelled, "test", given.images, folder)
        numpy.savez(evaluation, x=x, y=labels_of(labelled)[: len(x)].astype(numpy.int64))
    files = files_of(given, model, folder, samples, evaluation)
    runs = measure(files, samples, given.rounds)
    rows = []
    for label, path in files.items():
        row = {"file": label, "bytes": path.stat().st_size, "layers": layer_counts(path, folder)}
        if evaluation:
            row["top1"] = accuracy(path, evaluation)
            if label == "float" or label in OURS:
                evaluated = ompq(given.build, "eval", path, "--data", evaluation)["evaluation"]
                row["ompq_top1"] = 100.0 * evaluated["top1"]
        rows.append({**row, **summary(runs, label, given.clock)})
    return {"network": model.stem, "samples": len(chosen), "rows": rows}


# --- output ---


def cell(forward):
    if forward is None:
        return "fixed batch"
    return f"{forward['milliseconds']:.2f} ({forward['to_float']:.2f}, {forward['to_quantize_static']:.2f})"


def percent(value):
    return "" if value is None else f"{value:.2f} %"


def table(result):
    """Milliseconds, with the ratios to float and to quantize_static in parentheses."""
    settings = [name_of(*setting) for setting in SETTINGS]
    head = ["file", "bytes", "session s", "on integers", "top-1", "in `ompq eval`", *settings]
    lines = [f"\n{result['network']}\n", "| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|"]
    for row in result["rows"]:
        integer, layers = row["layers"]
        cells = [row["file"], f"{row['bytes']:,}", f"{row['session_seconds']:.2f}", f"{integer} of {layers}"]
        cells += [percent(row.get("top1")), percent(row.get("ompq_top1"))]
        lines.append("| " + " | ".join(cells + [cell(row["forward"][key]) for key in settings]) + " |")
    return "\n".join(lines)


def conditions(given):
    import onnxruntime

    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        text = stream.read()
    flags = set(re.search(r"^flags\s*: (.*)$", text, re.M)[1].split())
    widest = next((name for name in ("avx512_vnni", "avx_vnni", "avx512f", "avx2") if name in flags), "no avx2")
    return (
        f"ONNX Runtime {onnxruntime.__version__}, {os.cpu_count()} cores with {widest}, medians of {given.rounds} rounds; "
        f"{given.samples} calibration images; {given.clock} milliseconds of one forward pass (ratio to float, to quantize_static)"
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--network", nargs="+", action="append", required=True, metavar="MODEL DATA [LABELLED]")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--samples", type=int, default=64, help="calibration images (default 64)")
    parser.add_argument("--images", type=int, default=0, help="labelled images; by default all")
    parser.add_argument("--clock", choices=["cpu", "wall"], default="cpu", help="time of all threads, or by the clock")
    parser.add_argument("--options", default="", help="more options of `ompq quantize`, such as '--method nearest'")
    parser.add_argument("--folder", type=pathlib.Path, help="keeps the files, and uses those that it already has")
    parser.add_argument("--json", type=pathlib.Path, help="also writes the figures to this file")
    given = parser.parse_args()
    for network in given.network:
        if len(network) not in (2, 3):
            parser.error(f"--network has {len(network)} values; give MODEL DATA, or MODEL DATA LABELLED")
    return given


def main():
    if sys.argv[1:2] == [ONE_RUN]:
        one_run(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))
        return
    given = arguments()
    print(conditions(given))
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for network in given.network:
            folder = (given.folder or pathlib.Path(temporary)) / pathlib.Path(network[0]).stem
            folder.mkdir(parents=True, exist_ok=True)
            results.append(report(given, network, folder))
            print(table(results[-1]), flush=True)
            if given.json:
                given.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
