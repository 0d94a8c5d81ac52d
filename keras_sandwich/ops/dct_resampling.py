"""Pictures made smaller and larger in the DCT domain: fewer coefficients of larger blocks.

A block of 8f×8f pixels keeps the 64 coefficients nearest to DC, u² + v² smallest, which become the coefficients of one
8×8 block of the small picture. Most of them are in their own places; those that lie outside the small block's square
take the places of its highest ones, which are left out. Unlike a filter this loses no coefficient twice: what a block
codec quantizes is what the large picture is made of.
"""

from functools import cache
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK, depth_to_space, space_to_depth
from keras_sandwich.ops.dct import dct_basis
from keras_sandwich.ops.quantization import ZIGZAG
from keras_sandwich.ops.shapes import require_images


def kept_coefficients(factor: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Which (v, u) of a block of 8·factor pixels a side goes to which (v, u) of an 8×8 block."""
    size = BLOCK * factor
    every = [(v, u) for v in range(size) for u in range(size)]
    # Of equally near ones those in the square first; then in the order of rows.
    nearest = sorted(every, key=lambda c: (c[0] ** 2 + c[1] ** 2, max(c) >= BLOCK, c))[: BLOCK**2]
    inside = [place for place in nearest if max(place) < BLOCK]
    outside = [place for place in nearest if max(place) >= BLOCK]
    scan = [divmod(int(index), BLOCK) for index in ZIGZAG]
    free = [place for place in scan if place not in set(inside)]
    return [(place, place) for place in inside] + list(zip(outside, free, strict=True))


@cache
def dct_reduction(factor: int) -> np.ndarray:
    """The matrix from the pixels of a block, [(8·factor)², 64] in raster order, to those of the small block. float32.

    Its transpose times factor² is the way back. A constant stays as it is.
    """
    large, small = dct_basis(BLOCK * factor), dct_basis(BLOCK)
    matrix = np.zeros(((BLOCK * factor) ** 2, BLOCK**2))
    for (v, u), (row, column) in kept_coefficients(factor):
        pixels, samples = np.outer(large[v], large[u]), np.outer(small[row], small[column])
        matrix += np.outer(pixels, samples) / factor
    return matrix.astype("float32")


def reduce_by_dct(images: Any, factor: int) -> Any:
    """Makes images smaller in the DCT domain.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    half = ks.ops.reduce_by_dct(np.full((1, 32, 48, 3), 90.0, "float32"), 2)
    assert half.shape == (1, 16, 24, 3) and np.allclose(half, 90.0, atol=1e-3)
    ```

    Args:
        images: [batch, height, width, channels], height and width multiples of 8·factor.
        factor: a positive integer.

    Returns:
        [batch, height/factor, width/factor, channels] float32.

    Raises:
        ValueError: a known height or width that is no such multiple.
    """
    return _by_blocks(require_images(images), BLOCK * factor, BLOCK, dct_reduction(factor))


def enlarge_by_dct(images: Any, factor: int) -> Any:
    """Makes images larger in the DCT domain: the way back from `reduce_by_dct`, with zeros for what it left out.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    small = np.random.default_rng(0).uniform(0, 255, (1, 16, 8, 1)).astype("float32")
    again = ks.ops.reduce_by_dct(ks.ops.enlarge_by_dct(small, 2), 2)
    assert np.allclose(again, small, atol=1e-3)
    ```

    Args:
        images: [batch, height, width, channels], height and width multiples of 8.
        factor: a positive integer.

    Returns:
        [batch, height·factor, width·factor, channels] float32.

    Raises:
        ValueError: a known height or width that is no such multiple.
    """
    matrix = dct_reduction(factor).T * factor**2
    return _by_blocks(require_images(images), BLOCK, BLOCK * factor, matrix)


def _by_blocks(images: Any, size: int, new_size: int, matrix: np.ndarray) -> Any:
    """Each block of each channel, as a row of pixels, times a matrix."""
    _, *sizes, channels = images.shape
    if any(known is not None and known % size for known in sizes):
        raise ValueError(
            f"Height and width must be multiples of {size} to be resampled in the DCT domain. Received "
            f"{sizes[0]}×{sizes[1]}; pad the images with `pad_to_multiple(images, {size})` first."
        )
    blocks = space_to_depth(images, size)
    _, rows, columns, _ = ops.shape(blocks)
    pixels = ops.reshape(blocks, (-1, rows, columns, size * size, channels))
    table = ops.convert_to_tensor(matrix, "float32")
    changed = ops.einsum("brcpk,pq->brcqk", pixels, table)
    return depth_to_space(
        ops.reshape(changed, (-1, rows, columns, new_size * new_size * channels)), new_size
    )
