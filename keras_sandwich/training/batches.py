"""Batches as `fit` takes them, for a loop of one's own."""

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

Batch = tuple[Any, Any, Any]  # pictures, target or None, weights or None


class Batches:
    """The batches of each epoch, as NumPy: of a PyDataset, a tf.data.Dataset, a DataLoader or any iterable.

    Args:
        dataset: of pictures, or of tuples (pictures, target, weights); pictures are a tensor or a dict of tensors.
        steps_per_epoch: how many batches an epoch has; None: all that there are.

    Raises:
        ValueError: arrays, which have no batches; or fewer of them than `steps_per_epoch`.
    """

    def __init__(self, dataset: Any, steps_per_epoch: int | None = None) -> None:
        if isinstance(dataset, (np.ndarray, Mapping)) or ops.is_tensor(dataset):
            raise ValueError(
                "`dataset` must give batches: a keras.utils.PyDataset, a tf.data.Dataset, a DataLoader or another "
                f"iterable. Received {type(dataset).__name__}; cut pictures into batches of crops with "
                "`datasets.image_folder(pictures, …)`."
            )
        self._dataset = dataset
        self._steps = steps_per_epoch
        self._iterator: Iterator[Any] | None = None
        self._looked_at: list[Any] = []
        length = _length(dataset)
        if isinstance(dataset, keras.utils.PyDataset):
            if length is None and steps_per_epoch is None:
                raise ValueError("A PyDataset without an end needs `steps_per_epoch`.")
            if length is not None and steps_per_epoch is not None and steps_per_epoch > length:
                raise ValueError(
                    f"`steps_per_epoch` must be at most {length}, the batches that the dataset has. "
                    f"Received steps_per_epoch={steps_per_epoch}."
                )
        self.steps: int | None = length if steps_per_epoch is None else steps_per_epoch

    def first(self) -> Batch:
        """A batch to look at; it will come again."""
        if isinstance(self._dataset, keras.utils.PyDataset):
            return _unpacked(self._dataset[0])
        self._iterator = iter(self._dataset)
        try:
            self._looked_at = [next(self._iterator)]
        except StopIteration:
            raise ValueError("The dataset must have batches. Received an empty one.") from None
        return _unpacked(self._looked_at[0])

    def of_epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        if isinstance(self._dataset, keras.utils.PyDataset):
            yield from self._of_py_dataset()
        else:
            yield from self._of_iterable()

    def _of_py_dataset(self) -> Iterator[Batch]:
        assert self.steps is not None
        self._dataset.on_epoch_begin()
        try:
            for index in range(self.steps):
                yield _unpacked(self._dataset[index])
        finally:
            self._dataset.on_epoch_end()

    def _of_iterable(self) -> Iterator[Batch]:
        number = 0
        while self._steps is None or number < self._steps:
            if self._iterator is None:
                self._iterator = iter(self._dataset)
            before = number
            for batch in self._rest():
                yield _unpacked(batch)
                number += 1
                if number == self._steps:
                    return
            self._iterator = None
            if self._steps is None:
                return
            if number == before:
                raise ValueError(
                    f"The dataset ended after {number} of `steps_per_epoch`={self._steps} batches, "
                    "and cannot be read from its beginning again."
                )

    def _rest(self) -> Iterator[Any]:
        while self._looked_at:
            yield self._looked_at.pop()
        assert self._iterator is not None
        # `yield from` would close a generator with the epoch.
        for batch in self._iterator:  # noqa: UP028
            yield batch


def _length(dataset: Any) -> int | None:
    if isinstance(dataset, keras.utils.PyDataset):
        return None if dataset.num_batches is None else int(dataset.num_batches)
    try:
        return len(dataset)
    except TypeError:  # a generator, or a tf.data.Dataset of unknown length
        return None


def _unpacked(batch: Any) -> Batch:
    batch = keras.tree.map_structure(ops.convert_to_numpy, batch)
    pictures, target, weight = keras.utils.unpack_x_y_sample_weight(batch)
    return pictures, target, weight
