"""Weights that stay as they are."""

from typing import Any


def keep_frozen(layer: Any) -> None:
    """Freezes the weights of a layer that is marked as frozen.

    Those of a layer that was frozen before it was built, or was loaded, may not be: Keras marks what there is at the
    time, and on TensorFlow nothing if the mark is there already.
    """
    if not layer.trainable:
        for weight in layer.weights:
            weight.trainable = False
