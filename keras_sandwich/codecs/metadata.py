"""XMP and ICC profiles that stand in files."""

import io
from collections.abc import Iterator
from typing import Any

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import check_data
from keras_sandwich.codecs.jpeg import XMP_HEADER
from keras_sandwich.codecs.libraries import damage_in_words, pillow, pillow_picture

ICC_HEADER = b"ICC_PROFILE\x00"
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
APP1, APP2, START_OF_SCAN, END_OF_IMAGE = 0xE1, 0xE2, 0xDA, 0xD9


def read_metadata(data: bytes) -> tuple[bytes | None, bytes | None]:
    """XMP and ICC profile of a file: JPEG, WebP, AVIF, HEIC, and whatever else Pillow opens. No pixel is decoded.

    Example:

    ```python
    import numpy as np
    import keras_sandwich as ks

    file = ks.codecs.JPEG().encode(np.zeros((8, 8, 1), "uint8"), xmp=b"<x:xmpmeta/>")
    assert ks.codecs.read_metadata(file) == (b"<x:xmpmeta/>", None)
    ```

    Args:
        data: the bytes of a file.

    Returns:
        `(xmp, icc_profile)`, each as bytes, or None where the file has none.

    Raises:
        ValueError: the file is damaged, or larger than can be meant.
        TypeError: what was given is no bytes.
        OSError: the file is of no kind that is known.
        ImportError: Pillow, or for HEIC pillow-heif, is not installed.
    """
    data = check_data(data)
    if data[:2] == b"\xff\xd8":
        return _read_jpeg(data)
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        library = import_library("pillow_heif", "HEIC", "heic")
        with damage_in_words("HEIC"):
            return _found(library.open_heif(io.BytesIO(data)).info)
    with damage_in_words("picture"), _opened(data) as picture:
        return _found(picture.info)


def _opened(data: bytes) -> Any:
    if data[8:12] == b"WEBP":
        return pillow_picture(data, "WEBP")
    if data[4:12] == b"ftypavif":
        return pillow_picture(data, "AVIF")
    return pillow("read_metadata").open(io.BytesIO(data))


def _found(info: dict[str, Any]) -> tuple[bytes | None, bytes | None]:
    xmp, profile = info.get("xmp", info.get("XML:com.adobe.xmp")), info.get("icc_profile")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return xmp or None, profile or None


def _read_jpeg(data: bytes) -> tuple[bytes | None, bytes | None]:
    """By the segments before the first scan: older versions of Pillow tell no XMP."""
    xmp, parts = None, dict[int, bytes]()
    total = 0
    for marker, payload in _segments(data):
        if marker == APP1 and payload.startswith(XMP_HEADER):
            xmp = xmp or payload[len(XMP_HEADER) :]
        elif marker == APP2 and payload.startswith(ICC_HEADER) and len(payload) >= 14:
            number, total = payload[12:14]
            parts[number] = payload[14:]
    if sorted(parts) != list(range(1, total + 1)):
        raise ValueError(
            f"Expected an ICC profile in segments 1 to {total}. Received {sorted(parts)}."
        )
    return xmp or None, b"".join(parts[number] for number in sorted(parts)) or None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, payload) of the segments of a JPEG file before its first scan."""
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError(f"Not a readable JPEG file: no marker at byte {place}.")
        marker, size = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            return
        if size < 2 or place + 2 + size > len(data):
            raise ValueError(f"Not a readable JPEG file: a segment of {size} bytes at {place}.")
        yield marker, data[place + 4 : place + 2 + size]
        place += 2 + size
    raise ValueError("Not a readable JPEG file: it ends before its first scan.")
