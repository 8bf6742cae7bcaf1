"""The package as a whole: what importing costs, the log, the installed form, the example."""

import logging
import os
import pathlib
import subprocess
import sys

import ompq
from conftest import QUICK, SOURCE, run_python

LOADED = "open('/proc/self/maps').read()"


def test_importing_loads_neither_libtorch_nor_numpy():
    out = run_python(
        "import ompq, sys;"
        f"print('libtorch' in {LOADED}, 'libompq' in {LOADED}, 'numpy' in sys.modules)"
    )
    assert out.split() == ["False", "False", "False"]


def test_first_call_loads_the_library_and_keeps_the_environment(model):
    out = run_python(
        "import ompq, os; before = dict(os.environ);"
        f"ompq.inspect({model!r}); print('libompq_engine.so' in {LOADED}, before == dict(os.environ))"
    )
    assert out.split() == ["True", "True"]


def test_log_of_the_library_goes_to_the_logger_of_the_package(model, images, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="ompq"):
        ompq.quantize(
            model,
            data=images,
            output=tmp_path / "small.onnx",
            avg_bits=3,
            prepare="equalize",
            **QUICK,
        )
    said = [
        (record.name, record.levelname)
        for record in caplog.records
        if "equalization: " in record.message
    ]
    assert said == [("ompq", "INFO")]


def test_installed_package_works_without_the_build_tree(model, tmp_path):
    build = os.environ["OMPQ_BUILD"]
    subprocess.run(
        ["cmake", "--install", build, "--prefix", tmp_path], check=True, capture_output=True
    )
    site = tmp_path / os.environ["OMPQ_SITE"]
    assert (site / "ompq" / "py.typed").exists() and (site / "ompq" / "__init__.pyi").exists()
    out = run_python(
        f"import ompq; print(ompq.__file__, len(ompq.inspect({model!r})['layers']));"
        f"print([line.split()[-1] for line in {LOADED}.splitlines() if 'libompq_engine.so' in line][0])",
        PYTHONPATH=str(site),
    )
    module, layers, library = out.split()
    assert pathlib.Path(module).is_relative_to(tmp_path) and pathlib.Path(library).is_relative_to(
        tmp_path
    )
    assert int(layers) == len(ompq.inspect(model)["layers"])


def test_example_runs_to_its_end(tmp_path):
    done = subprocess.run(
        [sys.executable, SOURCE / "examples" / "python" / "quantize_fashion_mnist.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMPQ_EXAMPLE_IMAGES": "80", "OMPQ_EXAMPLE_TIME_LIMIT": "1s"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "small.onnx").stat().st_size < 200_000
    assert "top-1" in done.stdout
