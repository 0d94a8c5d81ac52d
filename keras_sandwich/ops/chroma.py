"""Chroma subsampling: 4:4:4, 4:2:2 and 4:2:0."""

from typing import Any

from keras import ops

from keras_sandwich._arguments import require_option
from keras_sandwich.ops.resampling import resize, resize_plane
from keras_sandwich.ops.shapes import ceil_divide, pad_bottom_right, require_images

# How many luma samples one chroma sample stands for: (down, across).
SUBSAMPLING: dict[str, tuple[int, int]] = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}


def require_subsampling(chroma_subsampling: str) -> tuple[int, int]:
    """The (down, across) factors of a subsampling, or a ValueError."""
    require_option(chroma_subsampling, tuple(SUBSAMPLING), "chroma_subsampling")
    return SUBSAMPLING[chroma_subsampling]


def downsample_chroma(chroma: Any, chroma_subsampling: str) -> Any:
    """Reduces full-size chroma planes: bilinear with antialias, the filter [1, 3, 3, 1]/8.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    half = ks.ops.downsample_chroma(np.full((1, 4, 6, 2), 128.0, "float32"), "4:2:0")
    assert half.shape == (1, 2, 3, 2) and np.allclose(half, 128.0)
    ```

    Args:
        chroma: [batch, height, width, channels]; an odd size is mirrored to an even one.
        chroma_subsampling: "4:4:4", "4:2:2" or "4:2:0".

    Returns:
        The planes at their own size, ⌈height/down⌉ × ⌈width/across⌉.
    """
    down, across = require_subsampling(chroma_subsampling)
    chroma = require_images(chroma, "chroma")
    _, height, width, _ = ops.shape(chroma)
    rows, columns = ceil_divide(height, down), ceil_divide(width, across)
    chroma = pad_bottom_right(chroma, rows * down, columns * across, True)
    return resize(chroma, (rows, columns), "bilinear")


def upsample_chroma(chroma: Any, chroma_subsampling: str) -> Any:
    """Brings subsampled chroma planes back to full size: Lanczos3.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    full = ks.ops.upsample_chroma(np.full((1, 2, 3, 2), 128.0, "float32"), "4:2:2")
    assert full.shape == (1, 2, 6, 2) and np.allclose(full, 128.0, atol=1e-3)
    ```

    Args:
        chroma: [batch, height, width, channels].
        chroma_subsampling: "4:4:4", "4:2:2" or "4:2:0".

    Returns:
        The planes at full size.
    """
    down, across = require_subsampling(chroma_subsampling)
    chroma = require_images(chroma, "chroma")
    _, height, width, _ = ops.shape(chroma)
    return resize(chroma, (height * down, width * across), "lanczos3")


def downsample_plane(plane: Any, chroma_subsampling: str) -> Any:
    """`downsample_chroma` of one channel, [batch, height, width], of a size that the factors divide."""
    down, across = SUBSAMPLING[chroma_subsampling]
    _, height, width = ops.shape(plane)
    return resize_plane(plane, (height // down, width // across), "bilinear")


def upsample_plane(plane: Any, chroma_subsampling: str) -> Any:
    """`upsample_chroma` of one channel, [batch, height, width]."""
    down, across = SUBSAMPLING[chroma_subsampling]
    _, height, width = ops.shape(plane)
    return resize_plane(plane, (height * down, width * across), "lanczos3")


def _flatten_frames(video: Any) -> tuple[Any, Any]:
    video = ops.convert_to_tensor(video, "float32")
    if len(video.shape) not in (4, 5) or video.shape[-1] != 3:
        raise ValueError(
            "Expected images [batch, height, width, 3] or clips [batch, frames, height, width, 3]. "
            f"Received shape {tuple(video.shape)}."
        )
    shape = ops.shape(video)
    return ops.reshape(video, (-1, *shape[-3:])), (-1, *shape[1:])


def yuv_444_to_420(yuv: Any) -> Any:
    """4:4:4 to 4:2:0 in one tensor: the halved chroma lies at top left, zeros at bottom and right.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    yuv = ks.ops.yuv_444_to_420(np.full((1, 4, 4, 3), 7.0, "float32"))
    assert np.array_equal(yuv[0, :, :, 1], [[7, 7, 0, 0], [7, 7, 0, 0], [0] * 4, [0] * 4])
    ```

    Args:
        yuv: [batch, height, width, 3] or [batch, frames, height, width, 3]; the chroma of an odd size is
            rounded up.

    Returns:
        A float32 tensor of the same shape.
    """
    flat, shape = _flatten_frames(yuv)
    chroma = downsample_chroma(flat[..., 1:], "4:2:0")
    _, rows, columns, _ = ops.shape(chroma)
    zeros = ops.zeros_like(flat[..., 1:])
    chroma = ops.concatenate([chroma, zeros[:, :rows, columns:]], axis=2)
    chroma = ops.concatenate([chroma, zeros[:, rows:]], axis=1)
    return ops.reshape(ops.concatenate([flat[..., :1], chroma], axis=-1), shape)


def yuv_420_to_444(yuv: Any) -> Any:
    """4:2:0 in one tensor, as `yuv_444_to_420` lays it out, back to 4:4:4 (Lanczos3).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    yuv = np.full((1, 4, 4, 3), 7.0, "float32")
    assert np.allclose(ks.ops.yuv_420_to_444(ks.ops.yuv_444_to_420(yuv)), yuv, atol=1e-4)
    ```

    Args:
        yuv: [batch, height, width, 3] or [batch, frames, height, width, 3]; the chroma of an odd size is
            rounded up.

    Returns:
        A float32 tensor of the same shape.
    """
    flat, shape = _flatten_frames(yuv)
    _, height, width, _ = ops.shape(flat)
    half = flat[:, : ceil_divide(height, 2), : ceil_divide(width, 2), 1:]
    chroma = upsample_chroma(half, "4:2:0")[:, :height, :width]
    return ops.reshape(ops.concatenate([flat[..., :1], chroma], axis=-1), shape)
