"""Checks before and in training: one distortion, metrics of other names, pictures in [0, 255·2^k]."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops


def require_one_distortion(loss: Any, loss_weights: Any) -> None:
    """ValueError if several losses are given, or weights of losses."""
    if isinstance(loss, (Mapping, list, tuple)) or loss_weights is not None:
        raise ValueError(
            "`loss` must be one Keras loss, name or callable, the distortion of the prediction; it is "
            "weighed against the rate by `gamma`, and `loss_weights` has no place. "
            f"Received loss={loss!r}, loss_weights={loss_weights!r}."
        )


def require_other_names(metrics: Any, own: Sequence[Any]) -> None:
    """ValueError if a metric, however nested, has the name of one that the model reports itself."""
    taken = {"loss", *(metric.name for metric in own)}
    collisions = sorted(taken.intersection(_name(metric) for metric in keras.tree.flatten(metrics)))
    if collisions:
        raise ValueError(
            f"The model itself reports {', '.join(collisions)}. "
            "Received metrics of the same name; give them other names, as in `PSNR(name='my_psnr')`."
        )


def require_pictures_like(target: Any, prediction: Any) -> None:
    """ValueError unless the target has the shape of the prediction, as far as both are known."""
    expected, received = tuple(prediction.shape), tuple(target.shape)
    if len(received) != len(expected):
        raise ValueError(
            f"The target must be pictures of shape {expected}, like the prediction. Received shape "
            f"{received}. If these are labels, leave them out, as with `labels=None` in "
            "`keras.utils.image_dataset_from_directory`: without a target the model learns to give "
            "its inputs."
        )
    sizes = zip(received[1:], expected[1:], strict=True)
    if any(None not in pair and pair[0] != pair[1] for pair in sizes):
        raise ValueError(
            "The target and the prediction must have the same height, width and channels. "
            f"Received shapes {received} and {expected}; set the "
            "postprocessor's output_channels and downsample_factor, or give a target."
        )


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", getattr(metric, "__name__", "")))


def warn_of_scaled(what: str, peak: float, stacklevel: int = 3) -> None:
    """Warns of pictures, none of whose pixels exceeds 1."""
    warnings.warn(
        f"No pixel of the {what} exceeds {peak:g}: they look scaled to [0, 1]. "
        "keras_sandwich takes pictures in [0, 255]; multiply them by 255.",
        stacklevel=stacklevel,
    )


class PeakPixel(keras.metrics.Metric):
    """The largest pixel value seen. Kept out of the logs; `PixelRangeCheck` reads it."""

    def __init__(self, name: str = "peak_pixel", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        # The largest of several devices' peaks is above 1 if and only if their mean is, or nearly so.
        self.peak = self.add_variable((), "zeros", dtype="float32", aggregation="mean", name="peak")

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
            warn_of_scaled("training pictures", peak)
