"""silero-vad: speech detection; the six exports have their state in different inputs."""

import functools
import io
import subprocess
import wave

import numpy as np
import rendered_text
from task import Outcome, Task, session

VOICES = ["en-us", "en-gb", "de", "fr-fr", "es", "it", "pl", "pt"]
UTTERANCES = 6  # for each half
FRAMES = {16000: (512, 64), 8000: (256, 32)}  # new samples of a frame and those of the one before
SEQUENCE = 32  # frames in one call of the export that takes a sequence


def spoken(text: str, voice: str, words_a_minute: int, pitch: int) -> tuple[np.ndarray, int]:
    command = ["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-p", str(pitch), "--stdout", text]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(said)) as file:
        rate = file.getframerate()
        pcm = file.readframes(file.getnframes())
    return np.frombuffer(pcm, "<i2").astype(np.float32) / 32768, rate


def resampled(audio: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Resamples by the spectrum, without frequencies above the lower rate's limit."""
    length = len(audio) * wanted // rate
    spectrum = np.fft.rfft(audio)
    kept = np.zeros(length // 2 + 1, complex)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return (np.fft.irfft(kept, length) * (length / len(audio))).astype(np.float32)


def utterance(random: np.random.Generator, rate: int) -> np.ndarray:
    """Words, pauses between them, and noise over both."""
    parts = []
    for _ in range(int(random.integers(2, 4))):
        parts.append(np.zeros(int(rate * random.uniform(0.3, 0.9)), np.float32))
        text = " ".join(str(word).lower() for word in random.choice(rendered_text.words(), 4))
        voice = str(random.choice(VOICES))
        audio, made_at = spoken(text, voice, int(random.integers(120, 200)), int(random.integers(20, 80)))
        parts.append(resampled(audio, made_at, rate) * random.uniform(0.2, 1.2))
    parts.append(np.zeros(rate // 2, np.float32))
    audio = np.concatenate(parts)
    return (audio + random.normal(0, 10 ** random.uniform(-4, -2), len(audio))).astype(np.float32)


@functools.cache
def utterances(rate: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The samples for calibration and the held-out ones."""
    random = np.random.default_rng(11)
    both = [utterance(random, rate) for _ in range(2 * UTTERANCES)]
    return both[:UTTERANCES], both[UTTERANCES:]


def frames(audio: np.ndarray, rate: int) -> np.ndarray:
    """[frames, context and new samples], as in the package's loop."""
    new, context = FRAMES[rate]
    count = len(audio) // new
    padded = np.concatenate([np.zeros(context, np.float32), audio])
    return np.stack([padded[i * new : i * new + context + new] for i in range(count)])


class VoiceTask(Task):
    """An export that takes a frame and the state of the previous frame."""

    package = "silero-vad"
    decision = "speech or not, frame by frame, at 0.5"
    takes_rate = True
    other_rate = 8000

    def __init__(self, name: str, *, takes_rate: bool = True, other: str = "8000 Hz"):
        self.file = f"silero_vad/data/{name}.onnx"
        self.takes_rate = takes_rate
        self.other = other

    def feed(self, frame, state, rate):
        feed = {"input": frame, "state": state}
        if self.takes_rate:
            feed["sr"] = np.array(rate, np.int64)
        return feed

    def stream(self, run, audio, rate, copies=1):
        """Feeds and outputs of one utterance, repeated `copies` times in the batch."""
        state = np.zeros((2, copies, 128), np.float32)
        for frame in frames(audio, rate):
            feed = self.feed(np.tile(frame, (copies, 1)), state, rate)
            probability, state = run.run(["output", "stateN"], feed)
            yield feed, probability, state

    def calibration(self, model):
        run = session(model)
        feeds = [feed for audio in utterances(16000)[0] for feed, _, _ in self.stream(run, audio, 16000)]
        drawn = np.random.default_rng(13).choice(len(feeds), 192, replace=False)
        arrays = {
            "input": np.concatenate([feeds[i]["input"] for i in drawn]),
            "state": np.stack([feeds[i]["state"] for i in drawn]),
        }
        if self.takes_rate:
            arrays["sr"] = np.array(16000, np.int64)
        return arrays

    def outcome(self, model, rate, copies=1):
        run = session(model)
        steps = [step for audio in utterances(rate)[1] for step in self.stream(run, audio, rate, copies)]
        probabilities = np.concatenate([probability for _, probability, _ in steps])
        return Outcome([probabilities], list(probabilities.ravel() > 0.5))

    def held_out(self, model):
        return self.outcome(model, 16000)

    def second_size(self, model):
        if self.other == "8000 Hz":
            return "8000 Hz", self.outcome(model, 8000)
        return "3 streams", self.outcome(model, 16000, copies=3)


class FixedVoiceTask(VoiceTask):
    """An export with only fixed extents."""

    def second_size(self, model):
        return "", self.outcome(model, 16000)


class SequenceTask(Task):
    """The export that processes many frames at once."""

    package = "silero-vad"
    file = "silero_vad/data/silero_vad_16k_sequence.onnx"
    decision = VoiceTask.decision

    def stream(self, run, audio, length):
        h = c = np.zeros((1, 1, 128), np.float32)
        rows = frames(audio, 16000)
        for start in range(0, len(rows) - length + 1, length):
            feed = {"input": rows[start : start + length], "h": h, "c": c}
            probability, h, c = run.run(["speech_probs", "hn", "cn"], feed)
            yield feed, probability, h, c

    def calibration(self, model):
        run = session(model)
        feeds = [feed for audio in utterances(16000)[0] for feed, *_ in self.stream(run, audio, SEQUENCE)]
        return {name: np.stack([feed[name] for feed in feeds]) for name in feeds[0]}

    def outcome(self, model, length):
        run = session(model)
        steps = [step for audio in utterances(16000)[1] for step in self.stream(run, audio, length)]
        probabilities = np.concatenate([probability for _, probability, *_ in steps])
        return Outcome([probabilities], list(probabilities > 0.5))

    def held_out(self, model):
        return self.outcome(model, SEQUENCE)

    def second_size(self, model):
        return "20 frames", self.outcome(model, 20)


TASKS = [
    VoiceTask("silero_vad"),
    VoiceTask("silero_vad_16k_op15", other="3 streams"),
    SequenceTask(),
    VoiceTask("silero_vad_half", takes_rate=False, other="3 streams"),
    VoiceTask("silero_vad_op18_ifless"),
    FixedVoiceTask("silero_vad_openvino_16k", takes_rate=False),
]
