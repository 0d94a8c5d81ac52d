"""SSIM and MS-SSIM: how alike the structure of two pictures is.

Local means and variances are weighted by a Gaussian of 11×11 samples, only where the whole window lies inside the
picture ("valid"). The Gaussian is separable and is written as multiply-adds: a convolution is not float32 on every
accelerator, and a variance is a small difference of large numbers.
"""

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from keras_sandwich.ops.shapes import require_images

# Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", 2004.
WINDOW = 11
SIGMA = 1.5
K1, K2 = 0.01, 0.03
# Wang, Simoncelli, Bovik, "Multiscale structural similarity for image quality assessment", 2003.
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
# The smallest side that still holds a window after halving four times, odd sides rounded up.
LEAST_SIDE = (WINDOW - 1) * 2 ** (len(SCALE_WEIGHTS) - 1) + 1

_BELL = [math.exp(-0.5 * ((k - WINDOW // 2) / SIGMA) ** 2) for k in range(WINDOW)]
GAUSSIAN = tuple(value / sum(_BELL) for value in _BELL)


def ssim(a: Any, b: Any, peak: float = 255.0) -> Any:
    """Structural similarity of pictures (Wang et al. 2004): the mean over positions and channels.

    Differentiable, float32. Gaussian windows of 11×11 samples and σ 1.5 that lie wholly inside the picture, K1 = 0.01,
    K2 = 0.03, each channel on its own.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    a = np.random.default_rng(0).uniform(0, 255, (2, 24, 32, 3)).astype("float32")
    assert np.allclose(ks.ops.ssim(a, a), 1.0)
    ```

    Args:
        a: [batch, height, width, channels] in [0, peak].
        b: pictures to compare with, of the same shape.
        peak: the largest value: 255, or 255·2^k for 8 + k bits.

    Returns:
        [batch] float32, 1 for equal pictures.

    Raises:
        ValueError: shapes that differ, or pictures smaller than 11×11.
    """
    a, b = _pair(a, b, peak, WINDOW, "SSIM")
    return single_scale(a, b, ops)


def ms_ssim(a: Any, b: Any, peak: float = 255.0) -> Any:
    """Multi-scale structural similarity of pictures (Wang et al. 2003), five scales, the mean over channels.

    Differentiable, float32. The scales are halved by a 2×2 mean, the last row or column of an odd side counted twice.
    Where contrast and structure of a scale are negatively correlated, the result is 0.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    a = np.random.default_rng(0).uniform(0, 255, (1, 161, 170, 1)).astype("float32")
    assert 0.5 < ks.ops.ms_ssim(a, 0.8 * a)[0] < 1.0
    ```

    Args:
        a: [batch, height, width, channels] in [0, peak], both sides at least 161.
        b: pictures to compare with, of the same shape.
        peak: the largest value: 255, or 255·2^k for 8 + k bits.

    Returns:
        [batch] float32, 1 for equal pictures.

    Raises:
        ValueError: shapes that differ, or pictures smaller than 161×161.
    """
    a, b = _pair(a, b, peak, LEAST_SIDE, "MS-SSIM")
    return multi_scale(a, b, ops)


def single_scale(a: Any, b: Any, xp: Any, blur: Callable[[Any], Any] | None = None) -> Any:
    """`ssim` of pictures in [−½, ½], in `keras.ops` or, for the host, in NumPy, which may have a blur of its own."""
    similarity, _ = _similarity_and_contrast(a, b, xp, blur or _blur)
    return xp.mean(similarity, axis=-1)


def multi_scale(a: Any, b: Any, xp: Any, blur: Callable[[Any], Any] | None = None) -> Any:
    """`ms_ssim` of pictures in [−½, ½], in `keras.ops` or, for the host, in NumPy, which may have a blur of its own."""
    product: Any = 1.0
    for scale, weight in enumerate(SCALE_WEIGHTS):
        if scale:
            a, b = _halve(a, xp), _halve(b, xp)
        similarity, contrast = _similarity_and_contrast(a, b, xp, blur or _blur)
        factor = similarity if scale == len(SCALE_WEIGHTS) - 1 else contrast
        # The derivative of a power below 1 is infinite at 0: double `where`.
        positive = factor > 0.0
        power = xp.power(xp.where(positive, factor, xp.ones_like(factor)), weight)
        product = product * xp.where(positive, power, xp.zeros_like(factor))
    return xp.mean(product, axis=-1)


def _pair(a: Any, b: Any, peak: float, least: int, name: str) -> tuple[Any, Any]:
    """Both pictures in [−½, ½], or a ValueError."""
    a, b = require_images(a, "a"), require_images(b, "b")
    sizes = [(one, other) for one, other in zip(a.shape, b.shape, strict=True)]
    if any(None not in pair and pair[0] != pair[1] for pair in sizes):
        raise ValueError(
            f"{name} compares pictures of the same shape. "
            f"Received {tuple(a.shape)} and {tuple(b.shape)}."
        )
    if any(size is not None and size < least for size in a.shape[1:3]):
        raise ValueError(
            f"{name} needs pictures of at least {least}×{least} pixels. "
            f"Received {a.shape[1]}×{a.shape[2]}."
        )
    return a / peak - 0.5, b / peak - 0.5


def _similarity_and_contrast(
    a: Any, b: Any, xp: Any, blur: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """SSIM and its factor without luminance, [batch, channels] each, of pictures in [−½, ½]."""
    # Of both squares the sum alone is needed.
    moments = blur(xp.concatenate([a, b, a * a + b * b, a * b], axis=-1))
    mean_a, mean_b, squares, product = xp.split(moments, 4, axis=-1)
    variances = squares - mean_a * mean_a - mean_b * mean_b
    covariance = product - mean_a * mean_b
    contrast = (2.0 * covariance + K2**2) / (variances + K2**2)
    mean_a, mean_b = mean_a + 0.5, mean_b + 0.5
    luminance = (2.0 * mean_a * mean_b + K1**2) / (mean_a * mean_a + mean_b * mean_b + K1**2)
    return xp.mean(luminance * contrast, axis=(1, 2)), xp.mean(contrast, axis=(1, 2))


def _blur(images: Any) -> Any:
    """The Gaussian's means, where the window lies inside: 10 samples fewer on each axis."""
    reach = WINDOW - 1
    for axis in (1, 2):
        before = (slice(None),) * axis
        shifted = [images[(*before, slice(k, k - reach or None))] for k in range(WINDOW)]
        images = GAUSSIAN[WINDOW // 2] * shifted[WINDOW // 2] + sum(
            GAUSSIAN[k] * (shifted[k] + shifted[reach - k]) for k in range(WINDOW // 2)
        )
    return images


def _halve(images: Any, xp: Any) -> Any:
    """2×2 means; an odd side's last sample counts twice."""
    for axis in (1, 2):
        before = (slice(None),) * axis
        longer = xp.concatenate([images, images[(*before, slice(-1, None))]], axis=axis)
        pairs = longer[(*before, slice(0, -1))] + longer[(*before, slice(1, None))]
        images = 0.5 * pairs[(*before, slice(0, None, 2))]
    return images
