"""The networks before and after the codec: the same thing, mirrored."""

import math
from typing import Any

import keras
from keras import ops

from keras_sandwich._arguments import require_integers, require_option
from keras_sandwich.models.base import Network
from keras_sandwich.models.linear_start import MACROBLOCK
from keras_sandwich.models.mlp import MLP, STARTS
from keras_sandwich.models.receptive_field import ReceptiveField, joint_receptive_field
from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.dct_resampling import enlarge_by_dct, reduce_by_dct
from keras_sandwich.ops.resampling import apply_weights, resize
from keras_sandwich.ops.rounding import floor_straight_through
from keras_sandwich.ops.shapes import ceil_multiple, pad_bottom_right, require_images

# At a linear start a U-Net whose output starts at zero adds to the linear path from a small scale; any other network,
# and with the paper's start every one, from a scale of zero. Either way step 0 is the linear path alone.
UNET_SCALE = 0.1

RESAMPLINGS = ("dct", "filters")


def _default(value: int | None, default: int) -> int:
    return default if value is None else value


class _Processor(Network):
    """s·(MLP(x̂) + a·UNet(x̂)) + m on x̂ = (x − m)/s, with m = 128·2^k and s = 255·2^k.

    With `cascade` the U-Net is given x̂ and MLP(x̂), side by side.
    """

    _decode: bool
    filter: str  # of the resampling by filters
    input_channels: int | None = None  # known once it is built

    def __init__(
        self,
        output_channels: int,
        unet: Any = None,
        num_mlp_layers: int = 2,
        mlp_width: int = 16,
        patch_size: int | None = None,
        kernel_size: int | None = None,
        start: str = "linear",
        downsample_factor: int = 1,
        num_truncate_bits: int = 0,
        cascade: bool = False,
        train_linear: bool | None = None,
        resampling: str = "filters",
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_integers(output_channels=output_channels, downsample_factor=downsample_factor)
        require_integers(0, num_mlp_layers=num_mlp_layers, num_truncate_bits=num_truncate_bits)
        require_option(start, STARTS, "start")
        self.output_channels = output_channels
        self.unet = unet
        self.num_mlp_layers = num_mlp_layers
        self.mlp_width = mlp_width
        self.patch_size = _default(patch_size, 2 if start == "linear" else 1)
        # A macroblock is transformed alone.
        filtered = start == "linear" and self.patch_size < MACROBLOCK
        self.kernel_size = _default(kernel_size, 5 if filtered else 1)
        self.start = start
        self.downsample_factor = downsample_factor
        self.num_truncate_bits = num_truncate_bits
        self.cascade = cascade
        # A step of Adam moves every weight: in sums over hundreds of pixels, more than the rest can make good.
        whole = start == "linear" and self.patch_size >= MACROBLOCK
        self.train_linear = not whole if train_linear is None else train_linear
        require_option(resampling, RESAMPLINGS, "resampling")
        self.resampling = resampling
        self.mlp = None
        if num_mlp_layers:
            self.mlp = MLP(
                output_channels,
                num_layers=num_mlp_layers,
                width=mlp_width,
                patch_size=self.patch_size,
                kernel_size=self.kernel_size,
                start=start,
                decode=self._decode,
                train_linear=self.train_linear,
                name="mlp",
            )
        if unet is not None:
            self.unet_scale = self.add_weight(
                shape=(),
                initializer=keras.initializers.Constant(self._initial_scale()),
                trainable=self.mlp is not None,
                dtype="float32",
                autocast=False,  # Keras casts a mixed model's variables where the model itself is called
                name="unet_scale",
            )
            # Staged training turns the U-Net off and on (`callbacks.TrainingSchedule`), also before `fit` builds it.
            self.unet_switch = self.add_weight(
                shape=(),
                initializer="ones",
                trainable=False,
                dtype="float32",
                autocast=False,
                name="unet_switch",
            )

    def _initial_scale(self) -> float:
        if self.mlp is None:
            return 1.0
        initializer = getattr(self.unet, "output_initializer", None)
        silent = isinstance(initializer, keras.initializers.Zeros)
        return UNET_SCALE if self.start == "linear" and silent else 0.0

    def build(self, input_shape: Any) -> None:
        if len(input_shape) != 4 or input_shape[-1] is None:
            raise ValueError(
                "Expected images [batch, height, width, channels] with a known number of "
                f"channels. Received shape {tuple(input_shape)}."
            )
        channels = input_shape[-1]
        self.input_channels = channels
        if self.mlp is not None:
            self.mlp.build((None, None, None, channels))
        elif channels != self.output_channels:
            raise ValueError(
                "With num_mlp_layers=0 the pixels pass as they are, so the input must have "
                f"output_channels={self.output_channels} channels. Received {channels}; use "
                "num_mlp_layers of at least 1."
            )
        network_channels = getattr(self.unet, "output_channels", self.output_channels)
        if network_channels != self.output_channels:
            raise ValueError(
                f"The U-Net's output is added to {self.output_channels} channels. "
                f"Received a U-Net with output_channels={network_channels}."
            )
        if self.unet is not None:
            seen = channels + self.output_channels * self._cascaded
            self.build_part(self.unet, (None, None, None, seen))
        self.built = True

    @property
    def by_dct(self) -> bool:
        """Whether pictures are made smaller or larger in the DCT domain."""
        return self.resampling == "dct" and self.downsample_factor > 1

    def _macroblock_for(self, bottleneck_channels: int | None) -> int:
        """The pixels a side of what must not be cut; 1 where every pixel stands for itself."""
        if self.by_dct:
            return BLOCK * self.downsample_factor
        multiplexed = (
            self.mlp is not None
            and self.start == "linear"
            and (self.patch_size, bottleneck_channels, self.downsample_factor) == (MACROBLOCK, 1, 1)
        )
        return MACROBLOCK if multiplexed else 1

    @property
    def _cascaded(self) -> bool:
        return self.cascade and self.mlp is not None

    def receptive_field(self) -> ReceptiveField | None:
        """How far the networks see around a pixel; None if a network of the user's own does not say."""
        field = joint_receptive_field(self.mlp, self.unet)
        if field is not None and self.by_dct:
            alignment = math.lcm(field.alignment, BLOCK * self.downsample_factor)
            field = ReceptiveField(field.radius, alignment)
        if field is None or self.mlp is None or self.unet is None or not self.cascade:
            return field
        return ReceptiveField(
            self.mlp.receptive_radius + int(self.unet.receptive_radius), field.alignment
        )

    @property
    def conditioned(self) -> bool:
        """Whether the network is told the quantizer step."""
        return bool(getattr(self.unet, "conditioned", False))

    def _transform(self, images: Any, qstep: Any = None) -> Any:
        scale = 2.0**self.num_truncate_bits
        x = (images - 128.0 * scale) / (255.0 * scale)
        y = x if self.mlp is None else self.mlp(x)
        if self.unet is not None:
            seen = ops.concatenate([x, y], axis=-1) if self._cascaded else x
            correction = self.unet(seen, qstep=qstep) if self.conditioned else self.unet(seen)
            correction = ops.cast(correction, "float32")
            y = y + self.unet_switch * self.unet_scale * correction
        return 255.0 * scale * y + 128.0 * scale

    def get_config(self) -> dict[str, Any]:
        return {
            **keras.layers.Layer.get_config(self),
            "output_channels": self.output_channels,
            "unet": keras.saving.serialize_keras_object(self.unet),
            "num_mlp_layers": self.num_mlp_layers,
            "mlp_width": self.mlp_width,
            "patch_size": self.patch_size,
            "kernel_size": self.kernel_size,
            "start": self.start,
            "downsample_factor": self.downsample_factor,
            "num_truncate_bits": self.num_truncate_bits,
            "cascade": self.cascade,
            "train_linear": self.train_linear,
            "resampling": self.resampling,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = dict(config)
        if isinstance(config["unet"], dict):
            config["unet"] = keras.saving.deserialize_keras_object(config["unet"], custom_objects)
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class Preprocessor(_Processor):
    """Images to bottlenecks: what the codec gets to see.

    s·(MLP(x̂) + a·UNet(x̂)) + m; then ÷ `downsample_factor`, see `resampling`; then floor(·/2^k), straight through
    (Guleryuz et al., arXiv 2402.05887, sections III and IV). All but the U-Net's convolutions runs in float32.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    unet = ks.models.UNet(1, (8, 16), (32, 16, 8), output_initializer="zeros")
    preprocessor = ks.models.Preprocessor(1, unet)
    bottleneck = preprocessor(np.full((2, 40, 56, 3), 90.0, "float32"))
    assert bottleneck.shape == (2, 40, 56, 1)
    ```
    Args:
        output_channels: channels of the result.
        unet: a `UNet`, any layer from [batch, height, width, input channels] to output_channels, or None. Its scale a
            starts at 0.1 at a linear start if `output_initializer="zeros"`, and at 0 otherwise.
        num_mlp_layers: 0 is the identity (the channel numbers must agree, and the U-Net's scale is 1 and not trained);
            1 is linear; each more is a hidden layer with sin activation.
        mlp_width: channels per pixel of each hidden layer.
        patch_size: p, the side of the patches that the linear path works on; None is 2 for a linear start and 1 for
            the published one. Three channels over one start with the chroma modulated on a carrier (waves of the
            highest frequencies) on even patches, but on those of 16 with the chroma multiplexed into DCT coefficients
            (in the place of single ones of the luma), which costs fewer bits.
        kernel_size: odd size in patches of the linear path's convolution; None is 5 for a linear start on patches
            below 16, and otherwise 1.
        start: "linear" or "published": what the linear path starts as, see `MLP`.
        downsample_factor: the bottleneck is smaller by this factor.
        num_truncate_bits: k: the images have 8 + k bits, the bottleneck 8.
        cascade: give the U-Net what the linear path made, too, beside the images.
        train_linear: whether the linear convolution of a linear start is trained; None: on patches below 16.
        resampling: how the bottleneck becomes smaller by `downsample_factor`. "dct": in the DCT domain, where blocks of
            8·factor pixels keep the 64 coefficients nearest to DC (`ops.reduce_by_dct`), which block codecs carry
            best; sizes are padded to whole blocks. "filters": bicubic with antialias, and Lanczos3 after the codec, as
            published; sizes that the factor does not divide are floored, to one pixel at least.

    Raises:
        ValueError: an argument out of its range, or channels that do not agree.

    Call arguments:
        images: [batch, height, width, channels] in [0, 255·2^k].
        qstep: the codec's quantizer step, a scalar or one per image, [batch]; where the U-Net is conditioned on it.

    Returns:
        [batch, height // factor, width // factor, output_channels] float32, meant for [0, 255] but not clipped; height
        and width are first rounded up to multiples of `macroblock`.
    """

    _decode = False
    filter = "bicubic"

    @property
    def macroblock(self) -> int:
        """Pixels of which height and width are multiples: 16 or the resampled blocks' side, or 1.

        A macroblock cut short would lose the chroma that is multiplexed into it, or its coefficients.
        """
        return self._macroblock_for(self.output_channels)

    def call(self, images: Any, qstep: Any = None) -> Any:
        images = require_images(images)
        if self.macroblock > 1:
            _, height, width, _ = ops.shape(images)
            height, width = (ceil_multiple(size, self.macroblock) for size in (height, width))
            images = pad_bottom_right(images, height, width, repeat_edge=True)
        bottleneck = self._transform(images, qstep)
        if self.by_dct:
            bottleneck = reduce_by_dct(bottleneck, self.downsample_factor)
        elif self.downsample_factor > 1:
            _, height, width, _ = ops.shape(bottleneck)
            size = self._reduced(height), self._reduced(width)
            bottleneck = resize(bottleneck, size, self.filter)
        return self._truncate(bottleneck)

    def call_window(
        self, images: Any, rows: Any = None, columns: Any = None, qstep: Any = None
    ) -> Any:
        """What `call` makes of a window of larger images, of whole macroblocks; `rows` and `columns` resample it."""
        bottleneck = apply_weights(self._transform(images, qstep), rows, columns)
        if self.by_dct:
            bottleneck = reduce_by_dct(bottleneck, self.downsample_factor)
        return self._truncate(bottleneck)

    def _truncate(self, bottleneck: Any) -> Any:
        if not self.num_truncate_bits:
            return bottleneck
        return floor_straight_through(bottleneck / 2.0**self.num_truncate_bits)

    def _reduced(self, size: Any) -> Any:
        reduced = size // self.downsample_factor
        return max(reduced, 1) if isinstance(size, int) else ops.maximum(reduced, 1)

    def compute_output_spec(self, images: Any, qstep: Any = None) -> Any:
        # Float32 whatever the policy's compute dtype.
        return keras.KerasTensor(self.compute_output_shape(images.shape), dtype="float32")

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        batch, *sizes, _ = input_shape
        side = self.macroblock
        sizes = [None if n is None else self._reduced(ceil_multiple(n, side)) for n in sizes]
        return (batch, *sizes, self.output_channels)


@keras.saving.register_keras_serializable(package="keras_sandwich")
class Postprocessor(_Processor):
    """Decoded bottlenecks to images: the mirror of `Preprocessor`.

    ·2^k + 2^(k−1) where k > 0; × `downsample_factor`, see `resampling`; then s·(MLP(ŷ) + a·UNet(ŷ)) + m (Guleryuz et
    al., arXiv 2402.05887, sections III and IV). All but the U-Net's convolutions runs in float32.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    postprocessor = ks.models.Postprocessor(3, downsample_factor=2)
    images = postprocessor.predict(np.full((2, 20, 28, 3), 90.0, "float32"), verbose=0)
    assert images.shape == (2, 40, 56, 3) and np.allclose(images, 90.0, atol=1e-3)
    ```
    Args:
        output_channels: channels of the images; all the arguments are those of `Preprocessor`.
        unet: a `UNet`, or any layer, or None.
        num_mlp_layers: layers of the linear path.
        mlp_width: channels per pixel of each hidden layer.
        patch_size: side of the patches of the linear path.
        kernel_size: size in patches of its convolution.
        start: "linear" or "published".
        downsample_factor: the bottleneck is smaller by this factor.
        num_truncate_bits: k: the images have 8 + k bits.
        cascade: give the U-Net what the linear path made, too.
        train_linear: whether the linear convolution is trained.
        resampling: "dct" (`ops.enlarge_by_dct`) or "filters" (Lanczos3).

    Raises:
        ValueError: an argument out of its range, or channels that do not agree.

    Call arguments:
        bottlenecks: [batch, height, width, channels] in [0, 255].
        output_size: (height, width) of the images; None is `downsample_factor` times the bottleneck's.
        qstep: the codec's quantizer step, a scalar or one per image, [batch]; where the U-Net is conditioned on it.

    Returns:
        [batch, output height, output width, output_channels] float32, not clipped.
    """

    _decode = True
    filter = "lanczos3"

    @property
    def macroblock(self) -> int:
        """That of the `Preprocessor` which it mirrors; it is known once this is built."""
        return self._macroblock_for(self.input_channels)

    def call(self, bottlenecks: Any, output_size: Any = None, qstep: Any = None) -> Any:
        images = self._extend(require_images(bottlenecks, "bottlenecks"))
        factor = self.downsample_factor
        if (
            factor == 1 and output_size is None
        ):  # or exports, which know no sizes, resample to the same
            return self._transform(images, qstep)
        _, height, width, _ = ops.shape(images)
        size = (height * factor, width * factor) if output_size is None else output_size
        if self.by_dct:
            images = self._transform(enlarge_by_dct(images, factor), qstep)
            return images[:, : size[0], : size[1]]
        return self._transform(resize(images, size, self.filter), qstep)

    def call_window(
        self, images: Any, rows: Any = None, columns: Any = None, qstep: Any = None
    ) -> Any:
        """What `call` makes of a window of larger bottlenecks, of whole blocks; `rows` and `columns` resample it."""
        images = apply_weights(self._extend(images), rows, columns)
        if self.by_dct:
            images = enlarge_by_dct(images, self.downsample_factor)
        return self._transform(images, qstep)

    def _extend(self, bottlenecks: Any) -> Any:
        k = self.num_truncate_bits
        return bottlenecks * 2.0**k + 2.0 ** (k - 1) if k else bottlenecks

    def compute_output_spec(
        self, bottlenecks: Any, output_size: Any = None, qstep: Any = None
    ) -> Any:
        shape = self.compute_output_shape(bottlenecks.shape, output_size)
        return keras.KerasTensor(shape, dtype="float32")

    def compute_output_shape(self, input_shape: Any, output_size: Any = None) -> Any:
        batch, *sizes, _ = input_shape
        sizes = [None if size is None else size * self.downsample_factor for size in sizes]
        return (batch, *(output_size or sizes), self.output_channels)
