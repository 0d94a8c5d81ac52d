"""What tells a network the quantizer step: each block's features scaled and shifted by functions of it."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sandwich.models.base import Network

HIDDEN = 16
# log₂ of steps from 8 to 96 becomes about −1 to 1.
MIDDLE = 28.0
OCTAVES = 1.8


@keras.saving.register_keras_serializable(package="keras_sandwich")
class StepModulation(Network):
    """The logarithm of the quantizer step to a scale and a shift of each channel of each block.

    Feature-wise linear modulation (Perez et al., "FiLM", AAAI 2018), here of the step alone. It starts without
    effect. Everything is float32: the few numbers decide about all features.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    modulation = ks.models.StepModulation([8, 16])
    pairs = modulation(np.array([8.0, 96.0], "float32"))
    assert [tuple(scale.shape) for scale, shift in pairs] == [(2, 1, 1, 8), (2, 1, 1, 16)]
    ```

    Args:
        channels: of each block.

    Call arguments:
        qstep: the quantizer step in pixel levels, > 0; a scalar, or one per image, [batch].

    Returns:
        A list with one pair (scale, shift) for each block, each [batch or 1, 1, 1, channels] float32: features become
        features·(1 + scale) + shift.
    """

    def __init__(self, channels: Sequence[int], **kwargs: Any) -> None:
        super().__init__(autocast=False, **{**kwargs, "dtype": "float32"})
        self.channels = tuple(channels)
        self.hidden = keras.layers.Dense(HIDDEN, activation="silu", dtype="float32", name="hidden")
        self.pairs = keras.layers.Dense(
            2 * sum(self.channels), kernel_initializer="zeros", dtype="float32", name="pairs"
        )

    def build(self, qstep_shape: Any = None) -> None:
        self.hidden.build((None, 1))
        self.pairs.build((None, HIDDEN))
        self.built = True

    def call(self, qstep: Any) -> list[tuple[Any, Any]]:
        octaves = ops.log(ops.cast(qstep, "float32") / MIDDLE) / math.log(2.0) / OCTAVES
        values = self.pairs(self.hidden(ops.reshape(octaves, (-1, 1))))[:, None, None]
        modulations, start = [], 0
        for count in self.channels:
            middle, end = start + count, start + 2 * count
            modulations.append((values[..., start:middle], values[..., middle:end]))
            start = end
        return modulations

    def compute_output_shape(self, qstep_shape: Any) -> list[tuple[Any, Any]]:
        batch = qstep_shape[0] if len(qstep_shape) else 1
        return [((batch, 1, 1, count),) * 2 for count in self.channels]

    def get_config(self) -> dict[str, Any]:
        return {**keras.layers.Layer.get_config(self), "channels": self.channels}
