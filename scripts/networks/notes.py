"""basic-pitch: transcribes the notes of tones, chords and melodies."""

import numpy as np
from task import Outcome, Task, outputs_of

RATE = 22050
LENGTH = 43844  # samples of a window, as the package cuts them
WINDOWS = 16  # for each half
ONSET = 0.5  # thresholds of the package
FRAME = 0.3
NEAR = 4  # frames: 50 ms, as mir_eval counts onsets


def note(random: np.random.Generator, key: int, seconds: float) -> np.ndarray:
    """A struck or a blown tone with overtones."""
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 440 * 2 ** ((key - 69 + random.uniform(-0.1, 0.1)) / 12)
    fall = random.uniform(0.4, 1.2)
    tone = sum(np.sin(2 * np.pi * pitch * n * time) * fall**n / n for n in range(1, 9) if pitch * n < RATE / 2)
    decay = np.exp(-time * random.uniform(0.3, 4))
    ends = np.minimum(1, np.minimum(time / 0.008, (time[-1] - time) / 0.03))
    return tone * decay * np.clip(ends, 0, 1) * random.uniform(0.05, 0.3)


def window(random: np.random.Generator) -> np.ndarray:
    """Single tones, chords, or a melody over held notes; [LENGTH, 1]."""
    audio = np.zeros(LENGTH + RATE)
    kind = random.integers(3)
    start = int(random.uniform(0, 0.2) * RATE)
    while start < LENGTH - RATE // 10:
        seconds = random.uniform(0.15, 0.5) if kind == 2 else random.uniform(0.4, 1.0)
        root = int(random.integers(40, 84))
        keys = [root] if kind != 1 else [root, root + int(random.integers(3, 5)), root + 7]
        for key in keys:
            sound = note(random, key, seconds)
            audio[start : start + len(sound)] += sound[: len(audio) - start]
        start += int(seconds * RATE)
    if kind == 2:
        sound = note(random, int(random.integers(36, 50)), 1.8)
        audio[: len(sound)] += sound
    audio += random.normal(0, 10 ** random.uniform(-4.5, -2.5), len(audio))
    return audio[:LENGTH, None].astype(np.float32)


def onsets(onset: np.ndarray, frame: np.ndarray) -> list[tuple[int, int]]:
    """(frame, key) of each note: at a peak of the onset while the note is active."""
    before = np.pad(onset, [(1, 0), (0, 0)])[:-1]
    after = np.pad(onset, [(0, 1), (0, 0)])[1:]
    peaks = (onset >= ONSET) & (onset > before) & (onset >= after) & (frame >= FRAME)
    return [(int(t), int(key)) for t, key in np.argwhere(peaks)]


def matched(notes: list, others: list) -> int:
    left = list(others)
    count = 0
    for t, key in notes:
        near = [o for o in left if o[1] == key and abs(o[0] - t) <= NEAR]
        if near:
            left.remove(min(near, key=lambda o: abs(o[0] - t)))
            count += 1
    return count


class Transcriber(Task):
    package = "basic-pitch"
    file = "basic_pitch/saved_models/icassp_2022/nmp.onnx"
    decision = "the same notes (F1, onsets within 50 ms)"
    input = "serving_default_input_2:0"

    def prepare(self, folder, model):
        random = np.random.default_rng(17)
        self.windows = [window(random) for _ in range(2 * WINDOWS)]

    def calibration(self, model):
        return {self.input: np.stack(self.windows[:WINDOWS])}

    def outcome(self, model, at_once):
        held = np.stack(self.windows[WINDOWS:])
        feeds = [{self.input: held[i : i + at_once]} for i in range(0, len(held), at_once)]
        values = outputs_of(model, feeds)
        names = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"]  # notes and onsets, as the package reads them
        return Outcome(values, self.notes(values))

    @staticmethod
    def notes(values):
        onset, frame, _ = values
        return [onsets(onset[i], frame[i]) for i in range(len(onset))]

    def held_out(self, model):
        return self.outcome(model, 1)

    def second_size(self, model):
        return "5 windows at once", self.outcome(model, 5)

    def agreement(self, outcome, reference):
        pairs = list(zip(outcome.decisions, reference.decisions, strict=True))
        both = sum(matched(got, wanted) for got, wanted in pairs)
        return 2 * both / max(1, sum(len(got) + len(wanted) for got, wanted in pairs))


TASKS = [Transcriber()]
