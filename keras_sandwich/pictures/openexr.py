"""OpenEXR files, `.exr`: channels of half or single floats, as the OpenEXR project's own library reads them."""

import os
from collections.abc import Mapping

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import check_size

USER = "Reading and writing OpenEXR files"


def read_channels(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The channels of a file of one part by their names, float32 or uint32 [height, width]; ValueError for others."""
    library = import_library("OpenEXR", USER, "exr")
    try:
        with library.File(os.fspath(path), separate_channels=True) as file:
            parts = list(file.parts)
            found = (
                {} if not parts else {n: np.array(c.pixels) for n, c in parts[0].channels.items()}
            )
    except Exception as error:  # the library raises RuntimeError and what it stumbles over
        raise ValueError(f"it is no OpenEXR file, or damaged: {error}") from error
    if len(parts) != 1 or not found:
        raise ValueError(f"it holds {len(parts)} parts, a picture only one")
    shapes = {channel.shape for channel in found.values()}
    if len(shapes) != 1 or any(len(shape) != 2 for shape in shapes):
        raise ValueError(f"its channels differ in size, {sorted(shapes)}, or are deep; resample it")
    height, width = next(iter(shapes))
    check_size(width, height)
    return {
        name: channel.astype("float32") if channel.dtype.kind == "f" else channel
        for name, channel in found.items()
    }


def write_channels(path: str | os.PathLike[str], channels: Mapping[str, np.ndarray]) -> None:
    """Writes channels [height, width] of one dtype, losslessly compressed."""
    library = import_library("OpenEXR", USER, "exr")
    header = {"compression": library.ZIP_COMPRESSION, "type": library.scanlineimage}
    contiguous = {name: np.ascontiguousarray(channel) for name, channel in channels.items()}
    with library.File(header, contiguous) as file:
        file.write(os.fspath(path))
