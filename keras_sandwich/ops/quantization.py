"""Quantization tables and the scan's zigzag order."""

from typing import Any

import numpy as np
from keras import ops

# T.81 Annex K, Table K.1: luminance, in raster order, for quality 50.
ANNEX_K_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype="float32",
)
# T.81 Annex K, Table K.2: chrominance.
ANNEX_K_CHROMA = np.full((8, 8), 99, dtype="float32")
ANNEX_K_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

# T.81 Figure A.6: ZIGZAG[k] is the raster position of the k-th coefficient of the scan.
ZIGZAG = np.array(
    sorted(
        range(64),
        key=lambda k: (k // 8 + k % 8, k % 8 if (k // 8 + k % 8) % 2 == 0 else k // 8),
    ),
    dtype="int32",
)


# Lists, since PyTorch's compiler breaks where Keras takes an array.
_ANNEX_K: list[list[list[float]]] = [ANNEX_K_LUMA.tolist(), ANNEX_K_CHROMA.tolist()]


def quality_to_tables(quality: Any) -> Any:
    """The quantization tables that libjpeg makes of a quality: those of T.81 Annex K, scaled.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    luma, chroma = ks.ops.quality_to_tables(75)
    assert np.array_equal(luma[0, :4], [8, 6, 5, 8]) and float(chroma[7, 7]) == 50
    assert ks.ops.quality_to_tables([10, 90]).shape == (2, 2, 8, 8)
    ```

    Args:
        quality: a whole number from 1 (coarse) to 100 (all steps 1), or one per image, [batch]. In a tensor, whose
            values may not be known yet, what is outside counts as 1 or 100.

    Returns:
        float32 whole numbers from 1 to 255, in raster order: [2, 8, 8], or [batch, 2, 8, 8]; luma first, then
        chroma.

    Raises:
        ValueError: a quality, known now, that is not a whole number from 1 to 100.
    """
    require_whole(quality, 1, 100, "quality")
    quality = ops.convert_to_tensor(quality, "float32")
    quality = ops.clip(quality, 1.0, 100.0)[..., None, None, None]
    # jcparam.c divides whole numbers; the half keeps clear of how a device rounds a division.
    scale = ops.where(quality < 50, ops.floor(5000.5 / quality), 200 - 2 * quality)
    tables = ops.convert_to_tensor(_ANNEX_K, "float32") * scale
    return ops.clip(ops.floor((tables + 50.5) / 100), 1, 255)


def known(value: Any) -> np.ndarray | None:
    """The values of an argument in Python or NumPy; None of a tensor, whose values may not be known yet."""
    if isinstance(value, (int, float, np.number, np.ndarray, list, tuple)):
        return np.asarray(value, "float64")
    return None


def require_whole(value: Any, least: int, largest: int, name: str) -> None:
    """ValueError if an argument, known now, is not made of whole numbers from `least` to `largest`."""
    if isinstance(value, (int, float)):  # without NumPy, which PyTorch's compiler would trace
        valid = value % 1 == 0 and least <= value <= largest
    else:
        values = known(value)
        valid = values is None or bool(
            np.all(values % 1 == 0) and np.all((values >= least) & (values <= largest))
        )
    if not valid:
        raise ValueError(
            f"`{name}` must be made of whole numbers from {least} to {largest}. "
            f"Received {name}={value}."
        )


def require_table(table: Any, name: str) -> np.ndarray:
    """An 8×8 float32 quantization table of whatever was given (None: all ones), or a ValueError."""
    values = np.ones((8, 8), "float32") if table is None else np.asarray(table, "float32")
    if values.shape != (8, 8) or not np.all(np.isfinite(values)) or values.min() <= 0:
        raise ValueError(
            f"`{name}` must be an 8×8 table of positive steps in raster order. "
            f"Received shape {values.shape}"
            + (f" with values from {values.min()} to {values.max()}." if values.size else ".")
        )
    return values
