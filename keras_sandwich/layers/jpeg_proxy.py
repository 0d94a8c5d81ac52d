"""A differentiable JPEG: what a picture looks like after the codec, with a gradient."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.layers.quantizer import Quantizer, require_one_each
from keras_sandwich.layers.seed_state import load_seed, save_seed
from keras_sandwich.ops import jpeg_float, jpeg_libjpeg
from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.chroma import require_subsampling
from keras_sandwich.ops.color import images_of, planes_of, red_green_blue
from keras_sandwich.ops.rounding import (
    clip,
    round_cubic,
    round_straight_through,
    rounding_remainder,
    straight_through,
    uniform_noise,
)
from keras_sandwich.ops.shapes import ceil_divide, require_images

ROUNDINGS = ("straight_through", "uniform_noise", "cubic")
ARITHMETICS = ("float", "libjpeg")


@keras.saving.register_keras_serializable(package="keras_sandwich")
class JpegProxy(keras.layers.Layer):
    """Encodes and decodes images as JPEG does, differentiably.

    Pad → (RGB to YUV) → (chroma subsampling) → 8×8 DCT → quantize → dequantize → inverse DCT → … and back (Guleryuz
    et al., arXiv 2402.05887, section III). Everything is float32 whatever the dtype policy: in bfloat16 the 8-bit
    grid itself would be lost.

    With `arithmetic="libjpeg"` the forward pass is libjpeg's own, in int32: the decoded pictures are, pixel for
    pixel, those of a file that Pillow writes and reads, and the indices those in the file. The gradient is that of the
    float form.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    proxy = ks.layers.JpegProxy(
        convert_to_yuv=True, chroma_subsampling="4:2:0", arithmetic="libjpeg"
    )
    images = np.random.default_rng(0).integers(0, 256, (2, 50, 70, 3)).astype("float32")
    decoded, indices = proxy(images, quality=75)
    codec = ks.codecs.JPEG(quality=75, chroma_subsampling="4:2:0")
    assert np.array_equal(decoded[0], codec.decode(codec.encode(images[0].astype("uint8"))))
    assert [tuple(i.shape) for i in indices] == [(2, 7, 9, 64), (2, 4, 5, 64), (2, 4, 5, 64)]
    ```

    Args:
        luma_table: 8×8 positive steps in raster order, multiplied by `qstep`, for the first of every three channels.
            None: all ones, a flat table.
        chroma_table: the same for the other two of every three channels.
        convert_to_yuv: convert RGB to YUV before and back after; needs exactly three channels. Without it every
            channel is coded alone.
        chroma_subsampling: "4:4:4", "4:2:2" or "4:2:0": the size at which the second and third of every three
            channels are coded.
        clip_to_image_max: clip the decoded images to [0, image_max]; turn off for difference frames.
        image_max: the largest pixel value; 255 for 8 bits.
        rounding: what stands for the rounding of coefficients in the gradient. "straight_through": the identity;
            unbiased on average and never zero, the usual choice. "uniform_noise": additive noise of one step's width
            while training, also in the decoded pictures, which are then the float form's, and rounding otherwise;
            the gradient is that of what was computed, and smooth. "cubic": round(x) + (x − round(x))³, small where a
            coefficient is next to an index and so nearly rounding's own.
        seed: seed of the noise.
        arithmetic: "float", or "libjpeg" for integers as libjpeg has them; then images are rounded and clipped to
            0…255, `image_max` is 255 and steps are whole numbers from 1 to 255 (steps in tensors are rounded and
            clipped to them, with the gradient of the identity).
        train_tables: the two tables are weights, kept positive by their logarithms; `tables()` gives the whole
            numbers to write into files (`codecs.JPEG(tables=…)`).

    Call arguments:
        images: [batch, height, width, channels], any size from 1×1, any number of channels; integers are cast.
        qstep: the quantizer step in pixel units, > 0; a scalar, or one per image, [batch]. What is below 0.001, also
            in a tensor, whose values cannot be checked, counts as 0.001.
        quality: instead of `qstep`, 1 to 100: the tables of T.81 Annex K scaled as libjpeg does; a scalar, or one per
            image, [batch]. Only where the layer has no tables of its own. In a tensor, what is outside counts as 1
            or 100.

    Returns:
        decoded: like `images`, float32.
        indices: a list with one tensor [batch, rows, columns, 64] per channel: the quantized coefficients, in raster
            order within a block (index 8·v + u); "float": on the grid of the picture padded to whole MCUs,
            "libjpeg": on each component's own grid.

    Raises:
        ValueError: a bad option, table or rank; other than three channels with `convert_to_yuv`; a Python or NumPy
            `qstep` that is not positive, or `quality` that is not a whole number from 1 to 100; `qstep` or `quality`
            per image in any other shape, or both; what libjpeg's arithmetic does not have.
    """

    def __init__(
        self,
        luma_table: Any = None,
        chroma_table: Any = None,
        convert_to_yuv: bool = False,
        chroma_subsampling: str = "4:4:4",
        clip_to_image_max: bool = True,
        image_max: float = 255.0,
        rounding: str = "straight_through",
        seed: int | None = None,
        arithmetic: str = "float",
        train_tables: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_subsampling(chroma_subsampling)
        require_option(rounding, ROUNDINGS, "rounding")
        require_option(arithmetic, ARITHMETICS, "arithmetic")
        if not image_max > 0:
            raise ValueError(f"`image_max` must be positive. Received image_max={image_max}.")
        if arithmetic == "libjpeg" and (image_max != 255 or not clip_to_image_max):
            raise ValueError(
                "libjpeg's arithmetic has 8 bits and clips to them: it needs image_max=255 and "
                f"clip_to_image_max=True. Received image_max={image_max}, "
                f"clip_to_image_max={clip_to_image_max}; use arithmetic='float' for other ranges."
            )
        self.quantizer = Quantizer(
            luma_table,
            chroma_table,
            train_tables,
            whole=arithmetic == "libjpeg",
            dtype=self.dtype_policy,
            name="quantizer",
        )
        self.convert_to_yuv = convert_to_yuv
        self.chroma_subsampling = chroma_subsampling
        self.clip_to_image_max = clip_to_image_max
        self.image_max = float(image_max)
        self.rounding = rounding
        self.seed = seed
        self.arithmetic = arithmetic
        self._noise_seed = keras.random.SeedGenerator(seed) if rounding == "uniform_noise" else None

    def build(self, images_shape: Any) -> None:
        require_channels(images_shape, self.convert_to_yuv)
        self.quantizer.build()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Keras makes tensors of NumPy arguments before `call`; here their values are still known.
        qstep = args[1] if len(args) > 1 else kwargs.get("qstep")
        quality = args[2] if len(args) > 2 else kwargs.get("quality")
        self.quantizer.check(qstep, quality)
        return super().__call__(*args, **kwargs)

    def call(
        self, images: Any, qstep: Any = None, quality: Any = None, training: bool | None = None
    ) -> tuple[Any, Any]:
        decoded, indices, _ = self.code(images, self.quantizer.steps(qstep, quality), training)
        return decoded, indices

    def tables(self, qstep: Any = None) -> np.ndarray:
        """The luma and the chroma table times `qstep`, as a file holds them: whole numbers from 1 to 255, [2, 8, 8]."""
        return self.quantizer.tables(qstep)

    def code(
        self, images: Any, steps: Any, training: bool | None = None, whole_pixels: bool = False
    ) -> tuple[Any, list[Any], list[Any]]:
        """Images to (decoded images, indices, unrounded indices): `encode` and `decode` in one.

        With `whole_pixels` the images are rounded first, straight through.

        Where rounding only adds something to an index, straight through or as noise, decoding gives back the planes
        and what that adds to them. Their gradient is then the identity and needs no transform.
        """
        images = require_images(images)
        require_one_each(steps.shape[0], images.shape[0])
        channels = planes_of(images)
        if whole_pixels:
            channels = [round_straight_through(channel) for channel in channels]
        if self.rounding == "cubic" or not self.quantizer.one_scale:
            indices, unrounded = self._encode(channels, steps, training)
            return self.decode(indices, steps, ops.shape(images)[1:3], training), indices, unrounded
        planes = jpeg_float.to_planes(channels, self.convert_to_yuv, self.chroma_subsampling)
        coded = self._coded_size(planes, jpeg_float)
        surrogates = self._encode_planes(coded, steps, jpeg_float)
        unrounded = self._with_exact_values(surrogates, channels, steps)
        remainders = [self._remainder(component, training) for component in unrounded]
        indices = [x + remainder for x, remainder in zip(unrounded, remainders, strict=True)]
        if self.arithmetic == "libjpeg":  # what an index has more than the float form's
            pairs = zip(indices, surrogates, strict=True)
            remainders = [ops.stop_gradient(_grown(*pair) - pair[1]) for pair in pairs]
        added = [_blocks(remainder) for remainder in remainders]
        scale = steps[:, :1, :1, :1]  # the one number that all steps of an image scale with
        if steps.shape[2] > 1:
            shape = ops.stop_gradient(steps / scale)
            added = [
                a * self.quantizer.of_channel(shape, channel) for channel, a in enumerate(added)
            ]
        added = jpeg_float.decode_remainders(added)
        decoded = self._with_additions(channels, planes, coded, added, scale)
        return self._finished(decoded, indices, steps, training), indices, unrounded

    def encode(self, images: Any, steps: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Images to (indices, unrounded indices), each a list with one tensor per channel.

        `steps` are `quantizer.steps(…)`. The unrounded indices round to the codec's, also where noise stands for
        rounding.
        """
        images = require_images(images)
        require_one_each(steps.shape[0], images.shape[0])
        return self._encode(planes_of(images), steps, training)

    def decode(
        self, indices: Any, steps: Any, image_size: Any, training: bool | None = None
    ) -> Any:
        """Indices, as `encode` returns them, to images [batch, height, width, channels]."""
        channels = self._reconstruct(indices, steps, image_size, jpeg_float)
        return self._finished(channels, indices, steps, training)

    def _encode(
        self, channels: list[Any], steps: Any, training: bool | None
    ) -> tuple[list[Any], list[Any]]:
        """`encode` of the channels of images."""
        unrounded = self._transform(channels, steps, jpeg_float)
        unrounded = self._with_exact_values(unrounded, channels, steps)
        return [self._round(component, training) for component in unrounded], unrounded

    def _finished(
        self, channels: list[Any], indices: Any, steps: Any, training: bool | None
    ) -> Any:
        """Images of decoded channels, clipped, and with libjpeg's values where those are asked for."""
        if self.clip_to_image_max:
            channels = [clip(channel, 0.0, self.image_max) for channel in channels]
        if self.arithmetic == "libjpeg" and not self._noisy(training):
            whole = [ops.stop_gradient(component) for component in indices]
            size = ops.shape(channels[0])[1:3]
            exact = self._reconstruct(whole, ops.stop_gradient(steps), size, jpeg_libjpeg)
            channels = [straight_through(*pair) for pair in zip(exact, channels, strict=True)]
        return images_of(channels)

    def _with_exact_values(
        self, unrounded: list[Any], channels: list[Any], steps: Any
    ) -> list[Any]:
        """libjpeg's unrounded indices where those are asked for, with the gradient of the float form's."""
        if self.arithmetic != "libjpeg":
            return unrounded
        fixed = [ops.stop_gradient(channel) for channel in channels]
        exact = self._transform(fixed, ops.stop_gradient(steps), jpeg_libjpeg)
        return [
            straight_through(x, surrogate[:, : ops.shape(x)[1], : ops.shape(x)[2]])
            for x, surrogate in zip(exact, unrounded, strict=True)
        ]

    def _with_additions(
        self,
        channels: list[Any],
        planes: list[Any],
        coded: list[Any],
        added: list[Any],
        scale: Any,
    ) -> list[Any]:
        """Channels plus `scale` times what is added to their coded planes."""
        scale = scale[:, 0]
        if self.chroma_subsampling == "4:4:4":
            # `scale` alone has a gradient: nothing is transformed going back.
            added = self._cropped_channels(added, channels)
            return [x + scale * a for x, a in zip(channels, added, strict=True)]
        added = [a * scale for a in added]
        for channel, (plane, small) in enumerate(zip(planes, coded, strict=True)):
            if small is not plane:
                (large,) = jpeg_float.upsample_chroma(
                    [small + added[channel]], self.chroma_subsampling, ops.shape(plane)[1:3]
                )
                added[channel] = large - plane
        added = self._cropped_channels(added, channels)
        return [x + a for x, a in zip(channels, added, strict=True)]

    def _cropped_channels(self, added: list[Any], channels: list[Any]) -> list[Any]:
        """What is added to planes as what it adds to channels."""
        _, height, width = ops.shape(channels[0])
        added = [plane[:, :height, :width] for plane in added]
        return red_green_blue(*added) if self.convert_to_yuv else added

    def _transform(self, channels: list[Any], steps: Any, stages: Any) -> list[Any]:
        """Channels of images to their unrounded indices, in either arithmetic."""
        planes = stages.to_planes(channels, self.convert_to_yuv, self.chroma_subsampling)
        return self._encode_planes(self._coded_size(planes, stages), steps, stages)

    def _coded_size(self, planes: list[Any], stages: Any) -> list[Any]:
        """Planes of full size at the sizes at which they are coded."""
        if self.chroma_subsampling == "4:4:4":
            return planes
        chroma = [channel for channel in range(len(planes)) if channel % 3]
        coded = list(planes)
        if not chroma:
            return coded
        smaller = stages.downsample_chroma([planes[k] for k in chroma], self.chroma_subsampling)
        for channel, plane in zip(chroma, smaller, strict=True):
            coded[channel] = plane
        return coded

    def _encode_planes(self, planes: list[Any], steps: Any, stages: Any) -> list[Any]:
        components: list[Any] = [None] * len(planes)
        for members in self._groups(len(planes)):
            own_steps = [self.quantizer.of_channel(steps, channel) for channel in members]
            group = stages.encode_planes([planes[channel] for channel in members], own_steps)
            for channel, blocks in zip(members, group, strict=True):
                components[channel] = ops.reshape(blocks, (-1, *ops.shape(blocks)[1:3], BLOCK**2))
        return components

    def _reconstruct(self, indices: Any, steps: Any, image_size: Any, stages: Any) -> list[Any]:
        """Indices to channels of images, in either arithmetic."""
        planes: list[Any] = [None] * len(indices)
        for members in self._groups(len(indices)):
            own_steps = [self.quantizer.of_channel(steps, channel) for channel in members]
            group = stages.decode_planes(
                [_blocks(indices[channel]) for channel in members], own_steps
            )
            if members[0] % 3:
                group = stages.upsample_chroma(group, self.chroma_subsampling, image_size)
            for channel, plane in zip(members, group, strict=True):
                planes[channel] = plane[:, : image_size[0], : image_size[1]]
        channels: list[Any] = stages.to_channels(planes, self.convert_to_yuv)
        return channels

    def _groups(self, channels: int) -> list[list[int]]:
        """Channels that are coded at one size, together: all, or luma and chroma apart."""
        everything = list(range(channels))
        if self.chroma_subsampling == "4:4:4":
            return [everything]
        luma, chroma = everything[::3], [channel for channel in everything if channel % 3]
        return [luma, chroma] if chroma else [luma]

    def _noisy(self, training: bool | None) -> bool:
        return bool(training) and self._noise_seed is not None

    def _remainder(self, unrounded: Any, training: bool | None) -> Any:
        """What rounding adds to an index, straight through or as noise."""
        if self._noisy(training):
            return uniform_noise(unrounded, self._noise_seed)
        return rounding_remainder(unrounded)

    def _round(self, unrounded: Any, training: bool | None) -> Any:
        if self.rounding == "cubic":
            return round_cubic(unrounded)
        return unrounded + self._remainder(unrounded, training)

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self._noise_seed is not None:
            save_seed(self._noise_seed, store, "noise_seed")

    def load_own_variables(self, store: Any) -> None:
        if self._noise_seed is not None:
            load_seed(self._noise_seed, store, "noise_seed")

    def compute_output_spec(
        self, images: Any, qstep: Any = None, quality: Any = None, training: Any = None
    ) -> Any:
        batch, height, width, channels = images.shape
        down, across = require_subsampling(self.chroma_subsampling)

        def grid(size: int | None, factor: int, own: int) -> int | None:
            if size is None:
                return None
            if self.arithmetic == "libjpeg":
                return ceil_divide(size, BLOCK * own)
            return ceil_divide(size, BLOCK * factor) * factor // own

        def component(channel: int) -> Any:
            own = (down, across) if channel % 3 else (1, 1)
            shape = (batch, grid(height, down, own[0]), grid(width, across, own[1]), 64)
            return keras.KerasTensor(shape, dtype="float32")

        decoded = keras.KerasTensor(images.shape, dtype="float32")
        return decoded, [component(channel) for channel in range(channels)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.quantizer.arguments(),
            "convert_to_yuv": self.convert_to_yuv,
            "chroma_subsampling": self.chroma_subsampling,
            "clip_to_image_max": self.clip_to_image_max,
            "image_max": self.image_max,
            "rounding": self.rounding,
            "seed": self.seed,
            "arithmetic": self.arithmetic,
        }


def _blocks(component: Any) -> Any:
    """[batch, rows, columns, 64] as 8×8 blocks."""
    return ops.reshape(component, (-1, *ops.shape(component)[1:3], BLOCK, BLOCK))


def _grown(component: Any, like: Any) -> Any:
    """Indices on a component's own grid on that of the picture padded to whole MCUs.

    What is added decodes to samples outside the picture.
    """
    for axis in (1, 2):
        size, larger = ops.shape(component)[axis], ops.shape(like)[axis]
        if not (isinstance(size, int) and size == larger):
            rest = like[(slice(None),) * axis + (slice(size, None),)]
            rest = (
                rest[:, : ops.shape(component)[1]]
                if axis == 2
                else rest[:, :, : ops.shape(component)[2]]
            )
            component = ops.concatenate([component, rest], axis=axis)
    return component


def require_channels(images_shape: Any, convert_to_yuv: bool) -> None:
    """ValueError unless the shape is one of images that the proxy can code."""
    if len(images_shape) != 4 or images_shape[-1] is None:
        raise ValueError(
            "Expected images [batch, height, width, channels] with a known number of channels. "
            f"Received shape {tuple(images_shape)}."
        )
    if convert_to_yuv and images_shape[-1] != 3:
        raise ValueError(
            "`convert_to_yuv=True` needs exactly 3 channels. "
            f"Received {images_shape[-1]} channels; use convert_to_yuv=False to code each alone."
        )
