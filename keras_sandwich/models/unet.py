"""The U-Net of the paper (Guleryuz et al., arXiv 2402.05887, section III and Table II)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import is_integer, require_integers
from keras_sandwich.layers.convolution import Convolution
from keras_sandwich.models.base import Network
from keras_sandwich.models.receptive_field import patches, unet_radius
from keras_sandwich.models.step_modulation import StepModulation
from keras_sandwich.ops.blocks import depth_to_space, space_to_depth
from keras_sandwich.ops.resampling import bilinear_upsample_2x
from keras_sandwich.ops.shapes import ceil_multiple, pad_bottom_right

ENCODER_FILTERS = (32, 64, 128, 256)
DECODER_FILTERS = (512, 256, 128, 64, 32)


def require_filters(encoder_filters: Sequence[int], decoder_filters: Sequence[int]) -> None:
    """ValueError unless the two sequences describe a U-Net."""
    filters = [*encoder_filters, *decoder_filters]
    if not all(is_integer(count) for count in filters):
        raise ValueError(
            "`encoder_filters` and `decoder_filters` must hold positive integers. "
            f"Received {tuple(encoder_filters)} and {tuple(decoder_filters)}."
        )
    if len(decoder_filters) != len(encoder_filters) + 1:
        raise ValueError(
            "`decoder_filters` must be one longer than `encoder_filters`: its first entry works "
            "below the deepest pooling. "
            f"Received {tuple(encoder_filters)} and {tuple(decoder_filters)}."
        )


def _places(x: Any, side: int) -> Any:
    """One channel for each row of a block and one for each column: 1 there, 0 elsewhere."""
    batch, height, width, _ = ops.shape(x)
    one_hot = ops.eye(side, dtype=x.dtype)
    rows = ops.broadcast_to(ops.reshape(one_hot, (1, side, 1, side)), (1, side, side, side))
    block = ops.concatenate([rows, ops.swapaxes(rows, 1, 2)], axis=-1)
    return ops.tile(block, (batch, height // side, width // side, 1))


def _modulated(x: Any, modulation: Any) -> Any:
    if modulation is None:
        return x
    scale, shift = (ops.cast(value, x.dtype) for value in modulation)
    return x * (1.0 + scale) + shift


@keras.saving.register_keras_serializable(package="keras_sandwich")
class UNet(Network):
    """A U-Net with 3×3 convolutions, for images of any height and width.

    Encoder block: convolutions with ReLU, whose output is the skip; every second sample, [1::2, 1::2], goes on.
    Decoder block: convolutions with ReLU, bilinear ×2, concatenation [upsampled, skip]. One linear 3×3 convolution
    at the end. Sizes that the poolings do not divide are mirrored at bottom and right and cropped back.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    unet = ks.models.UNet(3, encoder_filters=(16, 32), decoder_filters=(64, 32, 16))
    y = unet(np.zeros((1, 45, 61, 3), "float32"))
    assert y.shape == (1, 45, 61, 3) and unet.count_params() == 118_691
    ```

    Args:
        output_channels: channels of the last convolution.
        encoder_filters: filters of the encoder blocks, from full size down.
        decoder_filters: filters of the decoder blocks, from below the deepest pooling up; one more than the encoder's.
        convolutions_per_block: how many convolutions each block has.
        drop_last_encoder_block: leave out the deepest encoder block and the upsampling of the first decoder block, as
            the implementation published with the paper does.
        output_activation: activation of the last convolution; None is linear.
        output_initializer: initializer of the last convolution's kernel; "zeros" makes a network that starts by
            adding nothing.
        patch_size: p: the network works on p×p patches of pixels, at p² times fewer positions. Unlike a network on
            single pixels it can tell odd pixels from even ones, which chroma modulated on a carrier asks for.
        block_size: side of the codec's blocks in pixels of the images, a multiple of p: the network is told where in a
            block each position lies, to use single coefficients and to mend seams. None: it is not.
        conditioned: the network is told the quantizer step, so that one serves all rates: what each block makes is
            scaled and shifted by functions of it, see `StepModulation`.

    Call arguments:
        images: [batch, height, width, channels].
        qstep: the quantizer step in pixel levels, a scalar or one per image, [batch]; of a conditioned network alone.

    Returns:
        [batch, height, width, output_channels] in the compute dtype.

    Raises:
        ValueError: filters that are not positive or whose numbers do not fit, no encoder block to drop, or a
            conditioned network without a step.
    """

    def __init__(
        self,
        output_channels: int,
        encoder_filters: Sequence[int] = ENCODER_FILTERS,
        decoder_filters: Sequence[int] = DECODER_FILTERS,
        convolutions_per_block: int = 2,
        drop_last_encoder_block: bool = False,
        output_activation: Any = None,
        output_initializer: Any = "glorot_uniform",
        patch_size: int = 1,
        block_size: int | None = None,
        conditioned: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        require_filters(encoder_filters, decoder_filters)
        require_integers(
            output_channels=output_channels,
            convolutions_per_block=convolutions_per_block,
            patch_size=patch_size,
        )
        if block_size is not None and (not is_integer(block_size) or block_size % patch_size):
            raise ValueError(
                f"`block_size` must be None or a positive multiple of patch_size={patch_size}. "
                f"Received block_size={block_size!r}."
            )
        if drop_last_encoder_block and not encoder_filters:
            raise ValueError(
                "`drop_last_encoder_block` needs an encoder block to drop. "
                f"Received encoder_filters={tuple(encoder_filters)}."
            )
        self.output_channels = output_channels
        self.encoder_filters = tuple(encoder_filters)
        self.decoder_filters = tuple(decoder_filters)
        self.convolutions_per_block = convolutions_per_block
        self.drop_last_encoder_block = drop_last_encoder_block
        self.output_activation = keras.activations.get(output_activation)
        self.output_initializer = keras.initializers.get(output_initializer)
        self.patch_size = patch_size
        self.block_size = block_size
        self.conditioned = conditioned
        self.poolings = len(self.encoder_filters) - drop_last_encoder_block
        self.encoder = self._convolutions("encoder", self.encoder_filters[: self.poolings])
        self.decoder = self._convolutions("decoder", self.decoder_filters)
        self.output_convolution = Convolution(
            output_channels * patch_size**2,
            3,
            padding="same",
            data_format="channels_last",
            activation=self.output_activation,
            kernel_initializer=self.output_initializer,
            dtype=self.dtype_policy,
            name="output",
        )
        self.modulation = None
        if conditioned:
            blocks = (*self.encoder_filters[: self.poolings], *self.decoder_filters)
            self.modulation = StepModulation(blocks, name="modulation")

    @property
    def alignment(self) -> int:
        """The grid of pixels that poolings, patches and blocks make: shifted by it, a picture gives the same."""
        return math.lcm(self.patch_size * 2**self.poolings, self.block_size or 1)

    @property
    def receptive_radius(self) -> int:
        """How many pixels away a pixel of the picture can still change a pixel of the result."""
        bottom_blocks = len(self.decoder_filters) - self.poolings
        radius = unet_radius(self.poolings, self.convolutions_per_block, bottom_blocks)
        return patches(radius, self.patch_size)

    def _convolutions(self, side: str, filters: Sequence[int]) -> list[Convolution]:
        return [
            Convolution(
                count,
                3,
                padding="same",
                data_format="channels_last",
                activation="relu",
                dtype=self.dtype_policy,
                name=f"{side}_block_{block}_conv_{number}",
            )
            for block, count in enumerate(filters)
            for number in range(self.convolutions_per_block)
        ]

    def _block(self, convolutions: list[Any], number: int) -> list[Any]:
        n = self.convolutions_per_block
        return convolutions[number * n : (number + 1) * n]

    def build(self, input_shape: Any) -> None:
        channels = input_shape[-1] * self.patch_size**2
        if self.block_size is not None:
            channels += 2 * (self.block_size // self.patch_size)
        skips = []
        for number in range(self.poolings):
            for convolution in self._block(self.encoder, number):
                convolution.build((None, None, None, channels))
                channels = convolution.filters
            skips.append(channels)
        for number in range(len(self.decoder_filters)):
            for convolution in self._block(self.decoder, number):
                convolution.build((None, None, None, channels))
                channels = convolution.filters
            if number >= len(self.decoder_filters) - 1 - self.poolings and skips:
                channels += skips.pop()
        self.output_convolution.build((None, None, None, channels))
        if self.modulation is not None:
            self.modulation.build()
        self.built = True

    def call(self, images: Any, qstep: Any = None) -> Any:
        x = images
        modulations = iter(self._modulations(qstep))
        _, height, width, _ = ops.shape(x)
        step = self.alignment
        x = pad_bottom_right(x, ceil_multiple(height, step), ceil_multiple(width, step), False)
        x = space_to_depth(x, self.patch_size)
        if self.block_size is not None:
            x = ops.concatenate([x, _places(x, self.block_size // self.patch_size)], axis=-1)
        skips = []
        for number in range(self.poolings):
            for convolution in self._block(self.encoder, number):
                x = convolution(x)
            x = _modulated(x, next(modulations))
            skips.append(x)
            x = x[:, 1::2, 1::2]
        for number in range(len(self.decoder_filters)):
            for convolution in self._block(self.decoder, number):
                x = convolution(x)
            x = _modulated(x, next(modulations))
            if number >= len(self.decoder_filters) - 1 - self.poolings and skips:
                x = ops.concatenate([bilinear_upsample_2x(x), skips.pop()], axis=-1)
        return depth_to_space(self.output_convolution(x), self.patch_size)[:, :height, :width]

    def _modulations(self, qstep: Any) -> list[Any]:
        """A scale and a shift for each block, or None for each."""
        if self.modulation is None:
            return [None] * (self.poolings + len(self.decoder_filters))
        if qstep is None:
            raise ValueError(
                "A U-Net with conditioned=True is told the quantizer step. Received none; call it as "
                "unet(images, qstep=…)."
            )
        return list(self.modulation(ops.convert_to_tensor(qstep, "float32")))

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (*input_shape[:-1], self.output_channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.layers.Layer.get_config(self),
            "output_channels": self.output_channels,
            "encoder_filters": self.encoder_filters,
            "decoder_filters": self.decoder_filters,
            "convolutions_per_block": self.convolutions_per_block,
            "drop_last_encoder_block": self.drop_last_encoder_block,
            "output_activation": keras.activations.serialize(self.output_activation),
            "output_initializer": keras.initializers.serialize(self.output_initializer),
            "patch_size": self.patch_size,
            "block_size": self.block_size,
            "conditioned": self.conditioned,
        }
