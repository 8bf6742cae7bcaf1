"""The notebooks of examples/ run to their end."""

import ast
import json
import os

import pytest

from conftest import SOURCE

NOTEBOOKS = sorted(SOURCE.glob("examples/**/*.ipynb"))


def run_cell(code: str, names: dict) -> object:
    """Executes a cell; gives the value of its last line if that is an expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_notebook_runs_to_its_end(notebook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(os.environ, "OMPQ_EXAMPLE_IMAGES", "80")
    monkeypatch.setitem(os.environ, "OMPQ_EXAMPLE_TIME_LIMIT", "1s")
    monkeypatch.setitem(os.environ, "OMPQ_EXAMPLE_MODELS", str(SOURCE / "models"))
    document = json.loads(notebook.read_text())
    assert document["nbformat"] == 4
    names: dict = {"__name__": "__main__"}
    shown = []
    for cell in document["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert not cell["outputs"], "notebooks are stored without outputs"
        value = run_cell("".join(cell["source"]), names)
        if value is not None:
            shown.append(value._repr_html_())
    assert len(shown) >= 4 and all("<table>" in text for text in shown)
    assert (tmp_path / "small.onnx").stat().st_size < 200_000
    said = capsys.readouterr().out
    assert "bytes ->" in said and "of the shoes" in said and "least possible" in said


def test_there_are_notebooks():
    assert NOTEBOOKS
