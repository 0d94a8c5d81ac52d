"""The stages of the codec proxy as libjpeg computes them with its default settings, integer for integer.

The "islow" transforms, 16-bit fixed-point colour, box-filtered chroma that comes back by "fancy" upsampling, in int32;
the transforms as products of matrices where those keep float32. Every sum below is exact, so the order of the terms is
free; what must be kept is where libjpeg rounds. Nothing here has a gradient: that is `ops.jpeg_float`'s, which has the
same stages.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK, cut_plane, join_blocks
from keras_sandwich.ops.chroma import require_subsampling
from keras_sandwich.ops.dct import (
    eye,
    frequencies_of,
    product,
    products_are_float32,
    samples_of,
    transform_blocks,
)
from keras_sandwich.ops.shapes import ceil_divide, ceil_multiple, namespace, take

CENTRE = 128
LARGEST = 255


def to_planes(channels: Sequence[Any], convert_to_yuv: bool, chroma_subsampling: str) -> list[Any]:
    """Channels, rounded and clipped to 0…255, as what is coded: int32 planes."""
    samples = [ops.cast(_clamp(ops.round(channel)), "int32") for channel in channels]
    return _rgb_to_ycc(*samples) if convert_to_yuv else samples


def to_channels(planes: Sequence[Any], convert_to_yuv: bool) -> list[Any]:
    """Decoded planes to float32 channels."""
    planes = _ycc_to_rgb(*planes) if convert_to_yuv else planes
    return [ops.cast(plane, "float32") for plane in planes]


def _clamp(samples: Any) -> Any:
    return ops.clip(samples, 0, LARGEST)


def _descale(values: Any, bits: int) -> Any:
    """values / 2^bits, rounded half up."""
    return ops.right_shift(values + (1 << (bits - 1)), bits)


# Colour: JFIF in 16-bit fixed point

_COLOR_BITS = 16


def _fixed(value: float, bits: int) -> int:
    return round(value * (1 << bits))


# Five decimals, as jccolor.c and jdcolor.c have them: more would round to other integers.
_color = partial(_fixed, bits=_COLOR_BITS)
_R_Y, _G_Y, _B_Y = _color(0.299), _color(0.587), _color(0.114)
_R_CB, _G_CB = _color(0.16874), _color(0.33126)
_G_CR, _B_CR = _color(0.41869), _color(0.08131)
_CR_R, _CB_B = _color(1.402), _color(1.772)
_CB_G, _CR_G = _color(0.34414), _color(0.71414)
_HALF = 1 << (_COLOR_BITS - 1)


def _rgb_to_ycc(r: Any, g: Any, b: Any) -> list[Any]:
    # One less than a half: 128.5 must not become 256 (jccolor.c).
    offset = (CENTRE << _COLOR_BITS) + _HALF - 1
    y = _R_Y * r + _G_Y * g + _B_Y * b + _HALF
    cb = _HALF * b - _R_CB * r - _G_CB * g + offset
    cr = _HALF * r - _G_CR * g - _B_CR * b + offset
    return [ops.right_shift(plane, _COLOR_BITS) for plane in (y, cb, cr)]


def _ycc_to_rgb(y: Any, cb: Any, cr: Any) -> list[Any]:
    cb, cr = cb - CENTRE, cr - CENTRE
    shifts = (_CR_R * cr, -_CB_G * cb - _CR_G * cr, _CB_B * cb)
    return [_clamp(y + _descale(shift, _COLOR_BITS)) for shift in shifts]


# Chroma


def _apart(joined: Any, planes: Sequence[Any]) -> list[Any]:
    """Planes that were joined along the batch, to be worked on together."""
    return ops.split(joined, len(planes), axis=0) if len(planes) > 1 else [joined]


def _replicated(planes: Any, height: Any, width: Any) -> Any:
    """Grown at bottom and right by repeating the last row and the last column."""
    for axis, padded in ((1, height), (2, width)):
        size = ops.shape(planes)[axis]
        if isinstance(size, int) and isinstance(padded, int) and size == padded:
            continue
        xp = namespace(size, padded)
        index = xp.minimum(xp.arange(padded, dtype="int32"), size - 1)
        planes = take(planes, index, axis)
    return planes


def downsample_chroma(planes: Sequence[Any], chroma_subsampling: str) -> list[Any]:
    """int32 planes to ⌈height/down⌉ × whole blocks of columns.

    A box filter whose rounding bias alternates along the row.
    """
    down, across = require_subsampling(chroma_subsampling)
    if across == 1:
        return list(planes)
    joined = ops.concatenate(planes, axis=0)
    _, height, width = ops.shape(joined)
    rows, columns = ceil_divide(height, down), ceil_multiple(ceil_divide(width, across), BLOCK)
    joined = _replicated(joined, rows * down, columns * across)
    # Slices, as PyTorch sums integers of short axes ten times as slowly.
    lines = ops.reshape(joined, (-1, rows, down, columns * across))
    sums = lines[:, :, 0] + lines[:, :, 1] if down == 2 else lines[:, :, 0]
    pairs = ops.reshape(sums, (-1, rows, columns // 2, 2, across))
    # 0, 1 for pairs of samples, 1, 2 for boxes of four.
    bias = ops.convert_to_tensor([down - 1, down], "int32")
    sums = pairs[..., 0] + pairs[..., 1] + bias
    means = ops.right_shift(sums, (down * across).bit_length() - 1)
    return _apart(ops.reshape(means, (-1, rows, columns)), planes)


def _neighbours(planes: Any, axis: int, plain: Any) -> tuple[Any, Any]:
    """The samples before and after each, along an axis; at the edges the sample itself.

    Where `plain` is true, which may be known only when the graph runs, the sample itself everywhere: the weighted
    means below then give it back unchanged.
    """
    if plain is True:
        return planes, planes
    ahead, behind = [slice(None)] * 3, [slice(None)] * 3
    ahead[axis], behind[axis] = slice(0, 1), slice(-1, None)
    most, rest = list(ahead), list(ahead)
    most[axis], rest[axis] = slice(0, -1), slice(1, None)
    before = ops.concatenate([planes[tuple(ahead)], planes[tuple(most)]], axis=axis)
    after = ops.concatenate([planes[tuple(rest)], planes[tuple(behind)]], axis=axis)
    if plain is False:
        return before, after
    return ops.where(plain, planes, before), ops.where(plain, planes, after)


def _interleave(even: Any, odd: Any, axis: int) -> Any:
    _, height, width = ops.shape(even)
    size = (-1, 2 * height, width) if axis == 1 else (-1, height, 2 * width)
    return ops.reshape(ops.stack([even, odd], axis=axis + 1), size)


def _triangle(planes: Any, axis: int, plain: Any, biases: tuple[int, int], bits: int) -> Any:
    """Twice as long along an axis: 3 parts of the nearer sample, 1 of the farther."""
    before, after = _neighbours(planes, axis, plain)
    nearer = 3 * planes
    even = ops.right_shift(nearer + before + biases[0], bits)
    odd = ops.right_shift(nearer + after + biases[1], bits)
    return _interleave(even, odd, axis)


def upsample_chroma(planes: Sequence[Any], chroma_subsampling: str, size: Any) -> list[Any]:
    """Decoded chroma to the (height, width) of the picture: libjpeg's "fancy" upsampling."""
    down, across = require_subsampling(chroma_subsampling)
    rows, columns = ceil_divide(size[0], down), ceil_divide(size[1], across)
    # What pads the blocks is nobody's neighbour.
    joined = ops.concatenate([plane[:, :rows, :columns] for plane in planes], axis=0)
    plain = columns <= 2  # the triangle filter needs three columns
    if across == 2 and down == 1:
        joined = _triangle(joined, 2, plain, (1, 2), 2)
    elif across == 2:
        joined = _triangle(joined, 1, plain, (0, 0), 0)
        joined = _triangle(joined, 2, plain, (8, 7), 4)
    return _apart(joined[:, : size[0], : size[1]], planes)


# Transform: the "islow" DCT

_DCT_BITS = 13
_PASS_BITS = 2  # that the first pass keeps below the integers
_SCALE = 8  # of the coefficients, over those of the orthonormal transform


def _islow_weights() -> list[list[int]]:
    """[frequency, sample]: the DCT's cosines times √8 in 13 bits, as the "islow" factorization makes them.

    Loeffler, Ligtenberg and Moschytz (ICASSP 1989) compute the weights as sums of few constants; libjpeg rounds the
    constants, so that some weights are one off the rounded cosine.
    """
    c = np.sqrt(2.0) * np.cos(np.arange(BLOCK) * np.pi / 16)
    fixed = partial(_fixed, bits=_DCT_BITS)
    one, near = 1 << _DCT_BITS, fixed(c[6])
    far, nearest = near + fixed(c[2] - c[6]), near - fixed(c[2] + c[6])
    even = [
        [one, one, one, one],
        [far, near, -near, -far],
        [one, -one, -one, one],
        [near, nearest, -nearest, -near],
    ]
    # Frequencies 7, 5, 3, 1 of samples 3, 2, 1, 0: a symmetric matrix.
    odd = np.full((4, 4), fixed(c[3]))
    for pair, weight in (
        ((0, 3), c[3] - c[7]),
        ((1, 2), c[1] + c[3]),
        ((0, 2), c[3] + c[5]),
        ((1, 3), c[3] - c[5]),
    ):
        odd[np.ix_(pair, pair)] -= fixed(weight)
    for place, signs in enumerate(((-1, 1, 1, -1), (1, 1, -1, 1), (1, 1, 1, -1), (1, 1, -1, -1))):
        odd[place, place] += fixed(float(np.dot(signs, c[1::2])))
    half = np.empty((BLOCK, 4), "int64")
    half[0::2], half[1::2] = even, odd[::-1, ::-1]
    mirror = np.where(np.arange(BLOCK) % 2, -1, 1)[:, None] * half[:, ::-1]
    weights: list[list[int]] = np.concatenate([half, mirror], axis=1).tolist()
    return weights


_WEIGHTS = _islow_weights()
_LEFT_WEIGHTS = [line[: BLOCK // 2] for line in _WEIGHTS]


def _matrix() -> Any:
    """`_WEIGHTS` in float32; on PyTorch a tensor, of its left half: its compiler takes 50 ms for a number of a list."""
    if keras.backend.backend() != "torch":
        return np.array(_WEIGHTS, "float32")
    left = ops.convert_to_tensor(_LEFT_WEIGHTS, "float32")
    signs = 1 - 2 * (ops.arange(BLOCK, dtype="float32") % 2)
    return ops.concatenate([left, signs[:, None] * ops.flip(left, axis=1)], axis=1)


_Transform = Callable[[list[Any], Any], list[Any]]
# (axis, bits to drop): axis 1 lies along the rows, which come first when encoding; columns do when decoding.
_FORWARD = ((1, _DCT_BITS - _PASS_BITS), (0, _DCT_BITS + _PASS_BITS))
_INVERSE = ((0, _DCT_BITS - _PASS_BITS), (1, _DCT_BITS + _PASS_BITS + 3))
_PART_BITS = 7


def _transformed(
    planes: list[Any], transform: _Transform, passes: Sequence[tuple[int, int]]
) -> list[Any]:
    """The blocks of each plane, whole numbers in float32, after both passes."""
    if not products_are_float32(planes[0]):
        lines = [(axis, _pass_of_lines(transform, bits)) for axis, bits in passes]
        planes = [transform_blocks(ops.cast(blocks, "int32"), lines) for blocks in planes]
        return [ops.cast(blocks, "float32") for blocks in planes]
    parts = _parts_of_weights(transform)
    shapes = [ops.shape(blocks) for blocks in planes]
    for axis, bits in passes:
        planes = [_pass_of_products(blocks, parts, axis, bits) for blocks in planes]
    return [ops.reshape(*each) for each in zip(planes, shapes, strict=True)]


def _pass_of_lines(transform: _Transform, bits: int) -> Callable[[list[Any]], list[Any]]:
    return lambda line: [_descale(value, bits) for value in transform(line, _WEIGHTS)]


def _parts_of_weights(transform: _Transform) -> tuple[Any, Any]:
    """high and low of the weights, 128 · high + low, as matrices to multiply lines with.

    Products with either are sums of whole numbers below 2^24, exact in float32, as long as the blocks stay below
    2^14: they do, twice over.
    """
    xp, unit = namespace(), eye(BLOCK)
    # No list, which PyTorch's compiler would trace for seconds: a transform's matrix is what it makes of the unit's.
    weights = xp.stack(transform([unit[k] for k in range(BLOCK)], _WEIGHTS), axis=1)
    high = xp.floor(weights * 2.0**-_PART_BITS + 0.5)
    return high, weights - high * 2.0**_PART_BITS


def _pass_of_products(blocks: Any, parts: tuple[Any, Any], axis: int, bits: int) -> Any:
    """`_descale` of the products with the weights, by their parts."""
    unit = 2.0 ** (_PART_BITS - bits)
    high, low = [
        product(blocks, *((eye(2), part) if axis == 1 else (part, eye(BLOCK))))
        for part in (parts[0] * unit, parts[1] * 2.0**-_PART_BITS)
    ]
    return ops.floor(high + (ops.floor(low) * unit + 0.5))


# Planes and indices


def encode_planes(planes: Sequence[Any], steps: Sequence[Any]) -> list[Any]:
    """Planes of one size to unrounded indices, float32 [batch, ⌈height/8⌉, ⌈width/8⌉, 8, 8].

    libjpeg rounds halves away from zero and `ops.round` to even: here a half lies a little nearer to its index, so
    that rounding the result, in any way, gives libjpeg's index.

    Args:
        planes: int32 [batch, height, width] in 0…255.
        steps: whole numbers from 1 to 255 in float32 that broadcast with the indices.
    """
    _, height, width = ops.shape(planes[0])
    size = ceil_multiple(height, BLOCK), ceil_multiple(width, BLOCK)
    blocks = [cut_plane(ops.cast(_replicated(plane, *size), "float32")) for plane in planes]
    coefficients = _transformed([x - CENTRE for x in blocks], frequencies_of, _FORWARD)
    return [_divided(*each) for each in zip(coefficients, steps, strict=True)]


def _divided(coefficients: Any, steps: Any) -> Any:
    divisors = _SCALE * steps
    # All are whole numbers below 2^24; the half keeps clear of how a device rounds a division.
    magnitudes = ops.floor((ops.abs(coefficients) + (divisors / 2 + 0.5)) / divisors)
    indices = ops.sign(coefficients) * magnitudes
    return indices + ops.clip(coefficients / divisors - indices, -0.499, 0.499)


def decode_planes(indices: Sequence[Any], steps: Sequence[Any]) -> list[Any]:
    """Indices, whole numbers, of planes of one size to int32 [batch, 8·rows, 8·columns] in 0…255."""
    coefficients = [index * step for index, step in zip(indices, steps, strict=True)]
    planes = [join_blocks(blocks) for blocks in _transformed(coefficients, samples_of, _INVERSE)]
    return [ops.cast(_clamp(plane + CENTRE), "int32") for plane in planes]
