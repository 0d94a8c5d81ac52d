"""Restored depth maps and radiance as files that keep them."""

import io
from pathlib import Path

import numpy as np

from keras_sandwich._whole_files import replace_whole, write_whole
from keras_sandwich.files.lossless import encode_picture
from keras_sandwich.files.stated_values import StatedValues
from keras_sandwich.pictures import save_radiance
from keras_sandwich.pictures.openexr import write_channels

SUFFIXES = {
    ("depth", "uint16"): (".png", ".npy"),
    ("depth", "float32"): (".exr", ".npy"),
    ("radiance", "float32"): (".exr", ".hdr"),
}


def require_values_format(target: Path, values: StatedValues) -> str:
    """The suffix of a target that holds such values; ValueError for another."""
    suffix, fitting = target.suffix.lower(), SUFFIXES[values.kind, values.dtype]
    if suffix not in fitting:
        what = "a depth map" if values.kind == "depth" else "radiance"
        raise ValueError(
            f"The file holds {what} of {values.dtype}, which is written as {' or '.join(fitting)}. "
            f"Received target={str(target)!r}."
        )
    return suffix


def write_values(target: Path, values: np.ndarray) -> None:
    """Writes a depth map [height, width], or radiance [height, width, 3], to a file of `require_values_format`."""
    suffix = target.suffix.lower()
    if values.ndim == 3:
        save_radiance(target, values)
    elif suffix == ".png":
        write_whole(target, encode_picture(values[..., None], suffix))
    elif suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, values)
        write_whole(target, buffer.getvalue())
    else:
        with replace_whole(target) as new:
            write_channels(new, {"Z": values})
