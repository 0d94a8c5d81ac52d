"""Picture files as a viewer shows them, with the meaning of their colours: the one reader of the package."""

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.pictures.colour_management import fitting, in_srgb
from keras_sandwich.pictures.decoding import decode
from keras_sandwich.pictures.formats import USER
from keras_sandwich.pictures.opening import Opened, open_picture
from keras_sandwich.pictures.raster import Raster, rescale
from keras_sandwich.pictures.stated_colours import stated_profile

Read = TypeVar("Read")

ORIENTATION = 0x0112  # of EXIF and TIFF


@dataclass(frozen=True)
class Picture:
    """A picture as networks are given it.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    picture = ks.pictures.Picture(np.zeros((8, 8, 3), "uint8"), profile=None)
    assert picture.profile is None  # sRGB
    ```

    Attributes:
        pixels: [height, width, channels] in [0, 255·2^k]: uint8, or uint16 where k > 0.
        profile: the ICC profile that says what these pixels mean, or None: sRGB.
    """

    pixels: np.ndarray
    profile: bytes | None


def read_picture(
    path: str | os.PathLike[str],
    channels: int = 3,
    num_truncate_bits: int = 0,
    background: Any = None,
) -> Picture:
    """Reads a picture upright, brought to the channels and the depth of a network; a profile of RGB colours is kept.

    So `encode_file` reads pictures; docs/files.md says what becomes of each kind, and of what it says of its colours.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.new("L", (48, 32), 200).save("gray.png")
    picture = ks.pictures.read_picture("gray.png", num_truncate_bits=2)
    assert picture.pixels.shape == (32, 48, 3) and picture.pixels.max() == 4 * 200
    ```

    Args:
        path: a picture file.
        channels: 3, or 1: then the picture must be gray.
        num_truncate_bits: k: the pixels are brought to 8 + k bits, each to the nearest level.
        background: a colour, as Pillow names or counts it, on which transparent pixels are laid.

    Returns:
        A `Picture`.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it cannot be read as a picture, holds several, is of a high dynamic range, has transparent pixels
            and no background is given, or has colours that a network of one channel would lose; the background is no
            colour.
        ImportError: a library that reads it is not installed.
    """
    return _in_words(path, lambda data: _read(data, channels, num_truncate_bits, background))


def read_srgb(path: str | os.PathLike[str]) -> np.ndarray:
    """Reads a picture upright as sRGB; an alpha channel is dropped. So the loaders of `datasets` read pictures.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.new("L", (48, 32), 200).save("gray.png")
    assert ks.pictures.read_srgb("gray.png").shape == (32, 48, 3)
    ```

    Args:
        path: a picture file.

    Returns:
        A uint8 array [height, width, 3].

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it cannot be read as a picture, holds several, or is of a high dynamic range.
        ImportError: a library that reads it is not installed.
    """

    def read(data: bytes) -> Picture:
        raster, profile = _decoded(open_picture(data), deep=False)
        return Picture(in_srgb(Raster(raster.levels, raster.peak), profile).levels, None)

    return _in_words(path, read).pixels


def read_levels(path: str | os.PathLike[str]) -> tuple[np.ndarray, int]:
    """Reads the samples of a picture that shows no colours, such as a map of normals or of roughness, upright.

    No profile is applied, no alpha channel looked at.

    Example:

    ```python
    import keras_sandwich as ks
    from PIL import Image

    Image.new("I;16", (48, 32), 40_000).save("roughness.png")
    levels, peak = ks.pictures.read_levels("roughness.png")
    assert levels.shape == (32, 48, 1) and levels.max() == 40_000 and peak == 65535
    ```

    Args:
        path: a picture file.

    Returns:
        uint8 or uint16 [height, width, 1, 3 or, of CMYK, 4], and the level that means 1, 255 or 65535.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it cannot be read as a picture, or holds several.
        ImportError: a library that reads it is not installed.
    """

    def read(data: bytes) -> Raster:
        return _decoded(open_picture(data), deep=True)[0]

    raster = _in_words(path, read)
    return raster.levels, raster.peak


def _in_words(path: str | os.PathLike[str], read: Callable[[bytes], Read]) -> Read:
    data = Path(path).read_bytes()
    try:
        return read(data)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # decoders raise whatever they stumble over
        raise ValueError(
            f"The picture {str(path)!r} cannot be read: {error or type(error).__name__}."
        ) from error


def _read(data: bytes, channels: int, num_truncate_bits: int, background: Any) -> Picture:
    colour = None if background is None else _colour(background)
    deep = num_truncate_bits > 0
    raster, profile = _decoded(open_picture(data), deep)
    if raster.gray and raster.peak > 255 and deep and profile is not None:
        warnings.warn(
            "The picture's ICC profile of gray is not applied at 16 bits: its tones are taken as sRGB's.",
            stacklevel=4,
        )
        profile = None
    if raster.levels.shape[-1] != 3 and (profile is not None or not raster.gray):
        raster, profile = in_srgb(raster, profile), None
    raster = raster.opaque(colour)
    pixels = rescale(raster.levels, raster.peak, 255 << num_truncate_bits)
    if channels == 3:
        pixels = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    elif (pixels != pixels[..., :1]).any():
        raise ValueError("it has colours, and the network restores gray pictures alone")
    else:
        pixels, profile = pixels[..., :1], None
    return Picture(np.ascontiguousarray(pixels), profile)


def _decoded(opened: Opened, deep: bool) -> tuple[Raster, bytes | None]:
    """The samples, upright, and their profile."""
    if opened.format not in ("HEIC", "JPEGXL"):
        opened.picture.load()
    raster = decode(opened, deep)
    profile = fitting(stated_profile(opened, raster.gray), raster)
    return raster.turned(_orientation(opened)), profile


def _orientation(opened: Opened) -> int:
    # Their libraries turn them, and EXIF data may repeat it.
    if opened.format in ("HEIC", "JPEGXL", "TIFF"):
        return 1
    try:
        return int(opened.picture.getexif().get(ORIENTATION, 1))
    except Exception:  # damaged EXIF data must not hide the picture
        return 1


def _colour(background: Any) -> tuple[int, int, int]:
    """R, G and B of a colour as Pillow takes it."""
    pillow = import_library("PIL.Image", USER, "media")
    # Its alpha, if it has one, is of no use: nothing lies behind it.
    red, green, blue = pillow.new("RGB", (1, 1), background).getpixel((0, 0))
    return red, green, blue
