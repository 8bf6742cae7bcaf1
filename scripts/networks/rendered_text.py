"""Lines and pages of text, rendered with the machine's fonts on tinted, noisy paper."""

import functools
import pathlib
import re

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = pathlib.Path("/usr/share/fonts/truetype/dejavu")
TEXTS = pathlib.Path("/usr/share/common-licenses")


@functools.cache
def words() -> list[str]:
    """Words from Debian's licence texts."""
    found = set()
    for file in sorted(TEXTS.iterdir()):
        found.update(re.findall(r"[A-Za-z]{2,12}", file.read_text(errors="ignore")))
    return sorted(found)


@functools.cache
def fonts() -> list[pathlib.Path]:
    found = sorted(path for path in FONTS.glob("*.ttf") if "Math" not in path.name)
    if not found:
        raise SystemExit(f"check_networks: no fonts in {FONTS}; install fonts-dejavu-core")
    return found


def token(random: np.random.Generator) -> str:
    kind = random.integers(6)
    if kind == 0:
        return str(random.integers(10, 99999))
    if kind == 1:
        return f"{random.integers(1, 31):02}.{random.integers(1, 13):02}.{random.integers(1990, 2030)}"
    if kind == 2:
        return f"${random.integers(1, 999)}.{random.integers(100):02}"
    word = str(random.choice(words()))
    return word.upper() if random.integers(4) == 0 else word


def phrase(random: np.random.Generator, letters: int) -> str:
    text = token(random)
    while True:
        longer = f"{text} {token(random)}"
        if len(longer) > letters:
            return text
        text = longer


def font(random: np.random.Generator, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(random.choice(fonts())), size)


def colours(random: np.random.Generator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Colours of paper and ink; one in five is light on dark."""
    paper = random.integers(175, 256, 3)
    ink = random.integers(0, 90, 3)
    if random.integers(5) == 0:
        paper, ink = ink, paper
    return tuple(int(c) for c in paper), tuple(int(c) for c in ink)


def worn(image: Image.Image, random: np.random.Generator) -> np.ndarray:
    """Adds blur, shading and noise as a camera does. [height, width, 3], uint8."""
    if random.integers(2) == 0:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 0.9)))
    pixels = np.asarray(image, np.float32)
    height, width, _ = pixels.shape
    shade = np.linspace(random.uniform(-25, 25), random.uniform(-25, 25), width)[None, :, None]
    pixels = pixels + shade + random.normal(0, random.uniform(1, 9), (height, width, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def line(random: np.random.Generator, letters: int) -> np.ndarray:
    """One line of text of at most `letters` letters, cropped as by a detector."""
    paper, ink = colours(random)
    drawn_in = font(random, int(random.integers(18, 44)))
    text = phrase(random, letters)
    left, top, right, bottom = drawn_in.getbbox(text)
    margin = int(random.integers(2, 8))
    image = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), paper)
    ImageDraw.Draw(image).text((margin - left, margin - top), text, ink, font=drawn_in)
    turned = image.rotate(random.uniform(-1.5, 1.5), Image.Resampling.BICUBIC, fillcolor=paper)
    return worn(turned, random)


def page(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    """A page with blocks of text of several sizes."""
    paper, ink = colours(random)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)
    y = int(random.integers(10, 40))
    while y < height - 60:
        size = int(random.integers(14, 46))
        drawn_in = font(random, size)
        x = int(random.integers(8, width // 3))
        letters = int(max(4, (width - x) / size * random.uniform(0.5, 1.6)))
        for _ in range(int(random.integers(1, 4))):
            draw.text((x, y), phrase(random, letters), ink, font=drawn_in)
            y += int(size * random.uniform(1.2, 1.6))
        y += int(random.integers(8, 50))
    turned = image.rotate(random.uniform(-3, 3), Image.Resampling.BICUBIC, fillcolor=paper)
    return worn(turned, random)
