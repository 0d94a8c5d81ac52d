"""What makes 1 − SSIM, 1 − MS-SSIM and LPIPS as large as the squared error, by the strength of the coding.

KERAS_BACKEND=torch python -m benchmarks.quality.distortion_scales --data train --pictures 60 --lpips alexnet.npz

The scale of a loss is the ratio of two means over pictures, coded as JPEG: of squared error and of the loss unscaled.
With it γ, what a bit is worth, means with the loss what it means with squared error. Without `--data`: the bundled
photographs.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sandwich as ks

QUALITIES = (10, 30, 50, 70, 90)


def pictures(folder: Path | None, most: int) -> Iterator[np.ndarray]:
    """Of a folder as many as are asked for, spread over it."""
    if folder is None:
        yield from ks.datasets.sample_images("train")[:most]
        return
    files = ks.pictures.find_pictures(folder)
    for file in files[:: -(-len(files) // most)]:
        yield ks.pictures.read_srgb(file)


def measured(picture: np.ndarray, quality: int, losses: Iterable[Any]) -> list[float]:
    """Bits per pixel, and each loss."""
    codec = ks.codecs.JPEG(quality=quality)
    data = codec.encode(picture)
    pair = [image[None].astype("float32") for image in (picture, codec.decode(data))]
    values = [float(loss(*pair)) for loss in losses]
    return [8 * len(data) / (picture.shape[0] * picture.shape[1]), *values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of pictures")
    parser.add_argument("--pictures", type=int, default=60, help="at the most")
    parser.add_argument("--lpips", type=Path, help="the weights of LPIPS")
    options = parser.parse_args()
    losses = {
        "squared error": keras.losses.MeanSquaredError(),
        "SSIM": ks.losses.StructuralSimilarity(scale=1.0),
        "MS-SSIM": ks.losses.MultiScaleStructuralSimilarity(scale=1.0),
    }
    if options.lpips:
        losses["LPIPS"] = ks.losses.LPIPS(options.lpips, scale=1.0)
    columns = ["JPEG quality", "bits per pixel", *losses]
    columns += [f"scale of {name}" for name in list(losses)[1:]]
    print(f"| {' | '.join(columns)} |\n|{' ---: |' * len(columns)}")
    for quality in QUALITIES:
        rows = [
            measured(picture, quality, losses.values())
            for picture in pictures(options.data, options.pictures)
        ]
        rate, squared, *others = np.mean(rows, axis=0)
        values = [f"{rate:.2f}", f"{squared:.1f}", *(f"{value:.5f}" for value in others)]
        values += [f"{squared / value:.0f}" for value in others]
        print(f"| {quality} | {' | '.join(values)} |", flush=True)


if __name__ == "__main__":
    main()
