"""Pictures of high dynamic range: radiance, without an upper end, from the files that hold it."""

import os
from pathlib import Path

import numpy as np

from keras_sandwich._whole_files import replace_whole, write_whole
from keras_sandwich.pictures.array_files import read_array
from keras_sandwich.pictures.openexr import read_channels, write_channels
from keras_sandwich.pictures.rgbe import decode_rgbe, encode_rgbe

SUFFIXES = (".hdr", ".pic", ".exr", ".npy", ".npz")
COLOURS = ("R", "G", "B")


def load_radiance(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads radiance: linear light, in the file's own unit.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    light = np.geomspace(0.01, 5000, 32 * 48 * 3).reshape(32, 48, 3).astype("float32")
    ks.pictures.save_radiance("light.hdr", light)
    again = ks.pictures.load_radiance("light.hdr")
    assert np.allclose(again, light, rtol=0.02)
    ```

    Args:
        path: a Radiance picture (.hdr or .pic), an OpenEXR file with the channels R, G and B, or Y alone (.exr), or an
            array [height, width] or [height, width, 1 or 3] (.npy, or the only one of an .npz). Gray becomes three
            equal channels; other channels, alpha too, are dropped.

    Returns:
        float32 [height, width, 3], finite and not negative.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: another suffix, a damaged file, missing channels, integers, or radiance that is NaN, infinite or
            negative.
        ImportError: OpenEXR is needed and not installed.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(
            f"Radiance is read from {', '.join(SUFFIXES)} files. Received {str(path)!r}; pictures with an upper end "
            "are read by `read_picture`."
        )
    try:
        if suffix == ".exr":
            file.stat()  # OSError in words
            radiance = _of_exr(read_channels(file))
        elif suffix in (".npy", ".npz"):
            radiance = _of_array(read_array(file))
        else:
            radiance = decode_rgbe(file.read_bytes())
        _require_radiance(radiance)
    except ValueError as error:
        raise ValueError(f"The radiance in {str(path)!r} cannot be read: {error}.") from error
    return radiance


def save_radiance(path: str | os.PathLike[str], radiance: np.ndarray) -> None:
    """Writes radiance as an OpenEXR file of half floats, or a Radiance picture; whole or not at all.

    Args:
        path: of an .exr or .hdr file.
        radiance: [height, width, 3], finite and not negative.

    Raises:
        OSError: it cannot be written.
        ValueError: another suffix, another shape, or radiance that is NaN, infinite or negative.
        ImportError: OpenEXR is needed and not installed.
    """
    file, radiance = Path(path), np.asarray(radiance, "float32")
    if file.suffix.lower() not in (".exr", ".hdr") or radiance.ndim != 3 or radiance.shape[-1] != 3:
        raise ValueError(
            "Expected radiance [height, width, 3] and a name that ends in .exr or .hdr. "
            f"Received shape {radiance.shape} and {str(path)!r}."
        )
    _require_radiance(radiance)
    if file.suffix.lower() == ".hdr":
        write_whole(file, encode_rgbe(radiance))
        return
    halves = np.minimum(radiance, np.finfo("float16").max).astype("float16")
    with replace_whole(file) as new:
        write_channels(new, {name: halves[..., place] for place, name in enumerate(COLOURS)})


def _of_exr(channels: dict[str, np.ndarray]) -> np.ndarray:
    names = COLOURS if set(COLOURS) <= set(channels) else ("Y", "Y", "Y")
    if not set(names) <= set(channels):
        raise ValueError(
            f"expected the channels R, G and B, or Y alone, and it has {', '.join(sorted(channels))}"
        )
    picked = [channels[name] for name in names]
    if any(channel.dtype.kind != "f" for channel in picked):
        raise ValueError("its channels hold integers, which are no radiance")
    return np.stack(picked, axis=-1)


def _of_array(array: np.ndarray) -> np.ndarray:
    array = array[..., None] if array.ndim == 2 else array
    if array.dtype.kind != "f" or array.ndim != 3 or array.shape[-1] not in (1, 3):
        raise ValueError(
            "expected floats [height, width] or [height, width, 1 or 3], and it holds "
            f"{array.dtype} of shape {array.shape}"
        )
    return np.broadcast_to(array, (*array.shape[:2], 3)).astype("float32")


def _require_radiance(radiance: np.ndarray) -> None:
    bad = int((~np.isfinite(radiance)).sum())
    negative = int((radiance < 0).sum())
    if bad or negative:
        raise ValueError(
            "radiance is finite and not negative, and this has "
            f"{bad} NaN or infinite values and {negative} negative ones; repair the file, for example with "
            "np.nan_to_num and np.maximum"
        )
