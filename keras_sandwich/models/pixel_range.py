"""Guards against pictures of another range than [0, 255·2^k], first of all those scaled to [0, 1]."""

import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def require_range(
    pictures: Sequence[np.ndarray], num_truncate_bits: int, advice: str = "", stacklevel: int = 3
) -> float:
    """The largest value that pictures of 8 + k bits may have; a warning for pictures that look scaled to [0, 1].

    `stacklevel` is the warning's, counted from here: 2 is who calls this.

    Raises:
        ValueError: pixels that round to less than 0 or to more than 255·2^k, which would be clipped.
    """
    peak = 255.0 * 2.0**num_truncate_bits
    least = min(float(picture.min()) for picture in pictures)
    most = max(float(picture.max()) for picture in pictures)
    if least < -0.5 or most > peak + 0.5:
        raise ValueError(
            f"Expected pixels in [0, {peak:g}], for num_truncate_bits={num_truncate_bits}. "
            f"Received values from {least:g} to {most:g}; scale the pictures{advice}."
        )
    if 0 < most <= 1:
        _warn_of_scaled("pictures", most, stacklevel + 1)
    return peak


def _warn_of_scaled(what: str, peak: float, stacklevel: int = 3) -> None:
    warnings.warn(
        f"No pixel of the {what} exceeds {peak:g}: they look scaled to [0, 1]. "
        "keras_sandwich takes pictures in [0, 255]; multiply them by 255.",
        stacklevel=stacklevel,
    )


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
            _warn_of_scaled("training pictures", peak)
