"""Separable resampling: one weight matrix per axis, the same numbers on every backend.

Half-pixel centres; with antialiasing the kernel is stretched by the reduction; weights are normalised over the
samples that exist, so a constant stays constant up to the edges.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.ops.shapes import as_tensor, namespace, require_images, take


def _triangle(x: Any, xp: Any) -> Any:
    return xp.maximum(1.0 - xp.abs(x), 0.0)


def _keys(x: Any, xp: Any) -> Any:
    """Cubic convolution with a = −½ (Keys 1981)."""
    x = xp.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return xp.where(x < 1.0, near, xp.where(x < 2.0, far, 0.0 * x))


def _lanczos3(x: Any, xp: Any) -> Any:
    angle = np.pi * xp.where(xp.abs(x) < 1e-6, 1e-6 + 0.0 * x, x)
    window = 3.0 * xp.sin(angle) * xp.sin(angle / 3.0) / (angle * angle)
    return xp.where(xp.abs(x) < 3.0, window, 0.0 * x)


_KERNELS: dict[str, Callable[[Any, Any], Any]] = {
    "bilinear": _triangle,
    "bicubic": _keys,
    "lanczos3": _lanczos3,
}


_REACH = {"bilinear": 1.0, "bicubic": 2.0, "lanczos3": 3.0}


def _weights(size: Any, new_size: Any, method: str, antialias: bool) -> Any:
    """The matrix [new_size, size] that resamples one axis. float32."""
    xp = namespace(size, new_size)
    if xp is np:
        every_sample = (0, new_size), (0, size)
        return ops.convert_to_tensor(
            window_weights(size, new_size, *every_sample, method, antialias)
        )
    # In integers, as float32 positions would be off by a thousandth of a sample in a large picture.
    centres = (2 * ops.arange(new_size, dtype="int32") + 1) * size - new_size  # in half new samples
    # Divided as a positive number: ONNX divides towards zero.
    before = ops.floor_divide(centres + 2 * new_size, 2 * new_size) - 1
    part = ops.cast(centres - before * 2 * new_size, "float32")
    part = part / ops.cast(2 * new_size, "float32")
    distances = (
        ops.cast(ops.arange(size, dtype="int32")[None, :] - before[:, None], "float32")
        - part[:, None]
    )
    if antialias:
        step = ops.cast(size, "float32") / ops.cast(new_size, "float32")
        distances = distances / ops.maximum(step, 1.0)
    weights = _KERNELS[method](distances, ops)
    return weights / ops.sum(weights, axis=1, keepdims=True)


def window_support(
    size: int, new_size: int, new_range: tuple[int, int], method: str, antialias: bool = True
) -> tuple[int, int]:
    """The range of an axis's samples that a range of its resampled samples is made of."""
    step = size / new_size
    reach = _REACH[method] * (max(step, 1.0) if antialias else 1.0)
    first, last = ((sample + 0.5) * step - 0.5 for sample in (new_range[0], new_range[1] - 1))
    return max(math.floor(first - reach), 0), min(math.ceil(last + reach) + 1, size)


def window_weights(
    size: int,
    new_size: int,
    new_range: tuple[int, int],
    samples: tuple[int, int],
    method: str,
    antialias: bool = True,
) -> np.ndarray:
    """The part of the matrix that resamples an axis for a range of new samples, from a range of samples.

    `samples` holds the `window_support` of `new_range`. Positions are those in the whole axis, in float64.
    """
    step = size / new_size
    stretch = max(step, 1.0) if antialias else 1.0
    centres = (np.arange(*new_range) + 0.5) * step - 0.5
    distances = np.arange(*samples, dtype="float64")[None, :] - centres[:, None]
    weights = _KERNELS[method](distances / stretch, np)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def apply_weights(images: Any, rows: Any, columns: Any) -> Any:
    """Resamples [batch, height, width, channels] with a matrix for each axis; None leaves an axis."""
    for pattern, weights in (("oh,bhwc->bowc", rows), ("ow,bhwc->bhoc", columns)):
        if weights is not None:
            images = ops.einsum(pattern, weights, images)
    return images


def resize(images: Any, size: Any, method: str = "bilinear", antialias: bool = True) -> Any:
    """Resamples images to another size, separably.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    half = ks.ops.resize(np.full((1, 5, 7, 3), 9.0, "float32"), (2, 3), "bicubic")
    assert half.shape == (1, 2, 3, 3) and np.allclose(half, 9.0)
    ```

    Args:
        images: [batch, height, width, channels].
        size: (new height, new width), positive; known integers or scalar tensors.
        method: "nearest", "bilinear", "bicubic" (Keys, a = −½) or "lanczos3".
        antialias: stretch the kernel when the size is reduced. Means nothing for "nearest".

    Returns:
        [batch, new height, new width, channels] float32.

    Raises:
        ValueError: an unknown method, a rank other than 4, or a size that is not positive.
    """
    images = require_images(images)
    require_option(method, ("nearest", *_KERNELS), "method")
    for new_size in size:
        if isinstance(new_size, int) and new_size < 1:
            raise ValueError(f"`size` must be two positive integers. Received size={tuple(size)}.")
    for axis, new_size in ((1, size[0]), (2, size[1])):
        old_size = ops.shape(images)[axis]
        if _same(old_size, new_size):
            continue
        if method == "nearest":
            images = take(images, _nearest(old_size, new_size), axis)
        else:
            weights = _weights(old_size, new_size, method, antialias)
            rows, columns = (weights, None) if axis == 1 else (None, weights)
            images = apply_weights(images, rows, columns)
    return images


def resize_plane(plane: Any, size: Any, method: str) -> Any:
    """`resize` of one channel, [batch, height, width], as products of matrices."""
    _, old_height, old_width = ops.shape(plane)
    height, width = size
    if not _same(old_width, width):
        plane = ops.matmul(plane, ops.transpose(_weights(old_width, width, method, True)))
    if not _same(old_height, height):
        plane = ops.matmul(_weights(old_height, height, method, True), plane)
    return plane


def _same(size: Any, new_size: Any) -> bool:
    """Whether an axis is known to keep its size."""
    return isinstance(size, int) and isinstance(new_size, int) and size == new_size


def _nearest(size: Any, new_size: Any) -> Any:
    """Indices of the sample that holds each new centre."""
    xp = namespace(size, new_size)
    if xp is np:
        return ((2 * np.arange(new_size) + 1) * size // (2 * new_size)).astype("int32")
    return ops.cast((2 * ops.arange(new_size, dtype="int32") + 1) * size // (2 * new_size), "int32")


def bilinear_upsample_2x(images: Any) -> Any:
    """Doubles height and width bilinearly, as shifted sums: `resize(…, "bilinear")`, but as fast as memory.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    row = np.array([0.0, 4.0], "float32").reshape(1, 1, 2, 1)
    assert np.array_equal(ks.ops.bilinear_upsample_2x(row)[0, 0, :, 0], [0, 1, 3, 4])
    ```

    Args:
        images: [batch, height, width, channels], of any floating dtype, which is kept.

    Returns:
        [batch, 2·height, 2·width, channels].
    """
    images = as_tensor(images)
    for axis in (1, 2):
        _, height, width, channels = ops.shape(images)
        first, last = ((slice(None),) * axis + (edge,) for edge in (slice(0, 1), slice(-1, None)))
        head, tail = ((slice(None),) * axis + (part,) for part in (slice(0, -1), slice(1, None)))
        near = images * 0.75
        far = images * 0.25
        before = near + ops.concatenate([far[first], far[head]], axis=axis)
        after = near + ops.concatenate([far[tail], far[last]], axis=axis)
        doubled = ops.stack([before, after], axis=axis + 1)
        shape = (
            (-1, 2 * height, width, channels) if axis == 1 else (-1, height, 2 * width, channels)
        )
        images = ops.reshape(doubled, shape)
    return images
