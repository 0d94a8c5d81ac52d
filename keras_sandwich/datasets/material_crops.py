"""Crops of normal maps and materials, whose vectors turn with the picture."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sandwich.datasets.crop_dataset import CropDataset, check_crop_arguments
from keras_sandwich.datasets.crops import take_crop
from keras_sandwich.ops.shading import MAPS, check_maps


class MaterialCrops(CropDataset):
    """A `keras.utils.PyDataset` of crops of materials, turned and flipped at random, their normals with them.

    `dataset[index]` is float32 [batch, crop_size, crop_size, channels] in [0, 255], and a function of
    `(seed, dataset.epoch, index)` alone, as of an `ImageFolder`.

    Example:

    ```python
    import keras_sandwich as ks

    normals = [ks.datasets.generate_normal_map(64, seed) for seed in range(4)]
    maps = [ks.pictures.normals_to_levels(each) for each in normals]
    dataset = ks.datasets.MaterialCrops(maps, ("normal_xy",), crop_size=32, batch_size=2)
    assert dataset[0].shape == (2, 32, 32, 2)
    ```

    Args:
        materials: arrays [height, width, channels] in [0, 255], of any sizes from a crop's.
        maps: what the channels are, in order; see `ops.render_material`.
        crop_size: height and width of the crops, in pixels.
        batch_size: crops in a batch.
        steps_per_epoch: batches in an epoch; None: so many that every material is taken once.
        augment: whether crops are turned and flipped.
        seed: integer in [0, 2³²).
        workers: threads that read ahead during `fit`.

    Raises:
        ValueError: no materials, others than the maps say, smaller than a crop, not finite or outside [0, 255].
    """

    def __init__(
        self,
        materials: Sequence[np.ndarray],
        maps: Sequence[str],
        *,
        crop_size: int = 128,
        batch_size: int = 4,
        steps_per_epoch: int | None = None,
        augment: bool = True,
        seed: int = 0,
        workers: int = 2,
    ) -> None:
        check_crop_arguments(crop_size, batch_size, steps_per_epoch, 1, seed, 0, workers)
        self.maps = check_maps(maps)
        self._materials = [self._checked(material, crop_size) for material in materials]
        if not self._materials:
            raise ValueError("Expected materials to cut crops of. Received none.")
        super().__init__(
            len(self._materials),
            crop_size,
            batch_size,
            steps_per_epoch,
            1,
            augment,
            True,
            True,
            seed,
            0,
            workers,
        )

    def read(self, number: int) -> np.ndarray:
        return self._materials[number]

    def crop(self, picture: Any, randomness: np.random.Generator) -> np.ndarray:
        crop = take_crop(picture, self.crop_size, 1, randomness, self.random_crop, augment=False)
        if not self.augment:
            return crop
        symmetry = int(randomness.integers(8))
        return turned(crop, self.maps, symmetry % 4, symmetry >= 4)

    def _checked(self, material: Any, crop_size: int) -> np.ndarray:
        material = np.asarray(material)
        channels = sum(MAPS[name] for name in self.maps)
        if (
            material.ndim != 3
            or material.shape[-1] != channels
            or min(material.shape[:2]) < crop_size
        ):
            raise ValueError(
                f"Expected materials [height, width, {channels}] of sides of at least {crop_size}, for the maps "
                f"{', '.join(self.maps)}. Received shape {material.shape}."
            )
        if not (material.min() >= 0 and material.max() <= 255):
            raise ValueError(
                "Materials must be finite, in [0, 255]. "
                f"Received values from {material.min()} to {material.max()}."
            )
        return material


def turned(
    material: np.ndarray, maps: Sequence[str], quarters: int = 0, flipped: bool = False
) -> np.ndarray:
    """A material turned anticlockwise by quarters and then flipped from left to right, its normals with it.

    Args:
        material: [height, width, channels] in [0, 255].
        maps: what the channels are.
        quarters: of a turn.
        flipped: whether it is flipped.

    Returns:
        A float32 array.
    """
    material = np.array(np.rot90(material, quarters), "float32")
    first = 0
    for name in check_maps(maps):
        if name.startswith("normal"):
            x, y = first, first + 1
            for _ in range(quarters % 4):
                material[..., [x, y]] = np.stack([255.0 - material[..., y], material[..., x]], -1)
            if flipped:
                material[..., x] = 255.0 - material[..., x]
        first += MAPS[name]
    return material[:, ::-1] if flipped else material
