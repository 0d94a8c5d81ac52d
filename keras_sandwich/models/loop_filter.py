"""A loop filter: what the proxy decodes, brought nearer to what a real codec decodes."""

from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import require_integers
from keras_sandwich.models.base import Network
from keras_sandwich.models.receptive_field import (
    ReceptiveField,
    in_sequence,
    joint_receptive_field,
)
from keras_sandwich.ops.shapes import require_images

CORRECTION = 16.0  # pixel levels for an output of 1: about what codecs differ by
POINTWISE_LAYERS = (keras.layers.Rescaling, keras.layers.Activation, keras.layers.InputLayer)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class LoopFilter(Network):
    """y + F(y): a one-channel network applied to each channel alone, or a wider one to groups of channels.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    loop_filter = ks.models.create_loop_filter_model()
    decoded = np.full((2, 16, 24, 3), 100.0, "float32")
    filtered = loop_filter.predict(decoded, verbose=0)
    assert np.array_equal(filtered, decoded)  # before training it changes nothing
    ```

    Args:
        network: a `UNet` with as many output channels as it is given, or any such layer.
        channels: how many channels the network sees together: 1, each alone; 3, a colour codec's.

    Call arguments:
        images: decoded pictures [batch, height, width, a multiple of `channels`].

    Returns:
        [batch, height, width, channels] float32.

    Raises:
        ValueError: `channels` is not a positive integer, or does not divide the pictures'.
    """

    def __init__(self, network: Any, channels: int = 1, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        require_integers(channels=channels)
        self.network = network
        self.channels = channels

    def _field(self) -> ReceptiveField | None:
        stages = (
            self.network.layers if isinstance(self.network, keras.Sequential) else [self.network]
        )
        stages = [stage for stage in stages if not isinstance(stage, POINTWISE_LAYERS)]
        fields = [joint_receptive_field(stage) for stage in stages]
        return in_sequence(fields)

    @property
    def receptive_radius(self) -> int | None:
        """How many pixels away a pixel of the picture can change one of the result; None: the network does not say."""
        field = self._field()
        return None if field is None else field.radius

    @property
    def alignment(self) -> int:
        """The grid of pixels that the network makes."""
        field = self._field()
        return 1 if field is None else field.alignment

    def build(self, input_shape: Any) -> None:
        self.build_part(self.network, (None, None, None, self.channels))
        self.built = True

    def call(self, images: Any) -> Any:
        images = require_images(images)
        _, height, width, channels = ops.shape(images)
        if channels % self.channels:
            raise ValueError(
                f"This loop filter sees {self.channels} channels together, so pictures must have a "
                f"multiple of them. Received shape {tuple(images.shape)}."
            )
        if channels == self.channels:
            return images + ops.cast(self.network(images), "float32")
        groups = channels // self.channels
        planes = ops.reshape(images, (-1, height, width, groups, self.channels))
        planes = ops.transpose(planes, (0, 3, 1, 2, 4))
        planes = ops.reshape(planes, (-1, height, width, self.channels))
        planes = planes + ops.cast(self.network(planes), "float32")
        planes = ops.reshape(planes, (-1, groups, height, width, self.channels))
        planes = ops.transpose(planes, (0, 2, 3, 1, 4))
        return ops.reshape(planes, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def compute_output_spec(self, images: Any) -> Any:
        return keras.KerasTensor(images.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.layers.Layer.get_config(self),
            "network": keras.saving.serialize_keras_object(self.network),
            "channels": self.channels,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "LoopFilter":
        config = dict(config)
        config["network"] = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**config)
