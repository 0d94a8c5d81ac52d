"""The samples of pictures of eight bits, by Pillow's modes."""

from typing import Any

import numpy as np

from keras_sandwich.pictures.raster import Raster


def of_eight_bits(picture: Any) -> Raster:
    """The samples of a picture of Pillow whose mode says what they are."""
    mode, transparency = picture.mode, picture.info.get("transparency")
    if mode == "F":
        raise ValueError("floating-point pixels have no known range; pass the array instead")
    if mode in ("1", "L"):
        levels = np.asarray(picture.convert("L"))[..., None]
        named = isinstance(transparency, int)
        return Raster(levels, alpha=keyed(levels, (int(transparency),)) if named else None)
    if mode in ("LA", "La"):
        levels = np.asarray(picture.convert("LA"))
        return Raster(levels[..., :1], alpha=levels[..., 1])
    if mode == "CMYK":
        return Raster(np.asarray(picture))
    if mode in ("RGBA", "RGBa", "PA") or (mode in ("P", "RGB") and transparency is not None):
        levels = np.asarray(picture.convert("RGBA"))
        return Raster(levels[..., :3], alpha=levels[..., 3])
    if mode in ("P", "RGB", "RGBX", "YCbCr"):
        return Raster(np.asarray(picture.convert("RGB")))
    raise ValueError(f"pixels of Pillow's mode {mode} are not read; save it as gray or RGB")


def keyed(levels: np.ndarray, key: tuple[int, ...], peak: int = 255) -> np.ndarray:
    """Alpha, 0 where one level, or colour, stands for a transparent pixel."""
    opaque = (levels != np.array(key)).any(axis=-1)
    return opaque.astype(levels.dtype) * levels.dtype.type(peak)
