"""What stands in a file's header, of which no pixel is decoded."""

from dataclasses import dataclass
from typing import Any

from keras_sandwich.codecs.libraries import damage_in_words, pillow_picture


@dataclass(frozen=True)
class Header:
    """The header of a file that carries metadata.

    Attributes:
        size: (height, width) of the picture.
        xmp: the XMP packet, or None.
        icc_profile: or None.
    """

    size: tuple[int, int]
    xmp: bytes | None
    icc_profile: bytes | None


def pillow_header(data: bytes, kind: str) -> Header:
    """The header of a file of that kind, as Pillow reads it."""
    with damage_in_words(kind), pillow_picture(data, kind) as picture:
        width, height = picture.size
        return Header((height, width), *found_metadata(picture.info))


def found_metadata(info: dict[str, Any]) -> tuple[bytes | None, bytes | None]:
    """XMP and ICC profile among what a library says of a picture."""
    xmp, profile = info.get("xmp", info.get("XML:com.adobe.xmp")), info.get("icc_profile")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return xmp or None, profile or None
