"""What the check knows of a network: samples, what is held out, and what a user reads off its outputs."""

import dataclasses
import pathlib

import numpy as np
import onnxruntime


@dataclasses.dataclass
class Outcome:
    """What a network gives on the held-out samples.

    values     one array for each of the network's outputs that a user reads.
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
    """|got - float| / |float| over all values, each output in its own units: the largest of the outputs."""
    errors = []
    for got, wanted in zip(outcome.values, reference.values, strict=True):
        if got.shape != wanted.shape:
            raise ValueError(f"shape {got.shape} instead of {wanted.shape}")
        wide = wanted.astype(np.float64)
        errors.append(np.linalg.norm(got - wide) / max(np.linalg.norm(wide), 1e-30))
    return float(max(errors))


def agreement(outcome: Outcome, reference: Outcome) -> float:
    """Share of the decisions that are the float network's."""
    pairs = list(zip(outcome.decisions, reference.decisions, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs)


class Task:
    """A network of a package. Half of its samples calibrate, the other half is held out."""

    package: str
    file: str  # in the package
    decision: str  # what the decisions are, for the table
    options: tuple[str, ...] = ()  # what ompq needs beside --data and --avg-bits, where the run without fails

    @property
    def name(self) -> str:
        return pathlib.Path(self.file).stem

    def prepare(self, folder: pathlib.Path, model: pathlib.Path) -> None:
        """Reads what the package has next to the network, and draws the samples."""

    def calibration(self, model: pathlib.Path) -> dict[str, np.ndarray]:
        """Arrays by the names of the network's inputs."""
        raise NotImplementedError

    def held_out(self, model: pathlib.Path) -> Outcome:
        """The network in `model` on the held-out samples."""
        raise NotImplementedError

    def second_size(self, model: pathlib.Path) -> tuple[str, Outcome]:
        """The network on samples of a size that calibration did not have; the size in words."""
        raise NotImplementedError

    def agreement(self, outcome: Outcome, reference: Outcome) -> float:
        return agreement(outcome, reference)


def outputs_of(model: pathlib.Path, feeds: list[dict[str, np.ndarray]]) -> list[np.ndarray]:
    """Each output of the network over all feeds, one after the other."""
    run = session(model)
    parts = [run.run(None, feed) for feed in feeds]
    return [np.concatenate(output) for output in zip(*parts, strict=True)]
