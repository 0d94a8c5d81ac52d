"""Holes of depth maps, filled so that a codec spends little on them."""

import numpy as np


def fill_holes(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fills holes smoothly from what surrounds them, and says where they were.

    Averages of the pixels that are known, at half the size again and again, until none is missing; then back up.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    depth = np.array([[1000, 0], [1200, 1100]], "uint16")
    filled, holes = ks.depth.fill_holes(depth)
    assert filled[0, 1] == 1100 and holes.tolist() == [[False, True], [False, False]]
    ```

    Args:
        depth: [height, width], integers where 0 is a hole, or floats where 0, NaN or infinite is one.

    Returns:
        The map without holes, of the same dtype, and the holes, bool [height, width].

    Raises:
        ValueError: another shape, or a map of holes alone.
    """
    depth = np.asarray(depth)
    if depth.ndim != 2:
        raise ValueError(f"Expected a depth map [height, width]. Received shape {depth.shape}.")
    known = (np.isfinite(depth) & (depth != 0)) if depth.dtype.kind == "f" else depth != 0
    if not known.any():
        raise ValueError(
            "Every pixel of the depth map is a hole. Expected at least one that is none."
        )
    values = np.where(known, depth, 0).astype("float64")
    filled = _filled(values, known.astype("float64"))
    if depth.dtype.kind != "f":
        filled = np.rint(filled)
    return np.where(known, depth, filled.astype(depth.dtype)), ~known


def _filled(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values times `known`, 0 or 1, with the rest from maps of half the size."""
    if known.all():
        return values
    height, width = values.shape
    pad = ((0, height % 2), (0, width % 2))
    sums, counts = (
        np.pad(plane, pad).reshape(-(-height // 2), 2, -(-width // 2), 2).sum(axis=(1, 3))
        for plane in (values, known)
    )
    there = (counts > 0).astype("float64")
    smaller = _filled(sums / np.maximum(counts, 1), there)
    larger = np.repeat(np.repeat(smaller, 2, axis=0), 2, axis=1)[:height, :width]
    return np.where(known > 0, values, larger)
