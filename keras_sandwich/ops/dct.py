"""The orthonormal 8×8 DCT-II and its inverse, in float32 on any device.

A matrix product would run in TF32 on GPUs and in bfloat16 on TPUs unless the backend is told otherwise, and
`keras.ops` cannot tell it; sums of scaled slices stay float32 everywhere, and compilers fuse them. They work with the
axes of the block first: slices of an inner axis of 8 would be several times slower.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK

_sample = np.arange(BLOCK)
_DCT = np.cos((2 * _sample[None, :] + 1) * _sample[:, None] * np.pi / 16) / 2
_DCT[0] /= np.sqrt(2)
DCT_MATRIX = _DCT.astype("float32")  # [frequency, sample]; T.81 A.3.3
Weights = Sequence[Sequence[Any]]
_COSINES: list[list[float]] = DCT_MATRIX.tolist()


def _weighted_sum(terms: list[Any], weights: Sequence[Any]) -> Any:
    """Of four terms, pairwise: shorter rounding chains."""
    a, b, c, d = (term * weight for term, weight in zip(terms, weights, strict=True))
    return (a + b) + (c + d)


def frequencies_of(samples: list[Any], weights: Weights = _COSINES) -> list[Any]:
    """Eight samples to eight frequencies; the cosines of even ones are symmetric, of odd ones antisymmetric."""
    mirrored = list(zip(samples[:4], samples[:3:-1], strict=True))
    sums, differences = [a + b for a, b in mirrored], [a - b for a, b in mirrored]
    return [
        _weighted_sum(differences if frequency % 2 else sums, weights[frequency][:4])
        for frequency in range(BLOCK)
    ]


def samples_of(frequencies: list[Any], weights: Weights = _COSINES) -> list[Any]:
    """Eight frequencies to eight samples."""
    of_sample = list(zip(*weights, strict=True))
    even = [_weighted_sum(frequencies[0::2], of_sample[sample][0::2]) for sample in range(4)]
    odd = [_weighted_sum(frequencies[1::2], of_sample[sample][1::2]) for sample in range(4)]
    first = [e + o for e, o in zip(even, odd, strict=True)]
    return first + [e - o for e, o in zip(even[::-1], odd[::-1], strict=True)]


def transform_blocks(
    blocks: Any, passes: Sequence[tuple[int, Callable[[list[Any]], list[Any]]]]
) -> Any:
    """[..., 8, 8] after each (axis, transform) in turn: axis 1 lies along the rows, 0 along the columns."""
    rank = len(blocks.shape)
    x = ops.transpose(blocks, (rank - 2, rank - 1, *range(rank - 2)))
    for axis, transform in passes:
        x = ops.stack(transform(ops.unstack(x, BLOCK, axis=axis)), axis=axis)
    return ops.transpose(x, (*range(2, rank), 0, 1))


def _both_ways(blocks: Any, transform: Callable[[list[Any]], list[Any]]) -> Any:
    blocks = ops.cast(ops.convert_to_tensor(blocks), "float32")
    return transform_blocks(blocks, [(1, transform), (0, transform)])


def dct(blocks: Any) -> Any:
    """The orthonormal two-dimensional DCT-II of 8×8 blocks (T.81 A.3.3).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    coefficients = ks.ops.dct(np.full((1, 8, 8), 10.0, "float32"))
    assert abs(float(coefficients[0, 0, 0]) - 80.0) < 1e-4
    ```

    Args:
        blocks: [..., 8, 8], rows and columns of samples.

    Returns:
        [..., 8, 8]: vertical frequency v, horizontal frequency u. float32.
    """
    return _both_ways(blocks, frequencies_of)


def inverse_dct(coefficients: Any) -> Any:
    """The inverse of `dct`.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    blocks = np.random.default_rng(0).random((4, 8, 8), "float32")
    assert np.allclose(ks.ops.inverse_dct(ks.ops.dct(blocks)), blocks, atol=1e-5)
    ```

    Args:
        coefficients: [..., 8, 8]: vertical frequency, horizontal frequency.

    Returns:
        [..., 8, 8] samples. float32.
    """
    return _both_ways(coefficients, samples_of)
