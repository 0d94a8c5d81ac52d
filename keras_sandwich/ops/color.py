"""RGB and YUV as JFIF defines them: BT.601, full range, chroma centred at 128."""

from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.shapes import require_images

# JFIF 1.02, "Conversion to and from RGB". Rows: Y, Cb, Cr.
RGB_TO_YUV = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.299 / 1.772, -0.587 / 1.772, 0.5],
        [0.5, -0.587 / 1.402, -0.114 / 1.402],
    ]
)
YUV_TO_RGB = np.linalg.inv(RGB_TO_YUV)
_CHROMA_CENTRE = [0.0, 128.0, 128.0]
# Lists, since PyTorch's compiler breaks where Keras takes an array.
_TO_YUV: list[list[float]] = RGB_TO_YUV.tolist()
_TO_RGB: list[list[float]] = YUV_TO_RGB.tolist()


def _mix(images: Any, matrix: list[list[float]]) -> Any:
    """A 3×3 matrix on the channels, as multiply-adds: a matrix product is not float32 everywhere."""
    columns = [ops.convert_to_tensor(column, "float32") for column in zip(*matrix, strict=True)]
    return sum(images[..., k : k + 1] * columns[k] for k in range(3))


def _require_three_channels(images: Any) -> Any:
    images = require_images(images)
    if images.shape[-1] != 3:
        raise ValueError(
            "Colour conversion needs exactly 3 channels. "
            f"Received shape {tuple(images.shape)} with {images.shape[-1]} channels; "
            "convert the colour channels alone, or turn colour conversion off."
        )
    return images


def rgb_to_yuv(images: Any) -> Any:
    """RGB to YUV (Y, Cb, Cr): BT.601 full range, +128 on the chroma (JFIF 1.02).

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    yuv = ks.ops.rgb_to_yuv(np.full((1, 1, 1, 3), 50.0, "float32"))
    assert np.allclose(yuv, [50.0, 128.0, 128.0], atol=1e-4)
    ```

    Args:
        images: [batch, height, width, 3] in [0, image_max].

    Returns:
        [batch, height, width, 3] float32. The chroma offset is 128 whatever the range.

    Raises:
        ValueError: the rank is not 4 or there are not three channels.
    """
    images = _require_three_channels(images)
    return _mix(images, _TO_YUV) + ops.convert_to_tensor(_CHROMA_CENTRE, "float32")


def yuv_to_rgb(images: Any) -> Any:
    """YUV (Y, Cb, Cr) to RGB: the inverse of `rgb_to_yuv`, not clipped.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    rgb = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype("float32")
    assert np.allclose(ks.ops.yuv_to_rgb(ks.ops.rgb_to_yuv(rgb)), rgb, atol=1e-3)
    ```

    Args:
        images: [batch, height, width, 3].

    Returns:
        [batch, height, width, 3] float32.

    Raises:
        ValueError: the rank is not 4 or there are not three channels.
    """
    images = _require_three_channels(images)
    return _mix(images - ops.convert_to_tensor(_CHROMA_CENTRE, "float32"), _TO_RGB)
