"""docs/networks.md, from what was measured."""

import importlib.metadata
import platform

import file_types
import notes
import ocr
import photos
import voice

ALLOCATORS = ("auto", "uniform")  # the default, and the same width everywhere
LIBRARIES = ("onnxruntime", "onnx", "numpy", "pillow", "opencv-python-headless")

HEAD = f"""# Networks from PyPI packages

Networks that packages on PyPI carry, as they lie in the wheel, quantized to 4 bits on average by

```sh
ompq quantize model.onnx --data samples.npz --avg-bits 4 -o out.onnx
```

without further options. `samples.npz` has one array for each input. The samples are such as the network is made for:
lines and pages of text drawn in DejaVu with noise, shade and slant, prepared by the package's own code; speech of espeak-ng with pauses
and noise, cut into frames, with the states that the float network hands on; tones, chords and melodies; files of a Debian system;
photographs. One half calibrates, the other is held out, and every figure is measured on that other half: {ocr.PAGES} pages, {ocr.LINES}
lines, {voice.UTTERANCES} utterances, {notes.WINDOWS} windows of two seconds, {file_types.FileTypes.count} files, {photos.COUNT} photographs. For
the voice networks the written file hands on its own states, frame after frame.

`scripts/check_networks` wrote this page. It fetches the packages and makes the samples itself.
"""

LEGEND = """
- **float**, **written**: bytes of the files. Activations have 8 bits; what stays float is listed in [operators.md](operators.md).
- **error**: |written - float| / |float| over all held-out samples, of the output where it is largest (states of voice networks left out).
- **same**: the share of decisions that are the float network's; the table below says which decisions.
- **uniform**: the same with `--allocator uniform`, and so the same width for every layer.
- **second size**: the written file with other extents than those of the samples, and its error against the float network there.
  At 8000 Hz the voice networks run the branch that the samples (16000 Hz) do not take: it is written in float.
"""


def kilobytes(count: int) -> str:
    return f"{count / 1000:,.0f} kB"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def answer(result: dict) -> str:
    """Of the default; where that was not measured, of the other."""
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
    lines = ["", "## Models of the tree, and those next to the checkout", ""]
    lines += ["With `--allocator uniform --method nearest`, to see whether they are accepted.", ""]
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
