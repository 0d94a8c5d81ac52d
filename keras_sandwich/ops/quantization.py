"""Quantization tables and the scan's zigzag order."""

from typing import Any

import numpy as np

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
