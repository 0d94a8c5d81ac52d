"""How far a restored depth map is off, where the original has values."""

import numpy as np


def end_point_error(
    depth: np.ndarray, restored: np.ndarray, valid: np.ndarray | None = None
) -> float:
    """The mean absolute difference, in the maps' unit, as stereo benchmarks take it.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    depth = np.array([[1000, 0]], "uint16")
    assert ks.depth.end_point_error(depth, np.array([[1004, 99]], "uint16")) == 4
    ```

    Args:
        depth: the original, [height, width]; 0 and NaN are holes, which do not count.
        restored: of the same shape.
        valid: bool, which pixels count beside; None: all.

    Returns:
        A number ≥ 0.

    Raises:
        ValueError: shapes that differ, or no pixel that counts.
    """
    reference, found = _counted(depth, restored, valid)
    return float(np.abs(found - reference).mean())


def inverse_depth_psnr(
    depth: np.ndarray, restored: np.ndarray, valid: np.ndarray | None = None
) -> float:
    """PSNR of 1/depth in dB, whose peak is that of the nearest pixel: what counts for a picture warped by the depth.

    Args:
        depth: as in `end_point_error`, and so are the others.
        restored: values below the original's smallest count as that.
        valid: which pixels count.

    Returns:
        dB; infinite for equal maps.

    Raises:
        ValueError: as `end_point_error`.
    """
    reference, found = _counted(depth, restored, valid)
    nearest = reference.min()
    error = np.mean((1.0 / np.maximum(found, nearest) - 1.0 / reference) ** 2)
    return float(10 * np.log10(1.0 / nearest**2 / error)) if error else float("inf")


def share_off(
    depth: np.ndarray,
    restored: np.ndarray,
    tolerance: float = 0.01,
    valid: np.ndarray | None = None,
) -> float:
    """The share of pixels that are off by more than a share of their own value, 1 % unless said.

    Args:
        depth: as in `end_point_error`, and so are `restored` and `valid`.
        restored: of the same shape.
        tolerance: of the original's value.
        valid: which pixels count.

    Returns:
        0 to 1.

    Raises:
        ValueError: as `end_point_error`.
    """
    reference, found = _counted(depth, restored, valid)
    return float(np.mean(np.abs(found - reference) > tolerance * reference))


def _counted(
    depth: np.ndarray, restored: np.ndarray, valid: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of both maps that count, float64."""
    depth, restored = np.asarray(depth), np.asarray(restored)
    if depth.shape != restored.shape or (valid is not None and valid.shape != depth.shape):
        shapes = [depth.shape, restored.shape] + ([] if valid is None else [valid.shape])
        raise ValueError(f"Expected maps of one shape. Received {shapes}.")
    counts = np.isfinite(depth) & (depth != 0)
    if valid is not None:
        counts &= valid
    if not counts.any():
        raise ValueError("No pixel counts: all are holes, or none is valid.")
    return depth[counts].astype("float64"), restored[counts].astype("float64")
