"""The stages of the codec proxy in float32, with their gradients; `ops.jpeg_libjpeg` has the same ones in integers.

A channel of a picture and a plane of what is coded are [batch, height, width]; those of a picture are a list. One by
one, since on a CPU what fits its cache takes a fraction of the time. Chroma is centred at 0.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

from keras_sandwich.ops import chroma, color
from keras_sandwich.ops.blocks import BLOCK, cut_plane, join_blocks
from keras_sandwich.ops.dct import dct, inverse_dct, inverse_dct_at_once
from keras_sandwich.ops.shapes import ceil_multiple, pad_bottom_right

CENTRE = 128.0  # the level shift of T.81 A.3.1, whatever image_max is


def to_planes(channels: Sequence[Any], convert_to_yuv: bool, chroma_subsampling: str) -> list[Any]:
    """Channels, mirrored to whole MCUs, as planes of full size around 0."""
    down, across = chroma.require_subsampling(chroma_subsampling)
    _, height, width = ops.shape(channels[0])
    size = ceil_multiple(height, BLOCK * down), ceil_multiple(width, BLOCK * across)
    channels = [pad_bottom_right(channel, *size, repeat_edge=True) for channel in channels]
    if not convert_to_yuv:
        return [channel - CENTRE for channel in channels]
    luma, cb, cr = color.luma_and_differences(*channels)
    return [luma - CENTRE, cb, cr]


def downsample_chroma(planes: Sequence[Any], chroma_subsampling: str) -> list[Any]:
    """Planes of full size to the size at which chroma is coded."""
    return [chroma.downsample_plane(plane, chroma_subsampling) for plane in planes]


def encode_planes(planes: Sequence[Any], steps: Sequence[Any]) -> list[Any]:
    """Planes to unrounded indices [batch, rows, columns, 8, 8]."""
    # Multiplied, since the gradient of a division takes more passes.
    return [dct(cut_plane(plane)) * (1.0 / step) for plane, step in zip(planes, steps, strict=True)]


def decode_planes(indices: Sequence[Any], steps: Sequence[Any]) -> list[Any]:
    """Indices to planes [batch, 8·rows, 8·columns]."""
    return [
        join_blocks(inverse_dct(index * step)) for index, step in zip(indices, steps, strict=True)
    ]


def decode_remainders(remainders: Sequence[Any]) -> list[Any]:
    """What was added to unrounded indices, in steps, as what it adds to the planes, in steps."""
    return [join_blocks(inverse_dct_at_once(remainder)) for remainder in remainders]


def upsample_chroma(planes: Sequence[Any], chroma_subsampling: str, size: Any) -> list[Any]:
    """Decoded chroma to the (height, width) of the picture."""
    return [
        chroma.upsample_plane(plane, chroma_subsampling)[:, : size[0], : size[1]]
        for plane in planes
    ]


def to_channels(planes: Sequence[Any], convert_to_yuv: bool) -> list[Any]:
    """Decoded planes to channels, not clipped."""
    if not convert_to_yuv:
        return [plane + CENTRE for plane in planes]
    luma, cb, cr = planes
    return color.red_green_blue(luma + CENTRE, cb, cr)
