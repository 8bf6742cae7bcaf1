"""Writes docs/networks.md from the results."""

import importlib.metadata
import platform

import file_types
import notes
import ocr
import photos
import voice

ALLOCATORS = ("auto", "uniform")  # the default, and one width for all layers
LIBRARIES = ("onnxruntime", "onnx", "numpy", "pillow", "opencv-python-headless")

HEAD = f"""# Networks from PyPI packages

The networks in some PyPI packages, taken unchanged from the wheels and quantized to 4 bits on average with

```sh
ompq quantize model.onnx --data samples.npz --avg-bits 4 -o out.onnx
```

`samples.npz` has one array per input. The samples resemble what the networks are trained for:
lines and pages of text rendered in DejaVu with noise, shading and slant, preprocessed by the package's own code; speech from espeak-ng with
pauses and noise, cut into frames, with the states that the float network computes; tones, chords and melodies; files of a Debian system;
photographs. Half of them are for calibration, and all figures are measured on the held-out half: {ocr.PAGES} pages, {ocr.LINES}
lines, {voice.UTTERANCES} utterances, {notes.WINDOWS} windows of two seconds, {file_types.FileTypes.count} files, {photos.COUNT} photographs.
The quantized voice networks use their own states from frame to frame.

`scripts/check_networks` wrote this page. It downloads the packages and makes the samples.
"""

LEGEND = """
- **float**, **written**: bytes of the files. Activations have 8 bits; what stays float is listed in [operators](operators.md).
- **error**: |written - float| / |float| over all held-out samples, for the output with the largest error (states of voice networks excluded).
- **same**: the share of decisions that equal the float network's; the table below lists the decisions.
- **uniform**: with `--allocator uniform`, the same width for every layer.
- **second size**: an input size that no sample has, and the error at that size. At 8000 Hz the voice networks run the branch that
  the samples (16000 Hz) do not take, which stays float.
"""


def kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f} kB"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def answer(result: dict) -> str:
    """The result of the default, or of the other allocator if that was not measured."""
    first = next(result[allocator] for allocator in ALLOCATORS if allocator in result)
    plain, optioned = first["plain"], first.get("optioned")
    if plain["accepted"]:
        return "accepted"
    if optioned and optioned["accepted"]:
        return f"accepted with `{optioned['options']}`"
    return "refused"


def figures(result: dict | None) -> list[str]:
    if result is None:
        return ["not measured", "", ""]
    if "fault" in result:
        return ["does not run", "", ""]
    if "bytes" not in result:
        return ["", "", ""]
    return [kilobytes(result["bytes"]), percent(result["error"]), percent(result["agreement"])]


def second(result: dict) -> list[str]:
    measured = [result[allocator]["second"] for allocator in ALLOCATORS if "second" in result.get(allocator, {})]
    there = measured[0] if measured else None
    return [there["size"], percent(there["error"])] if there else ["", ""]


def main_table(results: list[dict]) -> list[str]:
    lines = [
        "| network | without options | float | written | error | same | uniform: written | error | same | second size | error |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|---|--:|",
    ]
    for result in results:
        cells = [f"`{result['name']}`", answer(result), kilobytes(result["float_bytes"])]
        for allocator in ALLOCATORS:
            cells += figures(result.get(allocator))
        lines.append(row([*cells, *second(result)]))
    return lines


def reasons(results: list[dict]) -> list[str]:
    lines = []
    for result in results:
        for allocator in ALLOCATORS:
            measured = result.get(allocator, {})
            for kind in ("plain", "optioned"):
                said = measured.get(kind, {}).get("message")
                if said:
                    lines.append(f"- `{result['name']}`, {allocator}: {said.rsplit('/', 1)[-1]}")
            if "fault" in measured:
                lines.append(f"- `{result['name']}`, {allocator}: the written file fails: {measured['fault']}")
    return ["", "## Why not", "", *lines] if lines else []


def sources(results: list[dict]) -> list[str]:
    lines = ["", "## Where they come from", "", "| network | package | decision |", "|---|---|---|"]
    for result in results:
        lines.append(row([f"`{result['name']}`", f"{result['package']} {result['version']}", result["decision"]]))
    return lines


def own_table(own: list[dict]) -> list[str]:
    if not own:
        return []
    lines = ["", "## Models in the repository and in `../shared`", ""]
    lines += ["Quantized with `--allocator uniform --method nearest`, to check that they are accepted.", ""]
    lines += ["| model | | float | written |", "|---|---|--:|--:|"]
    for result in own:
        verdict = "accepted" if result["accepted"] else f"refused: {result['message']}"
        written = kilobytes(result["bytes"]) if result["bytes"] else ""
        lines.append(row([f"`{result['name']}`", verdict, kilobytes(result["float_bytes"]), written]))
    return lines


def left_out(missing: list[str]) -> list[str]:
    names = ", ".join(f"`{name}`" for name in missing)
    return ["", f"Not measured in this run: {names}."] if missing else []


def page(results: list[dict], missing: list[str], own: list[dict], version: str) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    first = f"\nMeasured with {version} and, on Python {platform.python_version()}, {versions}.\n"
    parts = [*main_table(results), *left_out(missing), LEGEND.rstrip(), *reasons(results), *sources(results), *own_table(own)]
    return HEAD + first + "\n" + "\n".join(parts) + "\n"
