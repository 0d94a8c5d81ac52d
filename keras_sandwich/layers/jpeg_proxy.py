"""A differentiable JPEG: what a picture looks like after the codec, with a gradient."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK, blocks_to_image, image_to_blocks, pad_to_multiple
from keras_sandwich.ops.chroma import downsample_chroma, require_subsampling, upsample_chroma
from keras_sandwich.ops.color import rgb_to_yuv, yuv_to_rgb
from keras_sandwich.ops.dct import dct, inverse_dct
from keras_sandwich.ops.quantization import require_table
from keras_sandwich.ops.rounding import add_uniform_noise, clip, round_straight_through
from keras_sandwich.ops.shapes import require_images

CENTRE = 128.0  # the level shift of T.81 A.3.1, whatever image_max is
ROUNDINGS = ("straight_through", "uniform_noise")


@keras.saving.register_keras_serializable(package="keras_sandwich")
class JpegProxy(keras.layers.Layer):
    """Encodes and decodes images as JPEG does, differentiably.

    Pad → (RGB to YUV) → (chroma subsampling) → 8×8 DCT → quantize → dequantize → inverse DCT → … and back (Guleryuz
    et al., arXiv 2402.05887, section III). Everything is float32 whatever the dtype policy: in bfloat16 the 8-bit
    grid itself would be lost.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")
    images = np.random.default_rng(0).uniform(0, 255, (2, 50, 70, 3)).astype("float32")
    decoded, indices = proxy(images, qstep=8.0)
    assert decoded.shape == (2, 50, 70, 3)
    assert [tuple(i.shape) for i in indices] == [(2, 8, 10, 64), (2, 4, 5, 64), (2, 4, 5, 64)]
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
        rounding: "straight_through", rounding with the gradient of the identity; or "uniform_noise", additive noise
            of one step's width while training and rounding otherwise.
        seed: seed of the noise.

    Call arguments:
        images: [batch, height, width, channels], any size from 1×1, any number of channels; integers are cast.
        qstep: the quantizer step in pixel units, > 0; a scalar, or one per image, [batch].

    Returns:
        decoded: like `images`, float32.
        indices: a list with one tensor [batch, rows, columns, 64] per channel: the quantized coefficients on the
            grid of the padded picture, in raster order within a block (index 8·v + u).

    Raises:
        ValueError: a bad option, table or rank; other than three channels with `convert_to_yuv`; a Python or NumPy
            `qstep` that is not positive.
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
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        require_subsampling(chroma_subsampling)
        if rounding not in ROUNDINGS:
            raise ValueError(
                f"`rounding` must be one of {', '.join(map(repr, ROUNDINGS))}. "
                f"Received rounding={rounding!r}."
            )
        if not image_max > 0:
            raise ValueError(f"`image_max` must be positive. Received image_max={image_max}.")
        self.luma_table = None if luma_table is None else require_table(luma_table, "luma_table")
        self.chroma_table = (
            None if chroma_table is None else require_table(chroma_table, "chroma_table")
        )
        # Luma and chroma, as tuples: PyTorch's compiler breaks where Keras takes an array.
        self._steps_of_kind = tuple(
            tuple(require_table(table, name).ravel().tolist())
            for table, name in ((luma_table, "luma_table"), (chroma_table, "chroma_table"))
        )
        self.convert_to_yuv = convert_to_yuv
        self.chroma_subsampling = chroma_subsampling
        self.clip_to_image_max = clip_to_image_max
        self.image_max = float(image_max)
        self.rounding = rounding
        self.seed = seed
        self._noise_seed = keras.random.SeedGenerator(seed) if rounding == "uniform_noise" else None

    def build(self, images_shape: Any) -> None:
        require_channels(images_shape, self.convert_to_yuv)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # Keras makes tensors of NumPy arguments before `call`; here their values are still known.
        require_positive_qstep(args[1] if len(args) > 1 else kwargs.get("qstep", 1.0))
        return super().__call__(*args, **kwargs)

    def call(self, images: Any, qstep: Any = 1.0, training: bool | None = None) -> tuple[Any, Any]:
        images = require_images(images)
        indices, _ = self.encode(images, qstep, training)
        return self.decode(indices, qstep, ops.shape(images)[1:3]), indices

    def encode(self, images: Any, qstep: Any, training: bool | None = None) -> tuple[Any, Any]:
        """Images to (indices, unrounded indices), each a list with one tensor per channel."""
        images = require_images(images)
        channels = images.shape[-1]
        down, across = require_subsampling(self.chroma_subsampling)
        planes = pad_to_multiple(images, (BLOCK * down, BLOCK * across))
        if self.convert_to_yuv:
            planes = rgb_to_yuv(planes)
        indices: list[Any] = [None] * channels
        unrounded: list[Any] = [None] * channels
        for members in self._groups(channels):
            group = _select(planes, members)
            if members[0] % 3:
                group = downsample_chroma(group, self.chroma_subsampling)
            scaled = dct(image_to_blocks(group - CENTRE)) / self._steps(members, qstep)
            rounded = self._round(scaled, training)
            for place, channel in enumerate(members):
                for blocks, components in ((rounded, indices), (scaled, unrounded)):
                    rows, columns = ops.shape(blocks)[2:4]
                    components[channel] = ops.reshape(blocks[:, place], (-1, rows, columns, 64))
        return indices, unrounded

    def decode(self, indices: Any, qstep: Any, image_size: Any) -> Any:
        """Indices, as `encode` returns them, to images [batch, height, width, channels]."""
        planes: list[Any] = [None] * len(indices)
        for members in self._groups(len(indices)):
            blocks = ops.stack([indices[channel] for channel in members], axis=1)
            _, _, rows, columns, _ = ops.shape(blocks)
            blocks = ops.reshape(blocks, (-1, len(members), rows, columns, BLOCK, BLOCK))
            group = blocks_to_image(inverse_dct(blocks * self._steps(members, qstep))) + CENTRE
            if members[0] % 3:
                group = upsample_chroma(group, self.chroma_subsampling)
            for place, channel in enumerate(members):
                planes[channel] = group[..., place : place + 1]
        images = ops.concatenate(planes, axis=-1) if len(planes) > 1 else planes[0]
        if self.convert_to_yuv:
            images = yuv_to_rgb(images)
        images = images[:, : image_size[0], : image_size[1]]
        return clip(images, 0.0, self.image_max) if self.clip_to_image_max else images

    def _groups(self, channels: int) -> list[list[int]]:
        """Channels that are coded at one size, together: all, or luma and chroma apart."""
        everything = list(range(channels))
        if self.chroma_subsampling == "4:4:4":
            return [everything]
        luma, chroma = everything[::3], [channel for channel in everything if channel % 3]
        return [luma, chroma] if chroma else [luma]

    def _steps(self, members: list[int], qstep: Any) -> Any:
        """table · qstep, to broadcast over [batch, member, rows, columns, 8, 8]."""
        require_positive_qstep(qstep)
        qstep = ops.cast(ops.convert_to_tensor(qstep), "float32")
        if len(qstep.shape) > 1:
            raise ValueError(
                "`qstep` must be a scalar or have one value per image, [batch]. "
                f"Received shape {tuple(qstep.shape)}."
            )
        qstep = ops.reshape(qstep, (-1, 1, 1, 1, 1, 1))
        if self.luma_table is None and self.chroma_table is None:
            return qstep
        tables = [self._steps_of_kind[bool(channel % 3)] for channel in members]
        tables = ops.reshape(ops.convert_to_tensor(tables, "float32"), (1, -1, 1, 1, BLOCK, BLOCK))
        return qstep * tables

    def _round(self, scaled: Any, training: bool | None) -> Any:
        if training and self._noise_seed is not None:
            return add_uniform_noise(scaled, self._noise_seed)
        return round_straight_through(scaled)

    # Keras does not save the state of seed generators; a resumed training would repeat its noise.

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        if self._noise_seed is not None:
            store["noise_seed"] = ops.convert_to_numpy(self._noise_seed.state)

    def load_own_variables(self, store: Any) -> None:
        # `in` alone does not do: a store of Keras 3.5 knows it by `keys` only.
        if self._noise_seed is not None and "noise_seed" in set(store.keys()):
            self._noise_seed.state.assign(np.array(store["noise_seed"]))

    def compute_output_spec(self, images: Any, qstep: Any = 1.0, training: Any = None) -> Any:
        batch, height, width, channels = images.shape
        down, across = require_subsampling(self.chroma_subsampling)

        def grid(size: int | None, factor: int, own: int) -> int | None:
            return None if size is None else -(-size // (BLOCK * factor)) * factor // own

        def component(channel: int) -> Any:
            own = (down, across) if channel % 3 else (1, 1)
            shape = (batch, grid(height, down, own[0]), grid(width, across, own[1]), 64)
            return keras.KerasTensor(shape, dtype="float32")

        decoded = keras.KerasTensor(images.shape, dtype="float32")
        return decoded, [component(channel) for channel in range(channels)]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "luma_table": None if self.luma_table is None else self.luma_table.tolist(),
            "chroma_table": None if self.chroma_table is None else self.chroma_table.tolist(),
            "convert_to_yuv": self.convert_to_yuv,
            "chroma_subsampling": self.chroma_subsampling,
            "clip_to_image_max": self.clip_to_image_max,
            "image_max": self.image_max,
            "rounding": self.rounding,
            "seed": self.seed,
        }


def _select(planes: Any, members: list[int]) -> Any:
    """Some channels of [batch, height, width, channels]."""
    if len(members) == planes.shape[-1]:
        return planes
    return ops.concatenate([planes[..., channel : channel + 1] for channel in members], axis=-1)


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


def require_positive_qstep(qstep: Any, name: str = "qstep") -> None:
    """ValueError if a step known now, in Python or NumPy, is not positive and finite."""
    if isinstance(qstep, (int, float)):  # without NumPy, which PyTorch's compiler would trace
        valid = 0.0 < qstep < float("inf")
    elif isinstance(qstep, (np.number, np.ndarray, list, tuple)):
        values = np.asarray(qstep, "float64")
        valid = bool(np.all(np.isfinite(values)) and np.all(values > 0))
    else:
        return
    if not valid:
        raise ValueError(f"`{name}` must be positive and finite. Received {name}={qstep}.")
