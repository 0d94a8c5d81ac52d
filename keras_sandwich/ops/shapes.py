"""Shapes that may be known now or only when the graph runs.

Index tables are built from sizes. A size is a Python `int` wherever the backend knows it, which makes
the table a NumPy constant; under TensorFlow an unknown size is a scalar tensor and the same formulas
are evaluated by `keras.ops`, as they are on PyTorch, whose compiler traces into NumPy and then breaks
where Keras takes an array. Each formula is therefore written once, over a namespace.
"""

from typing import Any

import keras
import numpy as np
from keras import ops


def namespace(*sizes: Any) -> Any:
    """The module to build an index table with: NumPy where the sizes are known, else `keras.ops`."""
    known = all(isinstance(size, int) for size in sizes)
    return np if known and keras.backend.backend() != "torch" else ops


def arange(size: Any) -> Any:
    """0, 1, …, size − 1 as float32, for a known or an unknown size."""
    xp = namespace(size)
    return xp.arange(size, dtype="float32")


def ceil_divide(size: Any, divisor: int) -> Any:
    """size/divisor, rounded up, without negative numbers: ONNX divides them towards zero."""
    return (size + divisor - 1) // divisor


def ceil_multiple(size: Any, multiple: int) -> Any:
    """The smallest multiple of `multiple` that is not below `size`."""
    return ceil_divide(size, multiple) * multiple


def mirrored_indices(size: Any, padded: Any, repeat_edge: bool) -> Any:
    """Indices that read a row of `size` samples as one of `padded` samples, mirrored at its end.

    `repeat_edge=True` is "symmetric" padding (… b c c b …), False is "reflect" (… b c b …).
    """
    xp = namespace(size, padded)
    if xp is np:
        index = np.arange(padded, dtype="int32")
        if repeat_edge:
            index = index % (2 * size)
            return np.minimum(index, 2 * size - 1 - index).astype("int32")
        period = max(2 * size - 2, 1)
        index = index % period
        return np.minimum(index, period - index).astype("int32")
    index = ops.arange(padded, dtype="int32")
    if repeat_edge:
        index = index % (2 * size)
        return ops.cast(ops.minimum(index, 2 * size - 1 - index), "int32")
    period = ops.maximum(2 * size - 2, 1)
    index = index % period
    return ops.cast(ops.minimum(index, period - index), "int32")


def pad_bottom_right(images: Any, height: Any, width: Any, repeat_edge: bool) -> Any:
    """Grow [batch, h, w, channels] to `height` × `width` by mirroring at the bottom and the right.

    `ops.pad(mode="symmetric")` pads with the edge alone on torch, hence the gathers.
    """
    for axis, padded in ((1, height), (2, width)):
        size = ops.shape(images)[axis]
        if isinstance(size, int) and isinstance(padded, int) and size == padded:
            continue
        images = take(images, mirrored_indices(size, padded, repeat_edge), axis)
    return images


def take(images: Any, index: Any, axis: int) -> Any:
    """`ops.take` of one axis, also where PyTorch traces a network for sizes that it does not know.

    Keras' own flattens the index there with `aten::ravel`, which ONNX has no word for, and squeezes the axis.
    """
    # Under a bfloat16 floatx, Keras makes floats of NumPy's integers on JAX.
    index = ops.convert_to_tensor(index, "int32")
    if keras.backend.backend() == "torch" and not isinstance(ops.shape(images)[axis], int):
        return images[(slice(None),) * axis + (index,)]
    return ops.take(images, index, axis=axis)


# Of what JAX has no arrays, unless it is told to.
_WIDE = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


def as_tensor(x: Any) -> Any:
    """A tensor of whatever was given; NumPy's arrays keep their dtype.

    Under a bfloat16 floatx, Keras makes bfloat16 of them on JAX.
    """
    if not isinstance(x, (np.ndarray, np.generic)):
        return ops.convert_to_tensor(x)
    dtype = x.dtype.name
    return ops.convert_to_tensor(
        x, _WIDE.get(dtype, dtype) if keras.backend.backend() == "jax" else dtype
    )


def require_images(images: Any, name: str = "images") -> Any:
    """A float32 tensor [batch, height, width, channels] of whatever was given, or a ValueError."""
    images = ops.convert_to_tensor(images, "float32")
    if len(images.shape) != 4:
        raise ValueError(
            f"`{name}` must have rank 4, [batch, height, width, channels]. "
            f"Received shape {tuple(images.shape)}; add a batch axis to a single image."
        )
    return images
