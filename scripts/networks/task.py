"""The description of a network: samples, held-out samples, and the decisions that a user derives from its outputs."""

import dataclasses
import pathlib

import numpy as np
import onnxruntime


@dataclasses.dataclass
class Outcome:
    """The outputs of a network for the held-out samples.

    values     one array per output that a user reads.
    decisions  what the user makes of them; two runs are compared entry by entry.
    """

    values: list[np.ndarray]
    decisions: list


def session(path: pathlib.Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # small networks lose by more
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def relative_error(outcome: Outcome, reference: Outcome) -> float:
    """|got - float| / |float| per output; the largest of all outputs."""
    errors = []
    for got, wanted in zip(outcome.values, reference.values, strict=True):
        if got.shape != wanted.shape:
            raise ValueError(f"shape {got.shape} instead of {wanted.shape}")
        wide = wanted.astype(np.float64)
        errors.append(np.linalg.norm(got - wide) / max(np.linalg.norm(wide), 1e-30))
    return float(max(errors))


def agreement(outcome: Outcome, reference: Outcome) -> float:
    """Share of decisions that equal the float network's."""
    pairs = list(zip(outcome.decisions, reference.decisions, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs)


class Task:
    """A network of a package. Half of its samples are for calibration, the other half is held out."""

    package: str
    file: str  # in the package
    decision: str  # what the decisions are, for the table
    options: tuple[str, ...] = ()  # what ompq needs beside --data and --avg-bits, where the run without fails

    @property
    def name(self) -> str:
        return pathlib.Path(self.file).stem

    def prepare(self, folder: pathlib.Path, model: pathlib.Path) -> None:
        """Reads the package's files for the network, and draws the samples."""

    def calibration(self, model: pathlib.Path) -> dict[str, np.ndarray]:
        """Arrays by the names of the network's inputs."""
        raise NotImplementedError

    def held_out(self, model: pathlib.Path) -> Outcome:
        """Runs the network in `model` on the held-out samples."""
        raise NotImplementedError

    def second_size(self, model: pathlib.Path) -> tuple[str, Outcome]:
        """Runs the network on samples of a size that calibration did not have; returns the size as text."""
        raise NotImplementedError

    def agreement(self, outcome: Outcome, reference: Outcome) -> float:
        return agreement(outcome, reference)


def outputs_of(model: pathlib.Path, feeds: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """Runs the network for all feeds; each output is concatenated."""
    run = session(model)
    parts = [run.run(None, feed) for feed in feeds]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]
