"""magika: detects the type of a file from its bytes."""

import json
import pathlib
import sys

import numpy as np
from task import Outcome, Task, outputs_of

EACH = 12  # files of one ending
ROOTS = [pathlib.Path("/usr/include"), pathlib.Path("/usr/share"), pathlib.Path("/usr/lib"), pathlib.Path(sys.prefix)]


def files(random: np.random.Generator) -> list[pathlib.Path]:
    """Files with many extensions from this machine, at most a dozen of each."""
    by_ending: dict[str, list[pathlib.Path]] = {}
    for root in ROOTS:
        for path in sorted(root.rglob("*.*")):
            if path.is_file() and not path.is_symlink() and path.stat().st_size >= 64:
                by_ending.setdefault(path.suffix, []).append(path)
    chosen = []
    for ending in sorted(by_ending):
        found = by_ending[ending]
        if len(found) >= 4:
            chosen += [found[i] for i in random.permutation(len(found))[:EACH]]
    return chosen


class FileTypes(Task):
    package = "magika"
    file = "magika/models/standard_v3_3/model.onnx"
    decision = "the same type of file"
    name = "magika"
    count = 128  # for each half

    def prepare(self, folder, model):
        self.config = json.loads((model.parent / "config.min.json").read_text())
        random = np.random.default_rng(19)
        found = files(random)
        drawn = random.permutation(len(found))[: 2 * self.count]
        rows = np.stack([self.features(found[i].read_bytes()) for i in drawn])
        self.calibrating, self.holding = rows[::2], rows[1::2]

    def features(self, content: bytes) -> np.ndarray:
        """The first and the last bytes without surrounding white space, as in the package."""
        block, first, last = (self.config[name] for name in ("block_size", "beg_size", "end_size"))
        row = np.full(first + last, self.config["padding_token"], np.int32)
        head = content[:block].lstrip()[:first]
        tail = content[-block:].rstrip()[-last:]
        row[: len(head)] = list(head)
        row[len(row) - len(tail) :] = list(tail)
        return row

    def calibration(self, model):
        return {"bytes": self.calibrating}

    def outcome(self, model, at_once):
        feeds = [{"bytes": self.holding[i : i + at_once]} for i in range(0, len(self.holding), at_once)]
        (scores,) = outputs_of(model, feeds)
        return Outcome([scores], [int(row.argmax()) for row in scores])

    def held_out(self, model):
        return self.outcome(model, 1)

    def second_size(self, model):
        return "16 files at once", self.outcome(model, 16)


TASKS = [FileTypes()]
