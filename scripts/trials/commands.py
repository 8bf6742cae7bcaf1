"""The commands that are stopped, each with small networks and samples of the tree: models/ and generated images."""

import gzip
import json
import random
import struct
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESNET = ROOT / "models" / "resnet20-fashion-mnist.onnx"
MOBILENET = ROOT / "models" / "mobilenetv2-fashion-mnist.onnx"

SIDE = 28
CLASSES = 10


@dataclass
class Command:
    """A command line; {out} is the folder of its outputs, {data} that of the samples, {small} a quantized network."""

    name: str
    words: list[str]
    outputs: list[str]  # in {out}; the files whose bytes must not depend on interruptions
    keeps: list[str] = field(default_factory=list)  # files that may remain after an interruption
    ignored: tuple[str, ...] = ()  # keys of JSON outputs that are measured times

    def line(self, program: Path, out: Path, data: Path, small: Path) -> list[str]:
        places = {"out": out, "data": data, "small": small, "resnet": RESNET, "mobilenet": MOBILENET}
        return [str(program), *(word.format(**places) for word in self.words)]

    def content(self, out: Path) -> dict[str, bytes]:
        """What the command wrote, without measured times."""
        found = {}
        for name in self.outputs:
            file = out / name
            if file.exists():
                found[name] = without_times(file.read_bytes()) if file.suffix == ".json" else file.read_bytes()
        return found


def without_times(document: bytes) -> bytes:
    """A JSON document without measured times and what depends on them."""

    def plain(value):
        if isinstance(value, dict):
            return {
                key: plain(part)
                for key, part in value.items()
                if "seconds" not in key and key not in ("command", "per_second", "resumed", "provenance")
            }
        if isinstance(value, list):
            return [plain(part) for part in value]
        return value

    return json.dumps(plain(json.loads(document))).encode()


def quantize(name: str, *words: str, model: str = "{resnet}") -> Command:
    return Command(
        name,
        ["quantize", model, "--data", "{data}", "--output", "{out}/small.onnx", *words],
        outputs=["small.onnx", "small.preprocess.json"],
        keeps=["small.onnx.journal"],
    )


def commands() -> list[Command]:
    """Allocators that depend on elapsed time (auto) are left out: their result is not a function of the command."""
    uniform = ["--avg-bits", "3", "--allocator", "uniform", "--limit", "64"]
    fixed = [*uniform, "--beside", "none"]
    return [
        quantize("quantize fast", *fixed, "--samples", "16", "-j1", "--tuning-samples", "32", "--effort", "fast"),
        quantize("quantize balanced", *fixed, "--samples", "16", "--tuning-samples", "32", "--effort", "balanced",
                 "--epochs", "3"),
        quantize("quantize best", *fixed, "--samples", "16", "--tuning-samples", "32", "--effort", "best", "--epochs",
                 "3"),
        quantize("quantize brecq", *fixed, "--samples", "16", "--tuning-samples", "32", "--method", "brecq",
                 "--iterations", "30", "--act-bits", "4"),
        quantize("quantize search", "--avg-bits", "3", "--allocator", "output-mse", "--beside", "none", "--limit", "64",
                 "--samples", "16", "--tuning-samples", "32", model="{mobilenet}"),
        Command(
            "finetune",
            ["finetune", "{resnet}", "--data", "{data}", *uniform, "--samples", "16", "--epochs", "2", "--train-samples",
             "64", "--batch", "32", "--start", "gptq", "--act-bits", "4", "--output", "{out}/small.onnx"],
            outputs=["small.onnx"],
            keeps=["small.onnx.journal", "small.onnx.checkpoint", "small.last.onnx", "small.preprocess.json",
                   "small.last.preprocess.json"],
        ),
        Command(
            "search",
            ["search", "{resnet}", "--data", "{data}", "--avg-bits", "3", "--allocator", "output-mse", "--beside",
             "none", "--samples", "32", "--output", "{out}/bits.json"],
            outputs=["bits.json"],
        ),
        Command(
            "compare",
            ["compare", "{resnet}", "--data", "{data}", "--avg-bits", "2.5,3", "--allocators",
             "uniform,local-error", "--random", "2", "--samples", "32", "--limit", "64", "--result",
             "{out}/rows.json", "--journal", "{out}/rows.journal"],
            outputs=["rows.json"],
            keeps=["rows.journal"],
        ),
        Command(
            "sweep",
            ["sweep", "{resnet}", "--data", "{data}", "--points", "4", "--samples", "16", "--metric", "output-mse",
             "--result", "{out}/curve.json", "--output", "{out}/bits.json"],
            outputs=["curve.json", "bits.json"],
        ),
        Command(
            "eval",
            ["eval", "{small}", "--data", "{data}", "--split", "train", "--reference", "{resnet}",
             "--result", "{out}/eval.json"],
            outputs=["eval.json"],
        ),
        Command(
            "diff",
            ["diff", "{resnet}", "{small}", "--data", "{data}", "--split", "train", "--samples", "128", "--result",
             "{out}/diff.json"],
            outputs=["diff.json"],
        ),
    ]


def make_samples(folder: Path, count: int = 600) -> None:
    """IDX files of noisy bars, whose place and direction are the class."""
    folder.mkdir(parents=True, exist_ok=True)
    source = random.Random(1)
    for split, number in (("train", count), ("t10k", count // 2)):
        labels = bytes(i % CLASSES for i in range(number))
        pixels = bytearray()
        for label in labels:
            image = bytearray(source.randrange(60) for _ in range(SIDE * SIDE))
            at = 2 + 5 * (label % 5) + source.randrange(3)
            for i in range(SIDE):
                for width in range(3):
                    row, column = (i, at + width) if label < 5 else (at + width, i)
                    image[row * SIDE + column] = 180 + source.randrange(70)
            pixels += image
        images = struct.pack(">4i", 0x00000803, number, SIDE, SIDE) + bytes(pixels)
        for name, content in (
            (f"{split}-images-idx3-ubyte.gz", images),
            (f"{split}-labels-idx1-ubyte.gz", struct.pack(">2i", 0x00000801, number) + labels),
        ):
            (folder / name).write_bytes(gzip.compress(content, 1, mtime=0))
