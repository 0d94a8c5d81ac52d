"""Light as numbers that are even to the eye: the perceptual quantizer, and PU21 for measures."""

import numpy as np

# SMPTE ST 2084, 5.1 and 5.2: light in cd/m², of which 10,000 is 1.
M1, M2 = 2610 / 16384, 2523 / 4096 * 128
C1, C2, C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
BRIGHTEST = 10_000.0
# Mantiuk and Azimi, "PU21: a novel perceptually uniform encoding for adapting existing quality metrics for HDR",
# Picture Coding Symposium 2021: the fit for banding and glare, which they recommend.
PU21 = (
    *(0.353487901, 0.3734658629, 8.277049286e-05, 0.9062562627),
    *(0.09150303166, 0.9099517204, 596.3148142),
)
DARKEST = 0.005


def encode_pq(light: np.ndarray) -> np.ndarray:
    """The perceptual quantizer of SMPTE ST 2084: cd/m², 0 to 10,000, to [0, 1].

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    code = ks.pictures.encode_pq(np.array([0.0, 100.0, 10_000.0]))
    assert np.allclose(code, [0.0, 0.5081, 1.0], atol=1e-4)
    ```

    Args:
        light: in cd/m², of any shape; what is outside is clipped.

    Returns:
        float64 of the same shape.
    """
    share = (np.clip(np.asarray(light, "float64"), 0, BRIGHTEST) / BRIGHTEST) ** M1
    return np.asarray(((C1 + C2 * share) / (1 + C3 * share)) ** M2)


def decode_pq(code: np.ndarray) -> np.ndarray:
    """The inverse of `encode_pq`.

    Args:
        code: in [0, 1]; what is outside is clipped.

    Returns:
        float64, in cd/m².
    """
    power = np.clip(np.asarray(code, "float64"), 0, 1) ** (1 / M2)
    return np.asarray(BRIGHTEST * (np.maximum(power - C1, 0) / (C2 - C3 * power)) ** (1 / M1))


def encode_pu21(light: np.ndarray) -> np.ndarray:
    """PU21, of which 100 cd/m² is about 256: differences are about as visible everywhere.

    Args:
        light: in cd/m², 0.005 to 10,000, of any shape; what is outside is clipped.

    Returns:
        float64, 0 to 595.4.
    """
    a, b, c, power, outer, less, scale = PU21
    raised = np.clip(np.asarray(light, "float64"), DARKEST, BRIGHTEST) ** power
    return np.asarray(scale * (((a + b * raised) / (1 + c * raised)) ** outer - less))
