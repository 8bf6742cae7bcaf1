"""Writes the first images of Fashion-MNIST as a small data set in the same format, for `ompq demo`.

    python3 packaging/demo_images.py SOURCE_FOLDER TARGET_FOLDER

The same input gives the same bytes.
"""

import gzip
import struct
import sys
from pathlib import Path

COUNTS = {"train": 1024, "t10k": 2000}  # to calibrate with, to evaluate on


def write(target: Path, content: bytes) -> None:
    target.write_bytes(gzip.compress(content, 9, mtime=0))


def first(source: Path, split: str, count: int, target: Path) -> None:
    images = f"{split}-images-idx3-ubyte.gz"
    labels = f"{split}-labels-idx1-ubyte.gz"
    content = gzip.decompress((source / images).read_bytes())
    magic, _, height, width = struct.unpack(">4i", content[:16])
    write(target / images, struct.pack(">4i", magic, count, height, width) + content[16 : 16 + count * height * width])
    content = gzip.decompress((source / labels).read_bytes())
    magic, _ = struct.unpack(">2i", content[:8])
    write(target / labels, struct.pack(">2i", magic, count) + content[8 : 8 + count])


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = map(Path, sys.argv[1:])
    for split, count in COUNTS.items():
        first(source, split, count, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
