"""Depth maps from the files that cameras, data sets and renderers write."""

import os
from pathlib import Path

import numpy as np

from keras_sandwich.pictures.array_files import read_array
from keras_sandwich.pictures.decoding import decode
from keras_sandwich.pictures.openexr import read_channels
from keras_sandwich.pictures.opening import Opened, open_picture

PICTURES = (".png", ".tif", ".tiff", ".pgm", ".pnm")
ARRAYS = (".npy", ".npz")
SUFFIXES = (*PICTURES, ".exr", *ARRAYS)
CHANNELS = ("Z", "Y", "R")  # of OpenEXR, in the order in which they are looked for
MOST = 65535


def load_depth(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a depth or disparity map as it stands in its file: no unit, no range is assumed.

    Example:

    ```python
    import keras_sandwich as ks
    import numpy as np

    depth = ks.datasets.synthetic_depth(48, 64, holes=True)
    np.save("depth.npy", depth)
    assert np.array_equal(ks.depth.load_depth("depth.npy"), depth)
    ```

    Args:
        path: gray of 16 bits (.png, .tif, .pgm), gray TIFF of floats, an OpenEXR file with the channel Z, Y or R, or an
            array [height, width] or [height, width, 1] (.npy, or the only one of an .npz).

    Returns:
        [height, width]: uint16, where 0 is a hole, "no value"; or float32, where NaN is one, which
        0, NaN and infinity have become.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: another suffix, a damaged file, colours, a depth of 8 bits, negative or too large integers, negative
            distances, or a map of holes alone.
        ImportError: a library that reads it is not installed.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"Depth maps are read from {', '.join(SUFFIXES)} files. Received {str(path)!r}; save it as one of these."
        )
    data = file.read_bytes()  # OSError in words, whichever library reads it
    try:
        if suffix in PICTURES:
            values = _of_picture(open_picture(data))
        elif suffix == ".exr":
            values = _of_channels(read_channels(file))
        else:
            values = read_array(file)
        return as_depth(values)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise ValueError(f"The depth map {str(path)!r} cannot be read: {error}.") from error


def as_depth(values: np.ndarray) -> np.ndarray:
    """An array as `load_depth` returns it; ValueError for what is no depth map."""
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if values.ndim != 2 or not values.size or values.dtype.kind not in "uif":
        raise ValueError(
            "expected numbers [height, width], one for each pixel. "
            f"Received {values.dtype} of shape {values.shape}"
        )
    if values.dtype.kind == "f":
        values = values.astype("float32")
        values = np.where(np.isfinite(values) & (values != 0), values, np.float32(np.nan))
        if (values < 0).any():
            raise ValueError(
                f"distances are positive. Received {int((values < 0).sum())} negative ones"
            )
        empty = np.isnan(values).all()
    else:
        if values.dtype == np.uint8:
            raise ValueError(
                "it has 8 bits, 256 levels, which any JPEG carries as they are: save it with 16, or read it with "
                "`pictures.read_picture`"
            )
        if values.min() < 0 or values.max() > MOST:
            raise ValueError(
                f"integers are 0, a hole, to {MOST}. Received {values.min()} to {values.max()}"
            )
        values = values.astype("uint16")
        empty = not values.any()
    if empty:
        raise ValueError("every pixel is a hole: 0, NaN or infinite")
    return values


def _of_picture(opened: Opened) -> np.ndarray:
    picture = opened.picture
    if picture.mode == "F":  # TIFF of floats, which as a picture would have no range
        return np.asarray(picture)
    raster = decode(opened, deep=True)
    if not raster.gray or raster.alpha is not None:
        raise ValueError(
            "it has colours or transparent pixels, and depth is one gray channel; if a depth camera coloured it, see "
            "`depth.decode_hue`"
        )
    return raster.levels


def _of_channels(channels: dict[str, np.ndarray]) -> np.ndarray:
    for name in CHANNELS:
        if name in channels:
            return channels[name]
    raise ValueError(
        f"expected a channel {', '.join(CHANNELS[:-1])} or {CHANNELS[-1]}, and it has {', '.join(sorted(channels))}"
    )
