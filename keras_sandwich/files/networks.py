"""The sandwich that a file is written or restored with, and what a file says of it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from keras_sandwich import presets
from keras_sandwich.models.compress_intra import CompressIntraModel
from keras_sandwich.models.compress_video import CompressVideoModel
from keras_sandwich.models.compression_model import CompressionModel
from keras_sandwich.models.depth_processors import DepthPostprocessor
from keras_sandwich.ops.shapes import ceil_multiple
from keras_sandwich.presets.fingerprint import fingerprint

DIGITS = 32  # of the fingerprint's 64, enough to tell any two networks apart
NO_NETWORK = "0" * DIGITS  # a sandwich without a postprocessor
NORMAL_MAP_CHANNELS = 2  # x and y; a file that is restored from them has three
MATERIAL_CHANNELS = 8  # see `pictures.MATERIAL_MAPS`; they become several files
MAX_TRUNCATE_BITS = 8  # more than 16 bits, no file of pixels holds


@dataclass(frozen=True)
class Network:
    """A sandwich for files.

    Attributes:
        model: the sandwich, built.
        fingerprint: 32 hexadecimal digits: which network restores.
        preset: the bundled preset that it is, or None.
        channels: of the pictures, 1 or 3, or of normal maps 2.
        bottleneck_channels: of the coded picture, 1 or 3.
    """

    model: CompressionModel
    fingerprint: str
    preset: str | None
    channels: int
    bottleneck_channels: int

    @property
    def num_truncate_bits(self) -> int:
        """k: the pictures have 8 + k bits."""
        return self.model.num_truncate_bits

    @property
    def downsample_factor(self) -> int:
        """By how much the coded picture is smaller."""
        return int(getattr(self.model.postprocessor, "downsample_factor", 1))

    @property
    def chroma_subsampling(self) -> str | None:
        """What the model's codec proxy carried in training; None where it does not say."""
        return getattr(self._proxy, "chroma_subsampling", None)

    @property
    def _proxy(self) -> Any:
        coder = getattr(self.model.codec_proxy, "intra", self.model.codec_proxy)
        return getattr(coder, "proxy", None)

    @property
    def for_depth(self) -> bool:
        """Whether it restores depth maps."""
        return isinstance(self.model.postprocessor, DepthPostprocessor)

    @property
    def color_transform(self) -> bool:
        """Whether the codec is to code luma and chroma of three channels; False: the channels as they are."""
        converts = bool(getattr(self._proxy, "convert_to_yuv", True))
        return converts or self.bottleneck_channels != 3

    def coded_size(self, output_size: tuple[int, int]) -> tuple[int, int]:
        """(height, width) of the coded picture for one of (height, width)."""
        unit, factor = self.model.macroblock, self.downsample_factor
        height, width = (ceil_multiple(size, unit) // factor for size in output_size)
        return height, width


def load_network(model: Any) -> Network:
    """A `Network` of a model, a bundled preset's name, a preset's folder, or a ".keras" file; a `Network` is itself.

    Raises:
        ValueError: there is no such preset, or the model cannot restore pictures from a file.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, str | os.PathLike):
        path = Path(model)
        model = (
            keras.saving.load_model(path, compile=False)
            if path.suffix == ".keras"
            else CompressIntraModel.from_preset(model)
        )
    if not isinstance(model, CompressIntraModel | CompressVideoModel):
        raise ValueError(
            "`model` must be a CompressIntraModel, the name or folder of a preset, or a .keras file "
            f"of one, or a CompressVideoModel. Received {model!r} of type {type(model).__name__}."
        )
    if len(model.model_keys) > 1:
        raise ValueError(
            "Only one picture goes into a file. Received a model of the keys "
            f"{model.model_keys}; use `keras_sandwich.transport` with a codec."
        )
    channels = int(getattr(model.postprocessor, "output_channels", 3))
    if model.preprocessor is None:  # a decoder alone: what it is given are bottlenecks
        channels = getattr(model.postprocessor, "input_channels", None) or channels
    if not model.built:
        model.build((None,) * (len(model.axes) - 1) + (channels,))
    shapes = model.compute_output_shape((1,) * (len(model.axes) - 3) + (64, 64, channels))
    channels, bottleneck_channels = shapes["prediction"][-1], shapes["bottleneck"][-1]
    material = channels == bottleneck_channels == MATERIAL_CHANNELS
    other = channels in (1, NORMAL_MAP_CHANNELS, 3) and bottleneck_channels in (1, 3)
    if not (material or other):
        raise ValueError(
            "Files hold pictures of 1 or 3 channels, normal maps of 2, or materials of 8. "
            "Received a model of pictures with "
            f"{channels} and bottlenecks with {bottleneck_channels}; use `keras_sandwich.transport`."
        )
    if model.num_truncate_bits > MAX_TRUNCATE_BITS:
        raise ValueError(
            f"Files hold pictures of at most 16 bits. Received num_truncate_bits="
            f"{model.num_truncate_bits}, which is {8 + model.num_truncate_bits} bits."
        )
    after = model.postprocessor
    digits = NO_NETWORK if after is None else fingerprint(after)[:DIGITS]
    return Network(model, digits, bundled_preset(digits), channels, bottleneck_channels)


def bundled_preset(digits: str) -> str | None:
    """The name of the bundled preset whose postprocessor has a fingerprint that begins so, or None."""
    for name in presets.names():
        known = presets.describe(name).get("fingerprints", {}).get("postprocessor") or NO_NETWORK
        if known[:DIGITS] == digits:
            return name
    return None
