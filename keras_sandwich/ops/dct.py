"""The orthonormal 8×8 DCT-II and its inverse, in float32 on any device.

On a CPU a transform is a product with a matrix, two passes over memory. But products run in TF32 on GPUs and in
bfloat16 on TPUs unless the backend is told otherwise, and `keras.ops` cannot tell it. There the transform is sums of
scaled slices, which stay float32 everywhere and which compilers fuse. They work with the axes of the block first:
slices of an inner axis of 8 would be several times slower.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sandwich.ops.blocks import BLOCK
from keras_sandwich.ops.shapes import namespace


def dct_basis(size: int) -> np.ndarray:
    """The orthonormal DCT-II of so many samples: [frequency, sample], float64."""
    sample = np.arange(size)
    basis = np.cos((2 * sample + 1) * sample[:, None] * np.pi / (2 * size)) * np.sqrt(2 / size)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis)


DCT_MATRIX = dct_basis(BLOCK).astype("float32")  # T.81 A.3.3
Weights = Sequence[Sequence[Any]]
_COSINES: list[list[float]] = DCT_MATRIX.tolist()
_FIRST_COLUMN: list[float] = DCT_MATRIX[:, 0].tolist()


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


def products_are_float32(x: Any) -> bool:
    """Whether a matrix product with this tensor is sure to keep float32: where there is no accelerator."""
    if keras.backend.backend() == "torch":
        return x.device.type in ("cpu", "meta")
    return _cpu_alone()


@functools.cache
def _cpu_alone() -> bool:
    return all(name.lower().startswith("cpu") for name in keras.distribution.list_devices())


def _both_ways(blocks: Any, transform: Callable[[list[Any]], list[Any]]) -> Any:
    return transform_blocks(blocks, [(1, transform), (0, transform)])


def _matrix() -> Any:
    """`DCT_MATRIX`, on PyTorch as a tensor.

    Its compiler breaks where Keras takes an array, and traces a list for 50 ms a number: here are only eight, the
    others being the same with a sign.
    """
    if keras.backend.backend() != "torch":
        return DCT_MATRIX
    line = ops.arange(BLOCK, dtype="int32")
    angle = line[:, None] * (2 * line + 1) % 32  # in 32nds of a turn
    angle = ops.minimum(angle, 32 - angle)
    magnitudes = ops.convert_to_tensor(_FIRST_COLUMN, "float32")[ops.minimum(angle, 16 - angle)]
    return magnitudes * ops.sign(ops.cast(8 - angle, "float32"))


def eye(size: int) -> Any:
    """The identity, float32: a NumPy array, on PyTorch a tensor."""
    return namespace().eye(size, dtype="float32")


def product(x: Any, left: Any, right: Any) -> Any:
    """x, in rows of the right length, times the Kronecker product of two matrices."""
    size = left.shape[0] * right.shape[0]
    matrix = left[:, None, :, None] * right[None, :, None, :]
    matrix = ops.convert_to_tensor(matrix.reshape(size, size), "float32")
    return ops.matmul(ops.reshape(x, (-1, size)), matrix)


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
    blocks = ops.convert_to_tensor(blocks, "float32")
    if not products_are_float32(blocks):
        return _both_ways(blocks, frequencies_of)
    # Two rows at once, as a matrix of 8×8 is too small to be fast. Both axes at once would be a sum of 64 terms, with
    # thrice the error of sums of 8.
    transposed = _matrix().T
    rows = product(blocks, eye(2), transposed)
    return ops.reshape(product(rows, transposed, eye(BLOCK)), ops.shape(blocks))


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
    coefficients = ops.convert_to_tensor(coefficients, "float32")
    return _both_ways(coefficients, samples_of)


def inverse_dct_at_once(coefficients: Any) -> Any:
    """The inverse of `dct`, faster and with thrice the error: for what is small beside the samples."""
    if not products_are_float32(coefficients):
        return _both_ways(coefficients, samples_of)
    matrix = _matrix()
    return ops.reshape(product(coefficients, matrix, matrix), ops.shape(coefficients))
