"""Crops of pictures that are arrays already, of any depth and number of channels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sandwich.datasets.crop_dataset import CropDataset, check_crop_arguments


class ArrayCrops(CropDataset):
    """A `keras.utils.PyDataset` of crops of pictures in memory, as they are: 16 bits, one channel, depth.

    As reproducible as `image_folder`, whose crops are of 8 bits and three channels: a batch is a function of (seed,
    epoch, index).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    pictures = [np.full((40, 56, 3), level, "uint16") for level in (0, 30000, 65280)]
    dataset = ks.datasets.ArrayCrops(pictures, crop_size=32, batch_size=2)
    assert dataset[0].shape == (2, 32, 32, 3) and dataset[0].dtype == "float32"
    ```

    Args:
        pictures: arrays [height, width, channels], in the range that the model takes, finite, of one number of
            channels.
        crop_size: height and width of the crops; None: whole pictures, which are all of one square size.
        batch_size: crops in a batch.
        steps_per_epoch: batches in an epoch; None: so many that every picture is taken once.
        augment: turn crops by multiples of 90° and flip them, at random.
        seed: of all that is random.
        initial_epoch: value of `epoch` at the beginning.

    Raises:
        ValueError: no pictures, of other shapes, smaller than a crop or not finite, or numbers out of their range.
    """

    def __init__(
        self,
        pictures: Sequence[Any] | np.ndarray,
        *,
        crop_size: int | None = None,
        batch_size: int = 4,
        steps_per_epoch: int | None = None,
        augment: bool = True,
        seed: int = 0,
        initial_epoch: int = 0,
    ) -> None:
        self._pictures = [np.asarray(picture) for picture in pictures]
        shapes = {picture.shape for picture in self._pictures}
        channels = {shape[-1] for shape in shapes if len(shape) == 3}
        if len(channels) != 1 or any(len(shape) != 3 for shape in shapes):
            raise ValueError(
                "Expected pictures [height, width, channels] of one number of channels. "
                f"Received {len(self._pictures)} of the shapes {sorted(shapes)[:5]}."
            )
        least = min(min(shape[:2]) for shape in shapes)
        crop_size = least if crop_size is None else crop_size
        check_crop_arguments(crop_size, batch_size, steps_per_epoch, 1, seed, initial_epoch, 0)
        if least < crop_size:
            raise ValueError(
                f"Expected pictures of at least crop_size={crop_size} pixels a side. Received one of {least}."
            )
        for number, picture in enumerate(self._pictures):
            if not np.isfinite(picture).all():
                raise ValueError(
                    f"Picture {number} has NaN or infinite values. Fill or remove them: holes of depth maps with "
                    "`depth.fill_holes`."
                )
        super().__init__(
            len(self._pictures),
            crop_size,
            batch_size,
            steps_per_epoch,
            reduction=1,
            augment=augment,
            shuffle=True,
            random_crop=True,
            seed=seed,
            initial_epoch=initial_epoch,
            workers=0,
        )

    def read(self, number: int) -> np.ndarray:
        return self._pictures[number]
