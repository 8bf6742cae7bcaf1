"""What the tests share: the shipped network and data, and the program."""

import gzip
import os
import pathlib
import subprocess

import numpy
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ["OMPQ_FASHION_MNIST"])

# Little work: rounding to nearest under a rule that measures nothing.
QUICK = {"allocator": "uniform", "beside": "none", "method": "nearest", "samples": 8, "limit": 8}


@pytest.fixture(scope="session")
def model() -> str:
    return str(SOURCE / "models" / "resnet20-fashion-mnist.onnx")


@pytest.fixture(scope="session")
def images() -> numpy.ndarray:
    """The first 96 training images, uint8 [n, 28, 28]."""
    with gzip.open(DATA / "train-images-idx3-ubyte.gz") as stream:
        pixels = stream.read(16 + 96 * 28 * 28)[16:]
    return numpy.frombuffer(pixels, numpy.uint8).reshape(96, 28, 28)


@pytest.fixture(scope="session")
def labels() -> numpy.ndarray:
    with gzip.open(DATA / "train-labels-idx1-ubyte.gz") as stream:
        return numpy.frombuffer(stream.read(8 + 96)[8:], numpy.uint8)


@pytest.fixture(scope="session")
def archive(images, labels, tmp_path_factory) -> pathlib.Path:
    """The same samples as a file."""
    file = tmp_path_factory.mktemp("data") / "samples.npz"
    numpy.savez(file, x=images, y=labels)
    return file


@pytest.fixture
def program():
    """Runs the program. Call with its words; gives its exit status, output and errors."""

    def run(*words):
        command = [os.environ["OMPQ_PROGRAM"], *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    return run


def run_python(code: str, **environment: str) -> str:
    """Runs code in an interpreter of its own; gives what it printed."""
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def without_times(result: dict) -> dict:
    """A result without what differs from run to run: durations, and who called."""
    if isinstance(result, list):
        return [without_times(item) for item in result]
    if not isinstance(result, dict):
        return result
    changing = ("seconds", "command", "images_per_second")
    return {name: without_times(value) for name, value in result.items() if name not in changing}
