"""Restored pictures as files that keep every sample."""

import io
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.libraries import imagecodecs

# Formats that keep every sample, and what Pillow is told so that they do.
FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "exact": True, "quality": 75}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".bmp": ("BMP", {}),
    ".ppm": ("PPM", {}),
    ".pgm": ("PPM", {}),
    ".pnm": ("PPM", {}),
    ".tga": ("TGA", {}),
}
WITHOUT_PROFILE = (".bmp", ".ppm", ".pgm", ".pnm", ".tga")
WEBP_MAX_SIDE = 16383
TGA_MAX_SIDE = 65535


def require_format(target: str | os.PathLike[str], size: tuple[int, int], bits: int = 8) -> str:
    """The suffix of a target that holds a picture of this (height, width) and depth without loss.

    Raises:
        ValueError: another suffix, or one whose format is too small.
    """
    suffix = Path(target).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            "A restored picture is written without loss, so the target must end in one of "
            f"{', '.join(FORMATS)}. Received target={str(target)!r}; convert the picture afterwards."
        )
    if bits > 8 and suffix != ".png":
        raise ValueError(
            f"A picture of {bits} bits is written as a PNG file of 16. "
            f"Received target={str(target)!r}; let it end in .png."
        )
    most = {".webp": WEBP_MAX_SIDE, ".tga": TGA_MAX_SIDE}.get(suffix)
    if most is not None and max(size) > most:
        raise ValueError(
            f"A {suffix} file holds at most {most} pixels a side. "
            f"Received a picture of {size[1]}×{size[0]}; write it as .png or .tif."
        )
    return suffix


def encode_picture(pixels: np.ndarray, suffix: str, profile: bytes | None = None) -> bytes:
    """uint8, or uint16 for ".png", [height, width, 1 or 3] to the bytes of a lossless file."""
    if profile is not None and suffix in WITHOUT_PROFILE:
        warnings.warn(
            f"A {suffix} file cannot hold the picture's ICC profile, which says what its colours "
            "mean; it is left out. Write .png, .webp or .tif to keep it.",
            stacklevel=3,
        )
        profile = None
    if pixels.dtype == np.uint16:
        return _sixteen_bits(pixels, profile)
    name, options = FORMATS[suffix]
    if profile is not None:
        options = {**options, "icc_profile": profile}
    picture = import_library("PIL.Image", "`decode_file`").fromarray(
        pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    )
    buffer = io.BytesIO()
    picture.save(buffer, name, **options)
    return buffer.getvalue()


def _sixteen_bits(pixels: np.ndarray, profile: bytes | None) -> bytes:
    library = imagecodecs("PNG files of 16 bits")
    file = bytes(library.png_encode(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
    if profile is None:
        return file
    header = 8 + 25  # the signature and the IHDR chunk, which the profile's chunk must follow
    body = b"iCCPicc\0\0" + zlib.compress(profile, 9)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return file[:header] + chunk + file[header:]
