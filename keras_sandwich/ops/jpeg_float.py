"""The stages of the codec proxy in float32, with their gradients; `ops.jpeg_libjpeg` has the same ones in integers."""

from typing import Any

from keras_sandwich.ops import chroma
from keras_sandwich.ops.blocks import BLOCK, blocks_to_image, image_to_blocks, pad_to_multiple
from keras_sandwich.ops.color import rgb_to_yuv, yuv_to_rgb
from keras_sandwich.ops.dct import dct, inverse_dct

CENTRE = 128.0  # the level shift of T.81 A.3.1, whatever image_max is


def to_planes(images: Any, convert_to_yuv: bool, chroma_subsampling: str) -> Any:
    """Images, mirrored to whole MCUs, as what is coded."""
    down, across = chroma.require_subsampling(chroma_subsampling)
    planes = pad_to_multiple(images, (BLOCK * down, BLOCK * across))
    return rgb_to_yuv(planes) if convert_to_yuv else planes


def downsample_chroma(planes: Any, chroma_subsampling: str) -> Any:
    """Planes of full size to the size at which chroma is coded."""
    return chroma.downsample_chroma(planes, chroma_subsampling)


def encode_planes(planes: Any, steps: Any) -> Any:
    """Planes to unrounded indices [batch, c, rows, columns, 8, 8]."""
    return dct(image_to_blocks(planes - CENTRE)) / steps


def decode_planes(indices: Any, steps: Any) -> Any:
    """Indices to planes [batch, 8·rows, 8·columns, c]."""
    return blocks_to_image(inverse_dct(indices * steps)) + CENTRE


def upsample_chroma(planes: Any, chroma_subsampling: str, size: Any) -> Any:
    """Decoded chroma to the (height, width) of the picture."""
    return chroma.upsample_chroma(planes, chroma_subsampling)[:, : size[0], : size[1]]


def to_images(planes: Any, convert_to_yuv: bool) -> Any:
    """Decoded planes to images, not clipped."""
    return yuv_to_rgb(planes) if convert_to_yuv else planes
