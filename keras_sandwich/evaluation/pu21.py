"""PSNR of pictures of high dynamic range: of what PU21 makes of their light."""

import numpy as np

from keras_sandwich.evaluation.quality import psnr
from keras_sandwich.pictures.light_codings import encode_pu21

PEAK = 256.0  # what 100 cd/m² is about, so that the numbers compare with those of ordinary pictures


def pu21_psnr(light: np.ndarray, restored: np.ndarray) -> float:
    """PU21-PSNR of colours in dB, as Mantiuk and Azimi's own program takes it.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    light = np.geomspace(0.1, 1000, 48).reshape(4, 4, 3)
    assert 35 < ks.evaluation.pu21_psnr(light, 1.05 * light) < 45  # 5 % brighter everywhere
    ```

    Args:
        light: in cd/m², as a display would show it, [height, width, channels]. Radiance is in a unit of its file's:
            bring its largest value to the display's, such as 4000.
        restored: of the same shape.

    Returns:
        dB, of the mean squared error over all channels, with a peak of 256.

    Raises:
        ValueError: shapes that differ, or light that is NaN or negative.
    """
    light, restored = np.asarray(light), np.asarray(restored)
    if light.shape != restored.shape:
        raise ValueError(
            f"Expected pictures of one shape. Received {light.shape} and {restored.shape}."
        )
    for picture in (light, restored):
        if not (picture >= 0).all():
            raise ValueError("Light is not negative. Received NaN or negative values.")
    return psnr(encode_pu21(light), encode_pu21(restored), PEAK)
