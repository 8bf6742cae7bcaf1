"""rapidocr-onnxruntime: detects lines of text, classifies their orientation, and reads them."""

import functools
import pathlib
import sys

import numpy as np
import rendered_text
from task import Outcome, Task, outputs_of

PAGES = 8  # for each half
LINES = 32  # for each half
LETTERS = 16  # these fit the width that the package starts from
LONG_LETTERS = 40


@functools.cache
def packages_code(folder: pathlib.Path):
    """The package's preprocessing, decoding and configuration."""
    sys.path.insert(0, str(folder))
    import rapidocr_onnxruntime
    from rapidocr_onnxruntime.utils import read_yaml

    root = pathlib.Path(rapidocr_onnxruntime.__file__).parent
    return rapidocr_onnxruntime, read_yaml(root / "config.yaml")


def make(folder: pathlib.Path, kind: str, model: pathlib.Path):
    from rapidocr_onnxruntime.ch_ppocr_cls import TextClassifier
    from rapidocr_onnxruntime.ch_ppocr_det import TextDetector
    from rapidocr_onnxruntime.ch_ppocr_rec import TextRecognizer

    _, config = packages_code(folder)
    maker = {"Det": TextDetector, "Cls": TextClassifier, "Rec": TextRecognizer}[kind]
    return maker({**config[kind], "model_path": str(model), "limit_type": "max"})  # small pages stay small


class OcrTask(Task):
    package = "rapidocr-onnxruntime"
    kind = ""  # of the package's configuration

    def prepare(self, folder, model):
        packages_code(folder)
        self.engine = make(folder, self.kind, model)
        random = np.random.default_rng(7)
        self.calibrating = np.concatenate([self.sample(random) for _ in range(self.count)])
        self.holding = [self.sample(random) for _ in range(self.count)]
        self.other = [self.other_sample(random) for _ in range(4)]

    def calibration(self, model):
        return {"x": self.calibrating}

    def held_out(self, model):
        return self.outcome(outputs_of(model, [{"x": sample} for sample in self.holding])[0])

    def second_size(self, model):
        _, _, height, width = self.other[0].shape
        outcome = self.outcome(outputs_of(model, [{"x": sample} for sample in self.other])[0])
        return f"{height} x {width}", outcome

    def outcome(self, output: np.ndarray) -> Outcome:
        return Outcome([output], self.decisions(output))


class Detector(OcrTask):
    file = "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"
    decision = "pixels of text at 0.3"
    kind = "Det"
    count = PAGES

    def sample(self, random, height=352, width=352):
        page = rendered_text.page(random, height, width)
        return self.engine.get_preprocess(max(page.shape[:2]))(page)

    def other_sample(self, random):
        return self.sample(random, 320, 544)

    def decisions(self, output):
        return list(output > self.engine.postprocess_op.thresh)

    def agreement(self, outcome, reference):
        """Intersection over union of text pixels; most pixels are background, so accuracy would be too optimistic."""
        got, wanted = np.stack(outcome.decisions), np.stack(reference.decisions)
        return float((got & wanted).sum() / (got | wanted).sum())


class Recognizer(OcrTask):
    file = "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"
    decision = "the same text of a line"
    kind = "Rec"
    count = LINES

    def sample(self, random, letters=LETTERS, width=320):
        while True:
            line = rendered_text.line(random, letters)
            if line.shape[1] / line.shape[0] <= width / 48:
                return self.engine.resize_norm_img(line, width / 48)[None]

    def other_sample(self, random):
        return self.sample(random, LONG_LETTERS, 640)

    def decisions(self, output):
        return [text for text, _ in self.engine.postprocess_op(output)]


class DirectionClassifier(OcrTask):
    file = "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
    decision = "upright or upside down"
    kind = "Cls"
    count = LINES

    def sample(self, random):
        line = rendered_text.line(random, LETTERS)
        upright = random.integers(2) == 0
        return self.engine.resize_norm_img(line if upright else np.ascontiguousarray(line[::-1, ::-1]))[None]

    def other_sample(self, random):
        return np.pad(self.sample(random), [(0, 0), (0, 0), (0, 0), (0, 64)])

    def decisions(self, output):
        return [int(row.argmax()) for row in output]


TASKS = [Detector(), Recognizer(), DirectionClassifier()]
