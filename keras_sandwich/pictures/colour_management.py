"""Pixels brought to sRGB by an ICC profile, as Little CMS in Pillow does it, at 8 bits."""

import io
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.pictures.formats import USER
from keras_sandwich.pictures.raster import Raster

SPACES = {1: b"GRAY", 3: b"RGB ", 4: b"CMYK"}
MODES = {1: "L", 3: "RGB", 4: "CMYK"}
BLACK_POINT_COMPENSATION = 0x2000  # of Little CMS; Pillow 10.3 and later have a name for it
SAME = 1  # level: less no profile can be told from sRGB's by


def fitting(profile: bytes | None, raster: Raster) -> bytes | None:
    """The profile, if it is one for pixels of this many channels."""
    fits = profile is not None and profile[16:20] == SPACES[raster.levels.shape[-1]]
    return profile if fits else None


def in_srgb(raster: Raster, profile: bytes | None) -> Raster:
    """Gray, RGB or CMYK as RGB of 8 bits; without the profile, with a warning, where it is of no use."""
    raster = raster.scaled(255)
    pillow = import_library("PIL.Image", USER, "media")
    channels = raster.levels.shape[-1]
    levels = raster.levels[..., 0] if channels == 1 else raster.levels
    picture = pillow.fromarray(np.ascontiguousarray(levels), MODES[channels])
    shown = picture if profile is None or is_srgb(profile) else _converted(picture, profile)
    return Raster(np.asarray(shown.convert("RGB")), 255, raster.alpha)


@lru_cache(maxsize=64)
def is_srgb(profile: bytes) -> bool:
    """Whether a profile of RGB says what sRGB says, by a cube of colours."""
    if profile[16:20] != b"RGB ":
        return False
    steps = np.linspace(0, 255, 9).round().astype("uint8")
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(9, 81, 3)
    pillow = import_library("PIL.Image", USER, "media")
    try:
        shown = np.asarray(_transformed(pillow.fromarray(cube, "RGB"), profile))
    except Exception:  # a damaged profile, of which `in_srgb` warns
        return False
    return bool(np.abs(shown.astype(int) - cube).max() <= SAME)


def _converted(picture: Any, profile: bytes) -> Any:
    management = import_library("PIL.ImageCms", USER, "media")
    try:
        return _transformed(picture, profile)
    except (management.PyCMSError, OSError) as error:
        warnings.warn(
            f"The picture's ICC profile cannot be used ({error}); its colours are converted "
            "without it.",
            stacklevel=6,
        )
        return picture


def _transformed(picture: Any, profile: bytes) -> Any:
    management = import_library("PIL.ImageCms", USER, "media")
    return management.profileToProfile(
        picture,
        management.ImageCmsProfile(io.BytesIO(profile)),
        management.createProfile("sRGB"),
        renderingIntent=management.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=BLACK_POINT_COMPENSATION,
    )
