"""nudenet: detects body parts in photographs. The photographs are in ../shared."""

import pathlib

import numpy as np
from PIL import Image
from task import Outcome, Task, outputs_of

COUNT = 24  # for each half
SCORE = 0.2  # of the package


class Detector(Task):
    package = "nudenet"
    file = "nudenet/320n.onnx"
    decision = "the same classes above 0.2 in a photograph"

    def __init__(self, photographs: pathlib.Path):
        self.photographs = photographs

    def prepare(self, folder, model):
        found = sorted(path for path in self.photographs.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
        drawn = np.random.default_rng(23).permutation(len(found))[: 2 * COUNT]
        self.found = [found[i] for i in drawn]

    def pixels(self, path, side=320):
        """Pads a photograph to a square, at the right and bottom, and scales it, as in the package."""
        image = Image.open(path).convert("RGB")
        square = Image.new("RGB", (max(image.size), max(image.size)))
        square.paste(image, (0, 0))
        scaled = np.asarray(square.resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
        return scaled.transpose(2, 0, 1)[None]

    def calibration(self, model):
        return {"images": np.concatenate([self.pixels(path) for path in self.found[:COUNT]])}

    def outcome(self, model, side):
        (output,) = outputs_of(model, [{"images": self.pixels(path, side)} for path in self.found[COUNT:]])
        best = output[:, 4:].max(axis=2)
        return Outcome([output], [tuple(np.flatnonzero(row >= SCORE)) for row in best])

    def held_out(self, model):
        return self.outcome(model, 320)

    def second_size(self, model):
        return "640 x 640", self.outcome(model, 640)
