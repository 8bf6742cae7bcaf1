"""Results as HTML, for notebooks: a table, and the page of `ompq report` with its charts."""

from __future__ import annotations

import html
import json

from ompq import _process, errors

_SHARES = ("top1", "top5", "agreement")
_MEASURES = (*_SHARES, "cross_entropy", "divergence", "snr_db", "quality")

# The list that a result is about, and the fields of its rows that are shown; the first list that
# a result has counts.
_TABLES = {
    "networks": ("allocator", "method", "average_bits", "bytes_on_disk", *_MEASURES),
    "points": ("bytes", "average_bits", "gbops", *_MEASURES),
    "allocations": ("allocator", "average_bits", "bytes", "gbops", "predicted_loss", "refused"),
    "rows": (
        *("budget", "allocator", "average_bits", "bytes", *_MEASURES, "refused"),
        *("layer", "op_type", "cosine", "diverged"),
    ),
    "layers": ("name", "op_type", "weights", "macs", "output_shape"),
}
_CHARTED = ("Search", "Quantization", "Finetuning", "Comparison", "Sweep")
_HEADINGS = {"top1": "top-1", "top5": "top-5", "gbops": "Gbops", "snr_db": "SNR, dB", "macs": "MACs"}
_MOST_ROWS = 100


def result_html(result: dict) -> str:
    """The table of a result and, for results that `ompq report` shows, its page in a frame."""
    kind = type(result).__name__
    caption = f"{kind} of {_file_of(result)}"
    text = f"<div><b>{html.escape(caption)}</b>{_table(result)}"
    page = _page(caption, result) if kind in _CHARTED else None
    if page is not None:
        text += (
            f'<iframe srcdoc="{html.escape(page)}" width="100%" height="640" loading="lazy"'
            f' title="{html.escape(caption)}" style="border: 1px solid #ccc"></iframe>'
        )
    return text + "</div>"


def _file_of(result: dict) -> str:
    models = [result[name]["file"] for name in ("model", "a", "b") if name in result]
    return " and ".join(models)


def _page(name: str, result: dict) -> str | None:
    try:
        return _process.backend().report_page({name: json.dumps(result)})
    except errors.ConfigError:  # ompq was built without the page
        return None


def _table(result: dict) -> str:
    name = next((name for name in _TABLES if isinstance(result.get(name), list)), None)
    rows = [result] if name is None else result[name]
    columns = (*_MEASURES, "file", "layers") if name is None else _TABLES[name]
    cells = [_cells(row, columns) for row in rows[:_MOST_ROWS]]
    if "float_evaluation" in result:
        measures = _measures(result["float_evaluation"])
        cells.append({"allocator": "float network", **measures})
    shown = [column for column in columns if any(column in row for row in cells)]
    headings = [_HEADINGS.get(column, column.replace("_", " ")) for column in shown]
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(row.get(column, ''))}</td>" for column in shown) + "</tr>"
        for row in cells
    )
    more = len(rows) - _MOST_ROWS
    note = f"<p>and {more} more</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def _cells(row: dict, columns: tuple) -> dict:
    """The texts of a row by column; values of its evaluation count as its own."""
    cells = {
        column: _text(column, row[column])
        for column in columns
        if column in row and not isinstance(row[column], (dict, list))
    }
    return {**cells, **_measures(row.get("evaluation", {}))}


def _measures(evaluation: dict) -> dict:
    return {name: _text(name, evaluation[name]) for name in _MEASURES if name in evaluation}


def _text(column: str, value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column in _SHARES:
        return f"{value:.2%}"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
