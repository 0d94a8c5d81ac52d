"""Clips as the planes that video codecs code, and back: the colour matrix, and chroma at half the size."""

import numpy as np

MATRICES = {
    "bt709": (0.2126, 0.0722),
    "bt601": (0.299, 0.114),
    "bt2020": (0.2627, 0.0593),
}  # the shares of red and blue in luma


def to_planes(
    frame: np.ndarray, bits: int, subsampled: bool, matrix: str | None
) -> list[np.ndarray]:
    """A frame [height, width, 1 or 3] to planes of integers.

    Args:
        frame: integers, of even sides where chroma is subsampled.
        bits: of a sample.
        subsampled: whether the second and the third plane have half the size, each sample the mean of four.
        matrix: which makes luma and chroma, of full range, of R, G and B; None: the channels are luma and chroma.
    """
    if frame.shape[-1] == 1:
        return [frame[..., 0]]
    top = 2**bits - 1
    values = frame.astype("float64")
    if matrix is not None:
        red, blue = MATRICES[matrix]
        luma = values @ [red, 1 - red - blue, blue]
        middle = 2.0 ** (bits - 1)
        chroma = [
            (values[..., place] - luma) / (2 * (1 - share)) + middle
            for place, share in ((2, blue), (0, red))
        ]
        values = np.stack([luma, *chroma], axis=-1)
    planes = [values[..., channel] for channel in range(3)]
    if subsampled:
        planes[1:] = [_halved(plane) for plane in planes[1:]]
    return [np.clip(np.rint(plane), 0, top).astype(frame.dtype) for plane in planes]


def from_planes(
    planes: list[np.ndarray], bits: int, matrix: str | None, full_range: bool
) -> np.ndarray:
    """The inverse of `to_planes`, [height, width, 1 or 3] of integers; limited range is brought to full."""
    top = 2**bits - 1
    dtype = planes[0].dtype
    if full_range and len(planes) == 1:
        return planes[0][..., None]
    if full_range and matrix is None and planes[0].shape == planes[1].shape:
        return np.stack(planes, axis=-1)
    values = [plane.astype("float64") for plane in planes]
    middle = 2.0 ** (bits - 1)
    if (
        not full_range
    ):  # ITU-T H.273, 8.3: 219 levels of luma from 16, 224 of chroma around the middle
        scale = 2.0 ** (bits - 8)
        values[0] = (values[0] - 16 * scale) * (top / (219 * scale))
        values[1:] = [(v - middle) * (top / (224 * scale)) + middle for v in values[1:]]
    if len(values) == 3:
        size = values[0].shape
        values[1:] = [v if v.shape == size else _doubled(v) for v in values[1:]]
        if matrix is not None:
            red, blue = MATRICES[matrix]
            luma, cb, cr = values[0], values[1] - middle, values[2] - middle
            r, b = luma + 2 * (1 - red) * cr, luma + 2 * (1 - blue) * cb
            values = [r, (luma - red * r - blue * b) / (1 - red - blue), b]
    return np.clip(np.rint(np.stack(values, axis=-1)), 0, top).astype(dtype)


def _halved(plane: np.ndarray) -> np.ndarray:
    height, width = plane.shape
    means: np.ndarray = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return means


def _doubled(plane: np.ndarray) -> np.ndarray:
    """Bilinear, from samples in the middle of four."""
    for _ in range(2):
        before = np.concatenate([plane[:1], plane[:-1]])
        after = np.concatenate([plane[1:], plane[-1:]])
        pairs = np.stack([0.75 * plane + 0.25 * before, 0.75 * plane + 0.25 * after], axis=1)
        plane = pairs.reshape(-1, plane.shape[1]).T
    return plane
