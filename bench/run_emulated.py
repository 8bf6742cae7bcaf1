"""Top-1 of files for integer kernels in ONNX Runtime on this processor, and on an emulated one with AVX2 and without VNNI.

    python3 bench/run_emulated.py BUILD_FOLDER --network MODEL DATA LABELLED [--network ...] [options]

needs numpy and onnx, Debian's qemu-user, and the ONNX Runtime of tests/judge (make judge). DATA and LABELLED as for
run_integers.py. For each network and width, --target onnxruntime and --target onnxruntime-avx2 write a file; with 8 bits, the
latter has 7. Weights are rounded to nearest with uniform bits unless --options says otherwise.
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile

from run_integers import labels_of, ompq, preprocessed

JUDGE = pathlib.Path(__file__).resolve().parent.parent / "tests" / "judge"
sys.path.insert(0, str(JUDGE))
TARGETS = {"onnxruntime": 8, "onnxruntime-avx2": 7}  # the largest width
EMULATOR = ["qemu-x86_64", "-cpu", "Haswell"]


def classes_in(files, inputs, folder, emulator):
    """The class of each sample for each file, all in one process."""
    from tensors import read_tensors

    jobs = [
        {"model": str(file), "inputs": str(inputs), "outputs": str(folder / f"{i}.out"), "optimization": "all"}
        for i, file in enumerate(files)
    ]
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    argv = [*emulator, str(JUDGE / "venv" / "bin" / "python"), str(JUDGE / "run_jobs.py"), str(folder / "jobs.json")]
    answer = subprocess.run(argv, check=True, capture_output=True, text=True)
    refusals = [refusal for refusal in json.loads(answer.stdout) if refusal]
    if refusals:
        raise RuntimeError(refusals[0])
    outputs = [next(iter(read_tensors(job["outputs"]).values())) for job in jobs]
    return [scores.reshape(len(scores), -1).argmax(1) for scores in outputs]


def report(given, network, folder):
    from run_integers import input_of
    from tensors import write_tensors

    model, data, labelled = map(pathlib.Path, network)
    x = preprocessed(given.build, model, labelled, "test", given.images, folder)
    y = labels_of(labelled)[: len(x)]
    write_tensors(folder / "images", [(input_of(model)[0], x)])
    rows, files = [], []
    for bits in given.bits:
        for target, largest in TARGETS.items():
            rows.append((target, min(bits, largest)))
            files.append(folder / f"{target}-{bits}.onnx")
            ompq(
                given.build, "quantize", model, "--data", data, "--target", target, "--avg-bits", min(bits, largest),
                "--beside", "none", "--limit", 2, *shlex.split(given.options), "-o", files[-1],
            )  # fmt: skip
    native = classes_in(files, folder / "images", folder, [])
    emulated = classes_in(files, folder / "images", folder, EMULATOR)
    for (target, bits), here, there in zip(rows, native, emulated):
        print(
            f"| {model.stem} | `{target}` | {bits:g} | {100 * (here == y).mean():.2f} % | {100 * (there == y).mean():.2f} % | "
            f"{(here != there).sum()} of {len(y)} |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--network", nargs=3, action="append", required=True, metavar=("MODEL", "DATA", "LABELLED"))
    parser.add_argument("--images", type=int, default=500, help="labelled images (default 500)")
    parser.add_argument("--bits", type=float, nargs="+", default=[8, 4], help="bits per weight on average (default 8 4)")
    parser.add_argument("--options", default="--method nearest --allocator uniform", help="more options of `ompq quantize`")
    given = parser.parse_args()
    print("| network | `--target` | bits | with VNNI | with AVX2 | other classes |\n|---|---|--:|--:|--:|--:|")
    for network in given.network:
        with tempfile.TemporaryDirectory() as folder:
            report(given, network, pathlib.Path(folder))


if __name__ == "__main__":
    main()
