"""The networks before and after the codec for depth maps: one plane of 16 bits over three of 8."""

import math
from typing import Any

import keras
from keras import ops

from keras_sandwich.models.processors import Postprocessor, Preprocessor
from keras_sandwich.models.receptive_field import ReceptiveField
from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.quality_layers import (
    block_means,
    decode_quality_layers,
    effective_step,
    encode_quality_layers,
)

CHANNELS = 3  # of the codec
DETAIL_GAIN = 16.0  # of what differs from its block's mean, beside the plane itself, before tanh


class _DepthProcessor:
    """What both sides share: a plane on which a U-Net works, in units of the step at which it is coded."""

    unet: Any

    def __init__(self, unet: Any = None, num_truncate_bits: int = 8, **kwargs: Any) -> None:
        super().__init__(1, unet, num_mlp_layers=0, num_truncate_bits=num_truncate_bits, **kwargs)  # type: ignore[call-arg]

    @property
    def conditioned(self) -> bool:
        """True: the layers are put together by the quantizer step."""
        return True

    @property
    def macroblock(self) -> int:
        """Of JPEG: height and width of the bottleneck are multiples of it."""
        return BLOCK

    def receptive_field(self) -> ReceptiveField | None:
        """How far the networks see around a pixel; None if a network of the user's own does not say."""
        field = super().receptive_field()  # type: ignore[misc]
        return field and ReceptiveField(field.radius + BLOCK, math.lcm(field.alignment, BLOCK))

    def _correct(self, plane: Any, qstep: Any) -> Any:
        """A plane in [0, 255] with what the U-Net adds to it."""
        if self.unet is None:
            return plane
        detail = ops.tanh((plane - block_means(plane)) * (DETAIL_GAIN / 255.0))
        seen = ops.concatenate([(plane - 128.0) / 255.0, detail], axis=-1)
        told = {"qstep": qstep} if getattr(self.unet, "conditioned", False) else {}
        correction = ops.cast(self.unet(seen, **told), "float32")
        unit = ops.reshape(effective_step(qstep), (-1, 1, 1, 1))
        scale = self.unet_switch * self.unet_scale  # type: ignore[attr-defined]
        return plane + scale * unit * correction

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.layers.Layer.get_config(self),
            "unet": keras.saving.serialize_keras_object(self.unet),
            "num_truncate_bits": self.num_truncate_bits,  # type: ignore[attr-defined]
        }


@keras.saving.register_keras_serializable(package="keras_sandwich")
class DepthPreprocessor(_DepthProcessor, Preprocessor):
    """Depth maps to bottlenecks: colour pictures that hold a base in their luma and an enhancement in their chroma.

    See `ops.encode_quality_layers`: below a quantizer step of 16 the coefficients' remainders are carried too, so that
    nothing is lost to the codec's 8 bits.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    preprocessor = ks.models.DepthPreprocessor()
    depth = np.linspace(0, 65280, 40 * 56).reshape(1, 40, 56, 1).astype("float32")
    assert preprocessor(depth, qstep=8.0).shape == (1, 40, 56, 3)
    ```

    Args:
        unet: a `UNet` of one channel, or None: what it adds to the plane before it is divided into layers.
        num_truncate_bits: k: the maps have 8 + k bits and the range [0, 255·2^k].

    Call arguments:
        images: [batch, height, width, 1] in [0, 255·2^k].
        qstep: the codec's quantizer step, at least 8; a scalar or one per map, [batch].

    Returns:
        [batch, height, width, 3] float32, meant for [0, 255]; height and width are rounded up to multiples of 8.
    """

    def build(self, input_shape: Any) -> None:
        _build(self, input_shape, 1)

    def _transform(self, images: Any, qstep: Any = None) -> Any:
        plane = images / 2.0**self.num_truncate_bits
        return encode_quality_layers(self._correct(plane, qstep), qstep)

    def _truncate(self, bottleneck: Any) -> Any:
        return bottleneck  # divided into layers instead

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (*super().compute_output_shape(input_shape)[:-1], CHANNELS)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class DepthPostprocessor(_DepthProcessor, Postprocessor):
    """Decoded bottlenecks to depth maps: the mirror of `DepthPreprocessor`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    before, after = ks.models.DepthPreprocessor(), ks.models.DepthPostprocessor()
    depth = np.full((1, 16, 24, 1), 12345.0, "float32")
    restored = after(np.round(before(depth, qstep=8.0)), qstep=8.0)
    assert np.allclose(restored, depth, atol=30)
    ```

    Args:
        unet: a `UNet` of one channel, or None: what it adds to the plane that the layers give.
        num_truncate_bits: k: the maps have 8 + k bits.

    Call arguments:
        bottlenecks: [batch, height, width, 3] in [0, 255].
        output_size: not used: maps are as large as bottlenecks.
        qstep: the codec's quantizer step.

    Returns:
        [batch, height, width, 1] float32 in [0, 255·2^k], not clipped.
    """

    def build(self, input_shape: Any) -> None:
        _build(self, input_shape, CHANNELS)

    def _extend(self, bottlenecks: Any) -> Any:
        return bottlenecks

    def _transform(self, images: Any, qstep: Any = None) -> Any:
        plane = self._correct(decode_quality_layers(images, qstep), qstep)
        return plane * 2.0**self.num_truncate_bits


def _build(side: Any, input_shape: Any, channels: int) -> None:
    if len(input_shape) != 4 or input_shape[-1] != channels:
        raise ValueError(
            f"{type(side).__name__} takes [batch, height, width, {channels}]. Received shape {tuple(input_shape)}."
        )
    side.input_channels = channels
    if side.unet is not None:
        side.build_part(side.unet, (None, None, None, 2))  # the plane and its detail
    side.built = True
