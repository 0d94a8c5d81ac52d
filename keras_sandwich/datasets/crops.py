"""What becomes of a picture before it is trained on: crop, Lanczos reduction, turns and flips."""

from functools import lru_cache

import numpy as np

from keras_sandwich._optional import import_library

# What a random number is drawn for is part of its seed, so that no two streams are the same.
_ORDER, _CROP, _SUBSTITUTES = 0, 1, 2


@lru_cache(maxsize=16)
def picture_order(seed: int, epoch: int, turn: int, count: int) -> np.ndarray:
    """The order in which the pictures are taken in one turn through all of them."""
    return np.random.default_rng([seed, _ORDER, epoch, turn]).permutation(count)


def substitute_order(seed: int, epoch: int, position: int, count: int) -> np.ndarray:
    """The order in which other pictures are tried in the place of one that cannot be used."""
    return np.random.default_rng([seed, _SUBSTITUTES, epoch, position]).permutation(count)


def crop_randomness(seed: int, epoch: int, position: int) -> np.random.Generator:
    """The source of all that is random about one crop."""
    return np.random.default_rng([seed, _CROP, epoch, position])


def take_crop(
    picture: np.ndarray,
    size: int,
    reduction: int,
    randomness: np.random.Generator,
    random_crop: bool,
    augment: bool,
) -> np.ndarray:
    """Cuts a square out of a picture [height, width, 3]: float32 [size, size, 3] in [0, 255]."""
    height, width = (length - size * reduction for length in picture.shape[:2])
    if random_crop:
        top, left = randomness.integers(height + 1), randomness.integers(width + 1)
    else:
        top, left = height // 2, width // 2
    side = size * reduction
    crop = picture[top : top + side, left : left + side].astype(np.float32)
    if reduction > 1:
        crop = reduce_lanczos(crop, reduction)
    if augment:
        symmetry = int(randomness.integers(8))  # the eight symmetries of a square
        crop = np.rot90(crop, symmetry % 4)
        crop = crop[:, ::-1] if symmetry >= 4 else crop
    return crop


def reduce_lanczos(picture: np.ndarray, reduction: int) -> np.ndarray:
    """Reduces float32 [height, width, channels] with an antialiased Lanczos filter of 3 lobes.

    Not rounded; what the filter overshoots is clipped to [0, 255].
    """
    pillow = import_library("PIL.Image", "`reduction` above 1", "media")
    size = (picture.shape[1] // reduction, picture.shape[0] // reduction)
    channels = [
        np.asarray(pillow.fromarray(channel).resize(size, pillow.Resampling.LANCZOS))
        for channel in np.moveaxis(picture, -1, 0)
    ]
    return np.clip(np.stack(channels, axis=-1), 0.0, 255.0)
