"""What a sandwich can be compiled with: one distortion, and metrics that do not hide its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras


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


def _name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    return str(getattr(metric, "name", getattr(metric, "__name__", "")))
