"""What people see: bars of tqdm, results in notebooks."""

import html
import io
import json
import re

import pytest

import ompq
from conftest import QUICK
from ompq import _progress, results


class FakeBar:
    """What ompq uses of tqdm."""

    def __init__(self, total=None, desc=None):
        self.total, self.desc, self.n, self.detail, self.closed = total, desc, 0, "", False
        MADE.append(self)

    def set_postfix_str(self, text, refresh):
        self.detail = text

    def update(self, steps):
        self.n += steps

    def close(self):
        self.closed = True


MADE: list[FakeBar] = []


def test_a_bar_follows_every_task():
    MADE.clear()
    bar = _progress.Bar(FakeBar)
    for done in (1, 2, 5):
        bar("features", done, 5, f"layer {done}")
    bar("search", 3, 0, "")
    bar.close()
    assert [(made.desc, made.total, made.n, made.closed) for made in MADE] == [
        ("features", 5, 5, True),
        ("search", None, 3, True),
    ]
    assert MADE[0].detail == "layer 5"


def test_a_bar_is_made_where_somebody_watches_or_asks(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def function(*_):
        pass

    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert _progress.callable_of(None) is None
    assert _progress.callable_of(function) is function
    monkeypatch.setattr("sys.stderr", Terminal())
    assert _progress.callable_of(False) is None
    with pytest.raises(TypeError, match="progress: 3 is a int"):
        _progress.callable_of(3)
    monkeypatch.setitem(__import__("sys").modules, "tqdm.auto", None)  # not installed
    assert _progress.callable_of(None) is None
    with pytest.raises(ImportError, match="pip install tqdm"):
        _progress.callable_of(True)


def test_tqdm_shows_the_work(model, images, capsys):
    pytest.importorskip("tqdm")
    ompq.evaluate(model, data=(images, [0] * len(images)), progress=True)
    assert "evaluation: 100%" in capsys.readouterr().err


def cells(text: str) -> list[list[str]]:
    """The rows of the table."""
    table = text[text.index("<table>") : text.index("</table>")]
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:]]


def test_results_are_tables_in_notebooks(model, images, labels, tmp_path):
    result = ompq.quantize(
        model,
        data=(images, labels),
        avg_bits=3,
        output=tmp_path / "small.onnx",
        **{**QUICK, "beside": "size-only"},
    )
    text = result._repr_html_()
    rows = cells(text)
    assert rows[0][:4] == ["allocator", "method", "average bits", "bytes on disk"]
    assert rows[1][0] == "uniform" and rows[1][3] == f"{result.bytes_on_disk:,}"
    assert rows[-1][0] == "float network"
    assert len(rows) == 2 + len(result.networks)
    page = html.unescape(re.search(r'srcdoc="([^"]*)"', text).group(1))
    assert page.startswith("<!") and "</html>" in page
    assert result.model.sha256 in page  # the report shows this result
    evaluated = ompq.evaluate(model, data=(images, labels))
    assert cells(evaluated._repr_html_())[1][0] == f"{evaluated.evaluation.top1:.2%}"
    assert cells(ompq.inspect(model)._repr_html_())[1][0] == ompq.inspect(model).layers[0].name


def test_names_in_notebooks_are_escaped():
    layer = {"name": "<script>", "op_type": "Conv", "weights": 1000, "macs": 1}
    result = results.Inspection({"model": {"file": "<b>.onnx"}, "layers": [layer]})
    text = result._repr_html_()
    assert "<script>" not in text and "<b>.onnx" not in text
    assert cells(text)[1] == ["&lt;script&gt;", "Conv", "1,000", "1"]


def test_long_tables_are_cut():
    layers = [{"name": f"layer{i}"} for i in range(150)]
    text = results.Inspection({"model": {"file": "net.onnx"}, "layers": layers})._repr_html_()
    assert len(cells(text)) == 101 and "and 50 more" in text


def test_result_is_read_from_a_file(model, tmp_path):
    file = tmp_path / "result.json"
    file.write_text(json.dumps(ompq.inspect(model)))
    again = results.Inspection(json.loads(file.read_text()))
    assert again == ompq.inspect(model) and again.layers[0].op_type == "Conv"
