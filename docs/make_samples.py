"""Cut the photographs that ship in `keras_sandwich/datasets/samples` out of larger ones.

    python docs/make_samples.py PHOTOGRAPHS keras_sandwich/datasets/samples

`PHOTOGRAPHS/train` holds photographs of any size, `PHOTOGRAPHS/test` pictures of 256×256 pixels.
From each photograph the most detailed 256×256 squares are taken in turn, apart from each other,
until the folder is full. Everything is written as lossless WebP.
"""

import argparse
import io
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = 256
STRIDE = 16
LARGEST_OVERLAP = 0.1  # of a square's area
BUDGET = 2_970_000  # bytes, training and test pictures together
NOT_TO_SHIP = "motorcycle"  # the Middlebury stereo pictures state no licence


def lossless_webp(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=100, method=6, exact=True)
    return buffer.getvalue()


def detail(pixels: np.ndarray) -> float:
    """Mean logarithm of the standard deviation of luma in 8×8 blocks: busy everywhere wins."""
    luma = pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    blocks = luma.reshape(SIZE // 8, 8, SIZE // 8, 8).transpose(0, 2, 1, 3)
    return float(np.log(1.0 + blocks.reshape(-1, 64).std(axis=1)).mean())


def squares(photograph: np.ndarray) -> list[tuple[int, int]]:
    """Upper left corners of the squares of one photograph, the most detailed first."""
    height, width = photograph.shape[:2]
    corners = [
        (y, x)
        for y in range(0, height - SIZE + 1, STRIDE)
        for x in range(0, width - SIZE + 1, STRIDE)
    ]
    scores = {(y, x): detail(photograph[y : y + SIZE, x : x + SIZE]) for y, x in corners}
    chosen: list[tuple[int, int]] = []
    for y, x in sorted(corners, key=lambda corner: (-scores[corner], corner)):
        shared = [max(0, SIZE - abs(y - v)) * max(0, SIZE - abs(x - u)) for v, u in chosen]
        if all(area <= LARGEST_OVERLAP * SIZE * SIZE for area in shared):
            chosen.append((y, x))
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    for split in ("train", "test"):
        (arguments.output / split).mkdir(parents=True, exist_ok=True)
        for old in (arguments.output / split).glob("*.webp"):
            old.unlink()

    written = 0
    for path in sorted((arguments.photographs / "test").glob("*.png")):
        if not path.name.startswith(NOT_TO_SHIP):
            data = lossless_webp(np.asarray(Image.open(path).convert("RGB")))
            (arguments.output / "test" / f"{path.stem}.webp").write_bytes(data)
            written += len(data)

    photographs = {
        path.stem: np.asarray(Image.open(path).convert("RGB"))
        for path in sorted((arguments.photographs / "train").glob("*.png"))
    }
    corners = {name: squares(photograph) for name, photograph in photographs.items()}
    for turn in range(max(map(len, corners.values()))):
        for name, photograph in photographs.items():
            if turn < len(corners[name]):
                y, x = corners[name][turn]
                data = lossless_webp(photograph[y : y + SIZE, x : x + SIZE])
                if written + len(data) <= BUDGET:
                    (arguments.output / "train" / f"{name}_{y}_{x}.webp").write_bytes(data)
                    written += len(data)
    print(f"{written} bytes")


if __name__ == "__main__":
    main()
