"""Pictures and data as codecs take them."""

from typing import Any

import numpy as np

from keras_sandwich._arguments import require_option

# Pillow's own limit: twice its MAX_IMAGE_PIXELS, a quarter gibibyte of RGB each.
MAX_PIXELS = 2 * (1024 * 1024 * 1024 // 4 // 3)


def check_image(image: Any, bits: int = 8) -> np.ndarray:
    """The picture, or ValueError if no file of so many bits can hold it."""
    image = np.asarray(image)
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    right_shape = image.ndim == 3 and image.shape[-1] in (1, 3) and image.size
    if image.dtype != dtype or not right_shape:
        raise ValueError(
            f"Expected {dtype} [height, width, 1 or 3]. Received {image.dtype} of shape {image.shape}; "
            f"round and clip to 0…{2**bits - 1} first."
        )
    if bits in (10, 12) and image.max() >= 2**bits:
        raise ValueError(
            f"Expected samples from 0 to {2**bits - 1}, as {bits} bits hold them. Received up to {image.max()}."
        )
    return np.ascontiguousarray(image)


def check_sides(image: np.ndarray, kind: str, most: int) -> None:
    """ValueError for a picture with a side that is longer than files of that kind hold, or are read with."""
    height, width = image.shape[:2]
    if max(height, width) > most:
        raise ValueError(
            f"{kind} holds at most {most} pixels a side. Received a picture of {width}×{height}; "
            "cut it into parts, or take another codec."
        )


def as_plane(image: np.ndarray) -> np.ndarray:
    """[height, width] of a grayscale picture, as the libraries want it; colour as it is."""
    return image[..., 0] if image.shape[-1] == 1 else image


def with_channels(pixels: np.ndarray) -> np.ndarray:
    """The inverse of `as_plane`."""
    return pixels[..., None] if pixels.ndim == 2 else pixels


def check_data(data: Any) -> bytes:
    """The bytes of a file, or TypeError for what is none."""
    if isinstance(data, bytes | bytearray | memoryview):
        return bytes(data)
    raise TypeError(
        "Expected the bytes of a file, as bytes, bytearray or memoryview. "
        f"Received {type(data).__name__}; of a path, read the file first."
    )


def check_size(width: int, height: int) -> None:
    """ValueError for a picture that is larger than can be meant."""
    if not 0 < width * height <= MAX_PIXELS:
        raise ValueError(
            f"The file claims {width}×{height} pixels. Expected from 1 to {MAX_PIXELS} of them: "
            "more is a decompression bomb or damage."
        )


def check_bits(found: int, expected: int) -> None:
    """ValueError if a file holds samples of other bits than the codec was made for."""
    if found != expected:
        raise ValueError(
            f"Expected a file of {expected}-bit samples. Received one of {found} bits: "
            f"decode it with a codec that was made with bits={found}."
        )


def check_depth(bits: Any, depths: tuple[int, ...]) -> int:
    """The bits of a sample as an int, or ValueError if the codec has no such depth."""
    require_option(bits, depths, "bits")
    return int(bits)
