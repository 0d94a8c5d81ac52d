"""Batches of crops as a pure function of (seed, epoch, index), fed to any backend by Keras."""

import operator
import warnings
from collections.abc import Iterator
from threading import Lock
from typing import Any

import keras
import numpy as np

from keras_sandwich._arguments import require_integers
from keras_sandwich.datasets.crops import (
    crop_randomness,
    picture_order,
    substitute_order,
    take_crop,
)
from keras_sandwich.datasets.read_ahead import Key, ReadAhead

# Word size of NumPy's seed sequences: below it, two different seeds cannot run together.
_SEEDS = 2**32


class UnusablePicture(Exception):
    """A picture that cannot be cropped now; another one is taken in its place."""


class CropDataset(keras.utils.PyDataset):
    """A PyDataset of crops of the pictures, or of the clips, that a subclass reads, by number, in `read`.

    Three habits of Keras stand between a PyDataset and repeatable data, and shape this class:

    - Its own workers leave batches of one epoch, or of the building of the model, in their queue
      and serve them in the next. So `workers` are threads of our own and Keras is told of none.
    - `fit(shuffle=True)`, the default, asks for the batches in an order drawn from Python's global
      generator. So between `on_epoch_begin` and `on_epoch_end` the batches come in their own
      order, which is random already, whatever order is asked for. `batch` ignores all this.
    - `on_epoch_end` is called before the first epoch too. So it advances `epoch` only when all
      batches were read.
    """

    def __init__(
        self,
        count: int,
        crop_size: int,
        batch_size: int,
        steps_per_epoch: int | None,
        reduction: int,
        augment: bool,
        shuffle: bool,
        random_crop: bool,
        seed: int,
        initial_epoch: int,
        workers: int,
    ) -> None:
        super().__init__()
        self._count = count
        self.crop_size = crop_size
        self.batch_size = batch_size
        self.reduction = reduction
        self.augment = augment
        self.shuffle = shuffle
        self.random_crop = random_crop
        self.seed = seed
        self._exact = steps_per_epoch is None and not shuffle
        self._steps = -(-count // batch_size) if steps_per_epoch is None else steps_per_epoch
        self._epoch = initial_epoch
        self._asked: set[int] | None = None  # indices asked for in this epoch of fit, if in one
        self._lock = Lock()
        self._threads = workers
        self._read_ahead = ReadAhead(self._compute, workers) if workers else None
        self._reported: set[int] = set()

    def read(self, number: int) -> Any:
        """Picture `number` as [height, width, 3] in [0, 255]; raises UnusablePicture."""
        raise NotImplementedError

    def crop(self, picture: Any, randomness: np.random.Generator) -> Any:
        """A crop of what `read` returned: an array, or a dict of arrays."""
        return take_crop(
            picture,
            self.crop_size,
            self.reduction,
            randomness,
            self.random_crop,
            self.augment,
        )

    @property
    def workers(self) -> int:
        """What Keras is told: no workers of its own."""
        return 0

    @property
    def epoch(self) -> int:
        """The epoch whose batches are served, from 0. May be set."""
        return self._epoch

    @epoch.setter
    def epoch(self, epoch: int) -> None:
        require_integers(0, epoch=epoch)
        with self._lock:
            self._epoch, self._asked = epoch, None

    @property
    def num_batches(self) -> int:
        return self._steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> Any:
        index = self._check_index(index)
        with self._lock:
            if self._asked is not None and index in self._asked:
                self._asked = None  # fit asks for each only once: this is another reader
            if self._asked is None:
                key, in_fit = (self._epoch, index), False
            else:
                key, in_fit = (self._epoch, len(self._asked)), True
                self._asked.add(index)
        if in_fit and self._read_ahead is not None:
            return self._read_ahead.get(key, self._following(key))
        return self._compute(*key)

    def batch(self, index: int, epoch: int | None = None) -> Any:
        """A batch by its place, whatever `fit` is doing meanwhile.

        Example:
        ```python
        import keras_sandwich as ks

        dataset = ks.datasets.image_folder(ks.datasets.sample_images("test"))
        first_of_epoch_3 = dataset.batch(0, epoch=3)
        ```

        Args:
            index: Integer in [0, len(dataset)).
            epoch: Integer, not negative. None: the present `epoch`.

        Returns:
            float32 array [batch, crop_size, crop_size, 3] in [0, 255]; of clips what their dataset says.

        Raises:
            IndexError: If the index is not below the number of batches.
            ValueError: If the epoch is negative.
        """
        epoch = self._epoch if epoch is None else epoch
        require_integers(0, epoch=epoch)
        return self._compute(epoch, self._check_index(index))

    def on_epoch_begin(self) -> None:
        with self._lock:
            self._asked = set()

    def on_epoch_end(self) -> None:
        with self._lock:
            if self._asked is not None and len(self._asked) == self._steps:
                self._epoch += 1
            self._asked = None

    def _check_index(self, index: int) -> int:
        index = operator.index(index)
        if not 0 <= index < self._steps:
            raise IndexError(
                f"The index of a batch must be in [0, {self._steps}). Received index={index}."
            )
        return index

    def _following(self, key: Key) -> Iterator[Key]:
        epoch, index = key
        for later in range(index + 1, index + 1 + 2 * self._threads):
            yield epoch + later // self._steps, later % self._steps

    def _compute(self, epoch: int, index: int) -> Any:
        start = index * self.batch_size
        stop = start + self.batch_size
        if self._exact:
            stop = min(stop, self._count)
        crops = [self._crop(epoch, position) for position in range(start, stop)]
        return keras.tree.map_structure(lambda *parts: np.stack(parts), *crops)

    def _crop(self, epoch: int, position: int) -> Any:
        randomness = crop_randomness(self.seed, epoch, position)
        return self.crop(self._picture(epoch, position), randomness)

    def _picture(self, epoch: int, position: int) -> Any:
        """The picture whose turn it is, or, where it cannot be used, one drawn in its place."""
        turn, place = divmod(position, self._count)
        number = place
        if self.shuffle:
            number = int(picture_order(self.seed, epoch, turn, self._count)[place])
        picture = self._read_or_report(number)
        if picture is None:
            for substitute in substitute_order(self.seed, epoch, position, self._count):
                picture = self._read_or_report(int(substitute))
                if picture is not None:
                    return picture
            raise OSError(
                f"None of the {self._count} pictures can be used any more. Expected pictures that "
                f"can be read, of at least {self.crop_size * self.reduction} pixels in height and "
                "width. Look whether they were moved or changed."
            )
        return picture

    def _read_or_report(self, number: int) -> Any:
        try:
            return self.read(number)
        except UnusablePicture as reason:
            with self._lock:
                new = number not in self._reported
                self._reported.add(number)
            if new and str(reason):
                warnings.warn(f"{reason} Another picture is used instead.", stacklevel=2)
            return None


def check_crop_arguments(
    crop_size: int,
    batch_size: int,
    steps_per_epoch: int | None,
    reduction: int,
    seed: int,
    initial_epoch: int,
    workers: int,
) -> None:
    """Refuses what no loader of crops can work with."""
    require_integers(1, crop_size=crop_size, batch_size=batch_size, reduction=reduction)
    if steps_per_epoch is not None:
        require_integers(1, steps_per_epoch=steps_per_epoch)
    require_integers(0, seed=seed, initial_epoch=initial_epoch, workers=workers)
    if seed >= _SEEDS:
        raise ValueError(f"`seed` must be below 2**32. Received seed={seed}.")
