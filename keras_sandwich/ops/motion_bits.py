"""What motion costs: the bits of displacements, as H.264 writes them with Exp-Golomb codes."""

from typing import Any

from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.ops.shapes import require_images

PRECISIONS = (1, 2, 4)
NEIGHBOURS = ("left", "above", "above right")
_LARGEST = 17  # bits of a code number: displacements up to 2^15 units


def motion_bits(vectors: Any, precision: int = 4, coded: Any = None) -> Any:
    """The bits of the displacements of a frame's blocks.

    Each component is the signed Exp-Golomb code (ITU-T H.264, 9.1.1) of its difference to the median of the
    neighbours on the left, above, and above on the right (8.4.1.3; on the left where there is none on the right).
    Without a gradient.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    moving = np.full((1, 2, 3, 2), 1.5, "float32")  # all the same: only the first block's costs
    assert float(ks.ops.motion_bits(moving)[0]) == 2 * 7 + 5 * 2 * 1
    ```

    Args:
        vectors: [batch, rows, columns, 2], in pixels, multiples of 1/precision.
        precision: 1, 2 or 4.
        coded: whether each block's displacement is written, [batch, rows, columns], booleans or 0 and 1; None: all
            are. Others cost nothing and predict nothing.

    Returns:
        [batch] float32.

    Raises:
        ValueError: another rank, or another precision.
    """
    require_option(precision, PRECISIONS, "precision")
    vectors = ops.stop_gradient(require_images(vectors, "vectors"))
    units = ops.cast(ops.round(vectors * precision), "int32")
    coded = ops.ones_like(units[..., 0]) if coded is None else ops.cast(coded, "int32")
    units = units * coded[..., None]
    left, above, right = (_neighbour(coded[..., None], which) for which in NEIGHBOURS)
    at_left, at_above, at_right = (_neighbour(units, which) for which in NEIGHBOURS)
    largest = ops.maximum(ops.maximum(at_left, at_above), at_right)
    smallest = ops.minimum(ops.minimum(at_left, at_above), at_right)
    together = at_left + at_above + at_right  # those that are not there count as zero
    median = together - largest - smallest
    predicted = ops.where(left + above + right == 1, together, median)
    bits = signed_bits(units - predicted) * coded[..., None]
    return ops.cast(ops.sum(bits, axis=(1, 2, 3)), "float32")


def _neighbour(blocks: Any, which: str) -> Any:
    """What each block's neighbour holds; zero where there is none."""
    before = ops.pad(blocks, ((0, 0), (0, 0), (1, 0), (0, 0)))[:, :, :-1]
    if which == "left":
        return before
    above = ops.pad(blocks, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]
    if which == "above":
        return above
    # The last column has no neighbour on the right: that above on the left stands for it.
    left_above = ops.pad(before, ((0, 0), (1, 0), (0, 0), (0, 0)))[:, :-1]
    return ops.concatenate([above[:, :, 1:], left_above[:, :, -1:]], axis=2)


def signed_bits(values: Any) -> Any:
    """The lengths of the signed Exp-Golomb codes of int32 numbers."""
    # Code number k = 2|v| − 1 for v > 0, else 2|v|; 2·⌊log2(k + 1)⌋ + 1 bits, counted in whole numbers.
    number = 2 * ops.abs(values) + 1 - ops.cast(values > 0, "int32")
    lengths = sum(ops.cast(number >= 2**power, "int32") for power in range(1, _LARGEST))
    return 2 * lengths + 1
