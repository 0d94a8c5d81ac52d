"""Motion compensation: a frame sampled where a flow points to."""

from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.rounding import clip
from keras_sandwich.ops.shapes import namespace, require_images


def warp(frames: Any, flow: Any) -> Any:
    """Samples frames bilinearly at (y, x) + flow(y, x); what lies outside a frame counts as zero.

    The gradient goes to the samples that were read, and to the flow as the slope between them.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    frames = np.arange(6.0).reshape(1, 2, 3, 1)
    flow = np.broadcast_to(np.float32([0.0, 0.5]), (1, 2, 3, 2))  # half a column to the right
    assert np.allclose(ks.ops.warp(frames, flow)[0, :, :, 0], [[0.5, 1.5, 1.0], [3.5, 4.5, 2.5]])
    ```

    Args:
        frames: [batch, height, width, channels].
        flow: [batch, height, width, 2], in pixels: rows (down), columns (to the right).

    Returns:
        [batch, height, width, channels] float32.

    Raises:
        ValueError: another rank, or a flow of other than two components.
    """
    frames, flow = require_images(frames, "frames"), require_flow(flow)
    batch, height, width, channels = ops.shape(frames)
    # A border of zeros, so that each of the four neighbours is there to be read.
    padded = ops.pad(frames, ((0, 0), (1, 1), (1, 1), (0, 0)))
    flat = ops.reshape(padded, (-1, channels))
    row, row_part = _positions(flow[..., 0], height, axis=1)
    column, column_part = _positions(flow[..., 1], width, axis=2)
    first = ops.reshape(ops.arange(batch, dtype="int32"), (-1, 1, 1))
    place = (first * (height + 2) + row) * (width + 2) + column
    above, below = (
        _between(
            ops.take(flat, place + down, axis=0),
            ops.take(flat, place + down + 1, axis=0),
            column_part,
        )
        for down in (0, width + 2)
    )
    return _between(above, below, row_part)


def _positions(displacement: Any, size: Any, axis: int) -> tuple[Any, Any]:
    """Where an axis is sampled, with a border of one: the sample before, and how far behind it, 0 to 1."""
    shape = (1, -1, 1) if axis == 1 else (1, 1, -1)
    own = ops.reshape(ops.arange(size, dtype="float32"), shape)
    last = ops.cast(size, "float32")
    # Beyond the border all is zero. The clip is of the position, as far flows would not fit int32.
    position = clip(own + displacement, -1.0, last) + 1.0
    before = ops.stop_gradient(ops.minimum(ops.floor(position), last))
    return ops.cast(before, "int32"), position - before


def _between(one: Any, other: Any, part: Any) -> Any:
    return one + part[..., None] * (other - one)


def resize_flow(flow: Any, size: Any) -> Any:
    """The flow of reduced frames: the mean over what each of their pixels stands for, in their own pixels.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    flow = np.full((1, 4, 6, 2), 3.0, "float32")
    assert np.allclose(ks.ops.resize_flow(flow, (2, 3)), 1.5)
    ```

    Args:
        flow: [batch, height, width, 2], in pixels: rows, columns.
        size: (new height, new width), not above the flow's own; known integers or scalar tensors.

    Returns:
        [batch, new height, new width, 2] float32.

    Raises:
        ValueError: another rank, a flow of other than two components, or a size above the flow's own.
    """
    flow = require_flow(flow)
    _, height, width, _ = ops.shape(flow)
    scales = []
    for old, new, pattern in (
        (height, size[0], "oh,bhwc->bowc"),
        (width, size[1], "ow,bhwc->bhoc"),
    ):
        if isinstance(old, int) and isinstance(new, int):
            if not 0 < new <= old:
                raise ValueError(
                    "A flow is brought to frames of its own size or smaller. "
                    f"Received a flow of {height}×{width} and size={tuple(size)}."
                )
            if old == new:
                scales.append(ops.ones((), "float32"))
                continue
        flow = ops.einsum(pattern, _shares(old, new), flow)
        scales.append(ops.cast(new, "float32") / ops.cast(old, "float32"))
    return flow * ops.stack(scales)


def _shares(size: Any, new_size: Any) -> Any:
    """[new_size, size]: the share of each sample in the mean over a new one's part of the axis."""
    xp = namespace(size, new_size)
    # Edges in whole units of 1/(size·new_size) of the axis.
    starts = xp.arange(new_size, dtype="int32")[:, None] * size
    samples = xp.arange(size, dtype="int32")[None, :] * new_size
    overlap = xp.minimum(starts + size, samples + new_size) - xp.maximum(starts, samples)
    overlap = xp.maximum(overlap, 0)
    if xp is np:
        return ops.convert_to_tensor((overlap / size).astype("float32"))
    return ops.cast(overlap, "float32") / ops.cast(size, "float32")


def require_flow(flow: Any) -> Any:
    """A float32 tensor [batch, height, width, 2] of whatever was given, or a ValueError."""
    flow = ops.convert_to_tensor(flow, "float32")
    if len(flow.shape) != 4 or flow.shape[-1] != 2:
        raise ValueError(
            "`flow` must be [batch, height, width, 2]: rows and columns, in pixels. "
            f"Received shape {tuple(flow.shape)}."
        )
    return flow
