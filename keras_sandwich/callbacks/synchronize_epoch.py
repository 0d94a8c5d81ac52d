"""Tells a dataset which epoch a training is in."""

from typing import Any, Protocol

import keras


class _HasEpoch(Protocol):
    epoch: int


class SynchronizeEpoch(keras.callbacks.Callback):
    """Sets `dataset.epoch` at the beginning of every epoch of `fit`.

    Keras does not tell a dataset where a training that is resumed begins, neither for `fit(initial_epoch=…)` nor for
    `keras.callbacks.BackupAndRestore`. With this callback a training that was killed and is resumed at an epoch's end
    sees the batches it would have seen.

    Example:

    ```python
    import keras
    import keras_sandwich as ks

    dataset = ks.datasets.image_folder(ks.datasets.sample_images(), steps_per_epoch=100)
    model = ks.models.create_basic_model(gamma=700.0)
    model.compile("adam")
    model.build((None, None, None, 3))  # BackupAndRestore restores only what is built
    callbacks = [
        keras.callbacks.BackupAndRestore("backup"),
        ks.callbacks.SynchronizeEpoch(dataset),
    ]  # model.fit(dataset, epochs=50, callbacks=callbacks)
    ```

    Args:
        dataset: what `fit` reads: a dataset of `image_folder`, or any object with an attribute `epoch` that may be set.

    Raises:
        ValueError: the dataset has no attribute `epoch`.
    """

    def __init__(self, dataset: _HasEpoch) -> None:
        super().__init__()
        if not hasattr(dataset, "epoch"):
            raise ValueError(
                "`dataset` must have an attribute `epoch`, as the datasets of `image_folder` do. "
                f"Received {dataset!r} of type {type(dataset).__name__}."
            )
        self.dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.dataset.epoch = epoch
