"""Crops of what a codec decoded, with the pictures that they should become."""

import functools
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_sandwich.codecs import decode_many, encode_many
from keras_sandwich.codecs.samples import from_samples, to_samples
from keras_sandwich.inference.equivalent_qstep import qstep_for
from keras_sandwich.inference.tiling import preprocess_picture
from keras_sandwich.training.calibration import strengths_around

# Pixels of JPEG's largest minimum coded unit, and a multiple of the blocks of the others that have small ones.
MCU = 16
# What the strengths are chosen on, if none are given.
MEASURED_PICTURES = 6
MEASURED_SIZE = 256


class DecodedCrops(keras.utils.PyDataset):
    """Batches ({"decoded": bottleneck, "qstep": its step}, picture), a function of (seed, epoch, index).

    Crops lie on a grid, so that the networks' patches and poolings and the codec's blocks fall within a crop as they
    fall within a picture.

    Args:
        pictures: [height, width, channels] each, of sizes that the factor divides.
        decoded: for each strength the samples that the pictures' files decoded to, [height/factor, width/factor,
            channels].
        qsteps: for each strength the step that the networks are told; 1 where they are told none.
        grid: crops begin at multiples of it, in pixels of the pictures.
        factor: the bottleneck is smaller by this.
        crop_size: height and width of the crops in pixels of the pictures.
        batch_size: crops in a batch.
        steps_per_epoch: batches in an epoch.
        seed: of pictures, places and strengths.
        bits: of the codec's samples.
    """

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        decoded: Sequence[Sequence[np.ndarray]],
        qsteps: Sequence[float],
        grid: int,
        factor: int,
        crop_size: int,
        batch_size: int,
        steps_per_epoch: int,
        seed: int,
        bits: int = 8,
    ) -> None:
        super().__init__(workers=0)  # slices cost less than handing them on
        self.epoch = 0
        self._pictures = pictures
        self._decoded = decoded
        self._qsteps = qsteps
        self._grid = grid
        self._factor = factor
        self._crop_size = crop_size
        self._batch_size = batch_size
        self._steps = steps_per_epoch
        self._seed = seed
        self._bits = bits

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        randomness = np.random.default_rng([self._seed, self.epoch, index])
        drawn = [self._draw(randomness) for _ in range(self._batch_size)]
        decoded, qsteps, pictures = (np.stack(part) for part in zip(*drawn, strict=True))
        inputs = {
            "decoded": from_samples(decoded, self._bits),
            "qstep": qsteps.astype("float32"),
        }
        return inputs, pictures.astype("float32")

    def _draw(self, randomness: np.random.Generator) -> tuple[np.ndarray, float, np.ndarray]:
        number = int(randomness.integers(len(self._pictures)))
        strength = int(randomness.integers(len(self._decoded)))
        picture, decoded = self._pictures[number], self._decoded[strength][number]
        places = ((size - self._crop_size) // self._grid + 1 for size in picture.shape[:2])
        top, left = (int(randomness.integers(count)) * self._grid for count in places)
        return (
            _window(decoded, top, left, self._crop_size, self._factor),
            self._qsteps[strength],
            _window(picture, top, left, self._crop_size, 1),
        )


def _window(picture: np.ndarray, top: int, left: int, size: int, factor: int) -> np.ndarray:
    top, left, size = top // factor, left // factor, size // factor
    return picture[top : top + size, left : left + size]


def crop_grid(model: Any) -> int:
    """Where crops may begin: at whole coded units, patches and poolings, in pixels of the picture."""
    steps = [MCU * getattr(model.postprocessor, "downsample_factor", 1)]
    for side in (model.preprocessor, model.postprocessor):
        field = side.receptive_field() if hasattr(side, "receptive_field") else None
        steps.append(field.alignment if field else 1)
    return math.lcm(*steps)


def decoded_pictures(
    model: Any,
    pictures: Sequence[np.ndarray],
    codec: Any,
    strengths: Sequence[float] | None,
    workers: int | None,
    verbose: int,
    tile_size: int | None,
) -> tuple[list[list[np.ndarray]], list[float]]:
    """For each strength, or those around the model's own step, the samples that each picture's file decodes to.

    And the step that the networks are told for each; 1 where they are told none.
    """

    @functools.lru_cache(1)  # the same for all strengths where the networks are told no step
    def bottlenecks_at(qstep: float | None) -> list[np.ndarray]:
        return [preprocess_picture(model, picture, tile_size, qstep) for picture in pictures]

    if strengths is None and codec.strengths:
        strengths = _default_strengths(model, bottlenecks_at(qstep_for(model)), codec)
    settings = [codec] if strengths is None else [codec.with_strength(s) for s in strengths]
    if not settings:
        raise ValueError("`strengths` must name at least one strength. Received an empty list.")
    decoded, qsteps = [], []
    for setting in settings:
        qstep = qstep_for(model, setting)
        samples = [to_samples(bottleneck, codec.bits) for bottleneck in bottlenecks_at(qstep)]
        coder = setting.for_channels(samples[0].shape[-1])
        files = encode_many(coder, samples, workers, verbose)
        decoded.append(decode_many(coder, files, workers, verbose))
        qsteps.append(qstep or 1.0)
    return decoded, qsteps


def _default_strengths(
    model: Any, bottlenecks: Sequence[np.ndarray], codec: Any
) -> tuple[float, ...]:
    if not hasattr(model.codec_proxy, "effective_qstep"):
        raise ValueError(
            "The model's proxy has no quantizer step to choose strengths around. Give `strengths`."
        )
    some = bottlenecks[:: -(-len(bottlenecks) // MEASURED_PICTURES)]
    parts = [bottleneck[:MEASURED_SIZE, :MEASURED_SIZE] for bottleneck in some]
    return strengths_around(model.codec_proxy, parts, codec.for_channels(parts[0].shape[-1]))
