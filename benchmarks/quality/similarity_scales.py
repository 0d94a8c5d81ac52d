"""What makes the losses 1 − SSIM and 1 − MS-SSIM as large as the squared error, by the strength of the coding.

KERAS_BACKEND=torch python -m benchmarks.quality.similarity_scales --data train --pictures 60

The scale of a loss is the ratio of two means over pictures, coded as JPEG: of squared error and of 1 − similarity.
With it γ, what a bit is worth, means with the loss what it means with squared error. Without `--data`: the bundled
photographs.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

import keras_sandwich as ks

QUALITIES = (10, 30, 50, 70, 90)
LOSSES = {
    "squared error": keras.losses.MeanSquaredError(),
    "1 − SSIM": ks.losses.StructuralSimilarity(scale=1.0),
    "1 − MS-SSIM": ks.losses.MultiScaleStructuralSimilarity(scale=1.0),
}


def pictures(folder: Path | None, most: int) -> Iterator[np.ndarray]:
    """Of a folder as many as are asked for, spread over it."""
    if folder is None:
        yield from ks.datasets.sample_images("train")[:most]
        return
    files = ks.pictures.find_pictures(folder)
    for file in files[:: -(-len(files) // most)]:
        yield ks.pictures.read_srgb(file)


def measured(picture: np.ndarray, quality: int) -> list[float]:
    """Bits per pixel, and each loss."""
    codec = ks.codecs.JPEG(quality=quality)
    data = codec.encode(picture)
    pair = [image[None].astype("float32") for image in (picture, codec.decode(data))]
    values = [float(loss(*pair)) for loss in LOSSES.values()]
    return [8 * len(data) / (picture.shape[0] * picture.shape[1]), *values]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of pictures")
    parser.add_argument("--pictures", type=int, default=60, help="at the most")
    options = parser.parse_args()
    columns = ["JPEG quality", "bits per pixel", *LOSSES, "scale of SSIM", "of MS-SSIM"]
    print(f"| {' | '.join(columns)} |\n|{' ---: |' * len(columns)}")
    for quality in QUALITIES:
        rows = [measured(picture, quality) for picture in pictures(options.data, options.pictures)]
        rate, squared, single, multi = np.mean(rows, axis=0)
        print(
            f"| {quality} | {rate:.2f} | {squared:.1f} | {single:.4f} | {multi:.5f} "
            f"| {squared / single:.0f} | {squared / multi:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
