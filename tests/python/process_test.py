"""Commands in a process of their own, as where torch is installed."""

import logging
import os
import signal
import subprocess
import sys

import numpy
import pytest

import ompq
from conftest import QUICK, run_python, without_times
from ompq import _engine, _process


@pytest.fixture
def apart(monkeypatch):
    monkeypatch.setattr(_process, "backend", lambda: _process)


def evaluate(model, images, **options):
    return ompq.evaluate(model, data=(images, numpy.zeros(len(images), int)), batch=8, **options)


def test_results_and_files_are_the_same(model, images, tmp_path, monkeypatch):
    def quantized():
        file = tmp_path / "small.onnx"
        result = ompq.quantize(model, data=images, avg_bits=3, output=file, **QUICK)
        return without_times(result), file.read_bytes()

    here = quantized()
    monkeypatch.setattr(_process, "backend", lambda: _process)
    assert quantized() == here


def test_it_is_used_where_torch_is_or_may_be_imported(tmp_path, model):
    (tmp_path / "torch.py").write_text("")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    code = f"import ompq; print(len(ompq.inspect({model!r}).layers), 'libompq' in open('/proc/self/maps').read())"
    assert run_python(code, PYTHONPATH=path).split() == ["22", "False"]
    assert run_python("import torch;" + code, PYTHONPATH=path).split() == ["22", "False"]
    assert _process.backend() is _engine  # which this process has


def test_errors_are_those_of_the_library(model, images, apart):
    with pytest.raises(ompq.ConfigError, match=r"\[--avg-bits\]") as raised:
        ompq.search(model, data=images, avg_bits=9)
    assert raised.value.where == "--avg-bits"


def test_functions_of_the_caller_are_called(model, images, apart):
    seen = []
    result = evaluate(
        model, images, progress=lambda *event: seen.append(event[:3]), evaluate=lambda file: 7
    )
    assert seen == [("evaluation", done, 96) for done in range(8, 97, 8)]
    assert result.evaluation.quality == 7


@pytest.mark.parametrize("name", ["progress", "evaluate"])
@pytest.mark.parametrize("kind", [LookupError, KeyboardInterrupt])
def test_what_they_raise_ends_the_work(model, images, apart, tmp_path, name, kind):
    def refuse(*_):
        raise kind

    with pytest.raises(kind):
        output = tmp_path / "small.onnx"
        options = {**QUICK, name: refuse}
        ompq.quantize(model, data=images, avg_bits=3, output=output, **options)
    assert not any(file.suffix == ".tmp" for file in tmp_path.iterdir())


def test_log_arrives(model, images, apart, caplog):
    with caplog.at_level(logging.WARNING, logger="ompq"):
        ompq.evaluate(model, data=(images, numpy.zeros(95, int)), reference=model)
    assert any("label" in record.message for record in caplog.records)


def test_page_of_the_report_is_made(model, images, apart):
    result = ompq.sweep(model, data=images, points=3, metric="weight-mse", samples=8)
    assert "<iframe" in result._repr_html_()


def test_interrupt_ends_the_work(model, images, apart):
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, images, progress=lambda *_: signal.raise_signal(signal.SIGINT))


def test_death_of_the_process_is_reported(monkeypatch, model, apart):
    real = subprocess.Popen

    def dying(command, **options):
        return real([sys.executable, "-c", "import os; os._exit(9)"], **options)

    monkeypatch.setattr(subprocess, "Popen", dying)
    with pytest.raises(ompq.InternalError, match="ended with status 9"):
        ompq.inspect(model)
