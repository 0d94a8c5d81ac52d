"""RGB and YUV as JFIF defines them: BT.601, full range, chroma centred at 128."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_sandwich.ops.shapes import require_images

# JFIF 1.02, "Conversion to and from RGB": Y, and what B − Y and R − Y are divided by.
RED, GREEN, BLUE = 0.299, 0.587, 0.114
BLUE_SPAN, RED_SPAN = 1.772, 1.402
CHROMA_CENTRE = 128.0
# Rows: Y, Cb, Cr.
RGB_TO_YUV = np.array(
    [
        [RED, GREEN, BLUE],
        [-RED / BLUE_SPAN, -GREEN / BLUE_SPAN, 0.5],
        [0.5, -GREEN / RED_SPAN, -BLUE / RED_SPAN],
    ]
)
YUV_TO_RGB = np.linalg.inv(RGB_TO_YUV)


def planes_of(images: Any) -> list[Any]:
    """Each channel of [batch, height, width, channels] by itself, [batch, height, width]."""
    _, height, width, channels = ops.shape(images)
    if channels == 1:
        return [images[..., 0]]
    # Copied by one transposition: slices of a last axis of three are read and put together several times slower.
    pixels = _copied(ops.transpose(ops.reshape(images, (-1, channels))))
    return list(ops.unstack(ops.reshape(pixels, (channels, -1, height, width)), channels))


def images_of(planes: Sequence[Any]) -> Any:
    """The inverse of `planes_of`."""
    _, height, width = ops.shape(planes[0])
    if len(planes) == 1:
        return planes[0][..., None]
    pixels = ops.transpose(ops.reshape(ops.stack(planes, axis=0), (len(planes), -1)))
    return ops.reshape(_copied(pixels), (-1, height, width, len(planes)))


def _copied(matrix: Any) -> Any:
    """Its elements in their order, which on PyTorch a transposed matrix has only in its strides."""
    return ops.reshape(matrix, (-1,))


def luma_and_differences(red: Any, green: Any, blue: Any) -> list[Any]:
    """Planes of RGB to Y, Cb and Cr, the last two around 0: sums, as a matrix product is not float32 everywhere."""
    luma = RED * red + GREEN * green + BLUE * blue
    return [luma, (blue - luma) * (1 / BLUE_SPAN), (red - luma) * (1 / RED_SPAN)]


def red_green_blue(luma: Any, cb: Any, cr: Any) -> list[Any]:
    """The inverse of `luma_and_differences`."""
    green = luma - (BLUE * BLUE_SPAN / GREEN) * cb - (RED * RED_SPAN / GREEN) * cr
    return [luma + RED_SPAN * cr, green, luma + BLUE_SPAN * cb]


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
    luma, cb, cr = luma_and_differences(*planes_of(_require_three_channels(images)))
    return images_of([luma, cb + CHROMA_CENTRE, cr + CHROMA_CENTRE])


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
    luma, cb, cr = planes_of(_require_three_channels(images))
    return images_of(red_green_blue(luma, cb - CHROMA_CENTRE, cr - CHROMA_CENTRE))
