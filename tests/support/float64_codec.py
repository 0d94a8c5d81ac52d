"""The codec proxy written once more, from its definitions, in float64 NumPy."""

from typing import Any, NamedTuple

import numpy as np


def rgb_to_yuv(rgb: np.ndarray) -> np.ndarray:
    """JFIF 1.02, "Conversion to and from RGB"."""
    r, g, b = np.moveaxis(np.asarray(rgb, "float64"), -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return np.stack([y, (b - y) / 1.772 + 128, (r - y) / 1.402 + 128], axis=-1)


def yuv_to_rgb(yuv: np.ndarray) -> np.ndarray:
    y, u, v = np.moveaxis(np.asarray(yuv, "float64"), -1, 0)
    r, b = y + 1.402 * (v - 128), y + 1.772 * (u - 128)
    return np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], axis=-1)


def kernel(method: str, x: float) -> float:
    """The interpolation kernels at one place."""
    x = abs(x)
    if method == "bilinear":
        return max(1 - x, 0)
    if method == "lanczos3":
        return float(np.sinc(x) * np.sinc(x / 3)) if x < 3 else 0
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0


def resample(
    images: np.ndarray, axis: int, new_size: int, method: str, antialias: bool = True
) -> np.ndarray:
    """One axis, one output sample after the other."""
    images = np.moveaxis(np.asarray(images, "float64"), axis, 0)
    size = len(images)
    stretch = max(size / new_size, 1) if antialias else 1
    result = []
    for i in range(new_size):
        centre = (i + 0.5) * size / new_size - 0.5
        weights = np.array([kernel(method, (k - centre) / stretch) for k in range(size)])
        result.append(np.tensordot(weights / weights.sum(), images, 1))
    return np.moveaxis(np.stack(result), 0, axis)


def halve(planes: np.ndarray, axis: int) -> np.ndarray:
    """[1, 3, 3, 1]/8 where there are samples, renormalised."""
    planes = np.moveaxis(np.asarray(planes, "float64"), axis, 0)
    size, rows = len(planes), []
    for i in range(size // 2):
        taps = [(2 * i - 1 + k, w) for k, w in enumerate((1, 3, 3, 1)) if 0 <= 2 * i - 1 + k < size]
        rows.append(sum(w * planes[k] for k, w in taps) / sum(w for _, w in taps))
    return np.moveaxis(np.stack(rows), 0, axis)


def double(planes: np.ndarray, axis: int) -> np.ndarray:
    """Lanczos3."""
    return resample(planes, axis, 2 * planes.shape[axis], "lanczos3")


_k = np.arange(8)
_COSINE = np.cos((2 * _k[:, None] + 1) * _k[None, :] * np.pi / 16)  # [sample, frequency]
_SCALE = np.where(_k == 0, np.sqrt(0.5), 1.0) / 2


def dct(blocks: np.ndarray) -> np.ndarray:
    """T.81 A.3.3, summed as it is written."""
    total = np.einsum("...yx,yv,xu->...vu", np.asarray(blocks, "float64"), _COSINE, _COSINE)
    return total * np.outer(_SCALE, _SCALE)


def inverse_dct(coefficients: np.ndarray) -> np.ndarray:
    scaled = np.asarray(coefficients, "float64") * np.outer(_SCALE, _SCALE)
    return np.einsum("...vu,yv,xu->...yx", scaled, _COSINE, _COSINE)


class Coded(NamedTuple):
    decoded: np.ndarray
    indices: list[np.ndarray]
    residuals: list[np.ndarray]  # what rounding added
    inside: np.ndarray  # 1.0 where clipping changes nothing


def code(
    images: np.ndarray,
    qstep: Any,
    luma_table: Any = None,
    chroma_table: Any = None,
    convert_to_yuv: bool = False,
    chroma_subsampling: str = "4:4:4",
    clip_to_image_max: bool = True,
    image_max: float = 255.0,
    residuals: list[np.ndarray] | None = None,
) -> Coded:
    """Pad, convert, subsample, transform, quantize, and back.

    With `residuals` rounding is replaced by adding them: the smooth function whose derivative is
    what straight-through gradients are.
    """
    axes = {"4:4:4": (), "4:2:2": (2,), "4:2:0": (1, 2)}[chroma_subsampling]
    images = np.asarray(images, "float64")
    _, height, width, channels = images.shape
    multiples = [16 if axis in axes else 8 for axis in (1, 2)]
    margins = ((0, 0), (0, -height % multiples[0]), (0, -width % multiples[1]), (0, 0))
    planes = np.pad(images, margins, mode="symmetric")
    planes = rgb_to_yuv(planes) if convert_to_yuv else planes
    qstep = np.reshape(np.asarray(qstep, "float64"), (-1, 1, 1, 1, 1))
    coded, all_indices, all_residuals = [], [], []
    for channel in range(channels):
        plane = planes[..., channel]
        for axis in axes if channel % 3 else ():
            plane = halve(plane, axis)
        table = chroma_table if channel % 3 else luma_table
        step = qstep * (1.0 if table is None else np.asarray(table, "float64"))
        batch, rows, columns = plane.shape[0], plane.shape[1] // 8, plane.shape[2] // 8
        blocks = plane.reshape(batch, rows, 8, columns, 8).transpose(0, 1, 3, 2, 4)
        scaled = dct(blocks - 128) / step
        residual = np.rint(scaled) - scaled
        if residuals is not None:
            residual = residuals[channel]
        index = scaled + residual
        blocks = inverse_dct(index * step) + 128
        plane = blocks.transpose(0, 1, 3, 2, 4).reshape(plane.shape)
        for axis in axes if channel % 3 else ():
            plane = double(plane, axis)
        coded.append(plane)
        all_indices.append(index.reshape(batch, rows, columns, 64))
        all_residuals.append(residual)
    decoded = np.stack(coded, axis=-1)
    decoded = yuv_to_rgb(decoded) if convert_to_yuv else decoded
    decoded = decoded[:, :height, :width]
    inside = np.ones_like(decoded)
    if clip_to_image_max:
        inside = ((decoded >= 0) & (decoded <= image_max)).astype(float)
        decoded = np.clip(decoded, 0, image_max)
    return Coded(decoded, all_indices, all_residuals, inside)
