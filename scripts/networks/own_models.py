"""The models of the repository and of ../shared: accepted or refused."""

import pathlib
from collections.abc import Callable

import numpy as np

ROWS = 64
FAST = ("--allocator", "uniform", "--method", "nearest")  # these do not affect if a network is accepted


def token_ids(folder: pathlib.Path) -> pathlib.Path:
    """Rows of token ids as from a tokenizer: a start, words, an end, and masked padding."""
    random = np.random.default_rng(29)
    ids = np.zeros((ROWS, 32), np.int64)
    mask = np.zeros((ROWS, 32), np.int64)
    for row in range(ROWS):
        length = int(random.integers(8, 33))
        ids[row, :length] = random.integers(2000, 20000, length)
        ids[row, 0], ids[row, length - 1] = 101, 102
        mask[row, :length] = 1
    file = folder / "samples" / "token_ids.npz"
    np.savez(file, input_ids=ids, attention_mask=mask, token_type_ids=np.zeros_like(ids))
    return file


def data_for(model: pathlib.Path, shared: pathlib.Path, build: pathlib.Path) -> pathlib.Path:
    if model.name == "model.onnx":
        return token_ids(build)
    if "fashion-mnist" in model.name:
        return pathlib.Path("/usr/share/datasets/fashion-mnist")
    if "cifar10" in model.name:
        return shared / "data" / "cifar10-train2000.npz"
    return shared / "data" / "imagenet-calib"


def check(root: pathlib.Path, shared: pathlib.Path, build: pathlib.Path, quantize: Callable) -> list[dict]:
    found = sorted((root / "models").glob("*.onnx"))
    found += sorted((shared / "models").rglob("*.onnx")) if (shared / "models").is_dir() else []
    results = []
    for model in found:
        data = data_for(model, shared, build)
        if not data.exists():
            continue
        out = build / "written" / f"own.{model.name}"
        answer = quantize(model, data, out, *FAST)
        inside = model.is_relative_to(root)
        name = str(model.relative_to(root)) if inside else f"../shared/{model.relative_to(shared)}"
        sizes = {"float_bytes": model.stat().st_size, "bytes": out.stat().st_size if out.exists() else 0}
        results.append({"name": name, **answer, **sizes})
        print(f"{name}: {answer}", flush=True)
    return results
