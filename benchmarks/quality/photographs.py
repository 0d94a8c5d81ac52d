"""The photographs that trainings learn from, and those held out of them to choose settings with."""

import zlib
from pathlib import Path

import numpy as np

import keras_sandwich as ks

HELD_OUT = 12  # one photograph in so many


def split(folders: list[Path], reductions: tuple[int, ...] = (1,)) -> tuple[list, list]:
    """(training pictures, held-out pictures) of all files in the folders, [height, width, 3] uint8 each.

    Two crops of one photograph, `name_a` and `name_b`, stay on one side. The training pictures come reduced by each
    of `reductions`, the held-out ones as they are.
    """
    train, held_out = [], []
    for folder in folders:
        for path, picture in ks.datasets.load_images(folder).items():
            photograph = Path(path).stem.removesuffix("_a").removesuffix("_b")
            side = held_out if zlib.crc32(photograph.encode()) % HELD_OUT == 0 else train
            side.append(np.asarray(picture))
    reduced = [
        np.clip(
            np.round(ks.datasets.crops.reduce_lanczos(picture.astype("float32"), factor)), 0, 255
        )
        for picture in train
        for factor in reductions
    ]
    return [picture.astype("uint8") for picture in reduced], held_out


def deep_pictures(pictures: list[np.ndarray], factor: int = 2) -> list[np.ndarray]:
    """Pictures of 8 bits at a fraction of their size, as 16: averages of several pixels have levels between.

    uint16 in [0, 65280], as `read_picture` reads files of 16 bits for a network.
    """
    return [
        np.rint(ks.datasets.crops.reduce_lanczos(picture.astype("float32"), factor) * 256).astype(
            "uint16"
        )
        for picture in pictures
    ]
