"""Which kind of image file it is, and what stands in its header: nothing is decoded."""

import io
from dataclasses import dataclass

from keras_sandwich import codecs
from keras_sandwich.codecs.libraries import pillow_picture
from keras_sandwich.codecs.registry import CODECS

CODED_SUFFIXES = tuple(
    suffix for codec in CODECS if codec().carries_metadata for suffix in codec.suffixes
)


@dataclass(frozen=True)
class Container:
    """The header of an image file.

    Attributes:
        format: "JPEG", "WebP", "AVIF" or "HEIC".
        suffix: the usual one, which names the codec.
        size: (height, width) of the coded picture.
        xmp: the XMP packet, or None.
        icc_profile: or None.
    """

    format: str
    suffix: str
    size: tuple[int, int]
    xmp: bytes | None
    icc_profile: bytes | None


def read_container(data: bytes) -> Container:
    """Reads the header of a JPEG, WebP, AVIF or HEIC file. Anything else, or damage, raises ValueError."""
    name, suffix = _format(data)
    try:
        xmp, profile = codecs.read_metadata(data)
        width, height = _size(data, name)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # parsers raise whatever they stumble over
        raise ValueError(f"it is damaged, its header cannot be read: {error}") from error
    return Container(name, suffix, (height, width), xmp, profile)


def _format(data: bytes) -> tuple[str, str]:
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG", ".jpg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP", ".webp"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis"):
        return "AVIF", ".avif"
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"heis", b"mif1"):
        return "HEIC", ".heic"
    raise ValueError("it is no JPEG, WebP, AVIF or HEIC file")


def _size(data: bytes, name: str) -> tuple[int, int]:
    """(width, height)."""
    if name == "HEIC":
        import pillow_heif  # `read_metadata` has just used it

        width, height = pillow_heif.open_heif(io.BytesIO(data)).size
        return width, height
    with pillow_picture(data, name.upper()) as picture:
        width, height = picture.size
    return width, height
