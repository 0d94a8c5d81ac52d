"""Bottlenecks as the integers that a codec carries, and back."""

from typing import Any

import numpy as np

from keras_sandwich._arguments import is_integer

_CHUNK = (
    1 << 20
)  # elements rounded at a time: a picture's float copies would take more memory than itself


def sample_max(bits: int) -> int:
    """The largest sample of a codec of so many bits; ValueError for numbers that no codec has."""
    if not (is_integer(bits, 8) and bits <= 16):
        raise ValueError(f"`bits` must be an integer from 8 to 16. Received bits={bits!r}.")
    return 2 ** int(bits) - 1


def to_samples(bottleneck: Any, bits: int = 8) -> np.ndarray:
    """Rounds and clips a bottleneck to the samples that a codec of 8 to 16 bits carries.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    bottleneck = np.array([-3.0, 0.5, 100.3, 255.0, 300.0], "float32")
    assert ks.codecs.to_samples(bottleneck).tolist() == [0, 0, 100, 255, 255]
    assert ks.codecs.to_samples(bottleneck, bits=10).tolist() == [0, 2, 401, 1020, 1023]
    ```

    Args:
        bottleneck: of any shape, meant for [0, 255].
        bits: of the codec; the samples are round(bottleneck·2^(bits − 8)).

    Returns:
        uint8 for 8 bits, else uint16, in [0, 2^bits − 1]; halves are rounded to even.

    Raises:
        ValueError: `bits` out of its range, or values that are not finite.
    """
    top = sample_max(bits)
    bottleneck = np.asarray(bottleneck)
    samples = np.empty(bottleneck.shape, "uint8" if bits == 8 else "uint16")
    values, rounded = bottleneck.reshape(-1), samples.reshape(-1)
    for start in range(0, values.size, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        scaled = values[chunk].astype("float32") * np.float32(2.0 ** (bits - 8))
        if not np.isfinite(scaled).all():
            raise ValueError(
                "The bottleneck must be finite. Received NaN or infinite values; "
                "the preprocessor's weights or the pictures are damaged."
            )
        rounded[chunk] = np.clip(np.rint(scaled), 0, top)
    return samples


def from_samples(samples: Any, bits: int = 8) -> np.ndarray:
    """Samples that a codec decoded, on the bottleneck's scale again.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    decoded = np.array([0, 401, 1023], "uint16")
    assert ks.codecs.from_samples(decoded, bits=10).tolist() == [0.0, 100.25, 255.75]
    ```

    Args:
        samples: of any shape, in [0, 2^bits − 1].
        bits: of the codec.

    Returns:
        float32 of the same shape, samples/2^(bits − 8).

    Raises:
        ValueError: `bits` out of its range.
    """
    sample_max(bits)
    values = np.array(samples, "float32")
    values *= np.float32(2.0 ** (8 - bits))
    return values
