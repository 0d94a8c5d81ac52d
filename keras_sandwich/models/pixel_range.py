"""A guard against the commonest mistake: pictures scaled to [0, 1] where [0, 255] is meant."""

import warnings
from typing import Any

import keras
from keras import ops


class PeakPixel(keras.metrics.Metric):
    """The largest pixel value seen. Kept out of the logs; `PixelRangeCheck` reads it."""

    def __init__(self, name: str = "peak_pixel", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.peak = self.add_variable((), "zeros", dtype="float32", name="peak")

    def update_state(self, images: Any) -> None:
        self.peak.assign(ops.maximum(self.peak, ops.max(ops.cast(images, "float32"))))

    def result(self) -> Any:
        return ops.convert_to_tensor(self.peak)


class PixelRangeCheck(keras.callbacks.Callback):
    """Warns once if no pixel of a fit's first batches exceeds 1."""

    def __init__(self, peak: PeakPixel) -> None:
        super().__init__()
        self.peak = peak
        self.checked = False

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        # JAX holds the metrics outside the model until the epoch ends.
        if keras.backend.backend() != "jax":
            self._check()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._check()

    def _check(self) -> None:
        if self.checked:
            return
        self.checked = True
        peak = float(ops.convert_to_numpy(self.peak.result()))
        if peak <= 1.0:
            warnings.warn(
                f"No pixel of the training pictures exceeds {peak:g}: they look scaled to [0, 1]. "
                "keras_sandwich takes pictures in [0, 255]; multiply them by 255.",
                stacklevel=2,
            )
