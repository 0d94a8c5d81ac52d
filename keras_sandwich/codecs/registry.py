"""The one list of the codecs, of their files, and of what each of them needs; `Jpegli` is another encoder of JPEG's."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from keras_sandwich.codecs.avif import AVIF
from keras_sandwich.codecs.codec import Codec
from keras_sandwich.codecs.heic import HEIC
from keras_sandwich.codecs.jpeg import JPEG
from keras_sandwich.codecs.jpeg2000 import JPEG2000
from keras_sandwich.codecs.jpegxl import JPEGXL
from keras_sandwich.codecs.png import PNG
from keras_sandwich.codecs.webp import WebP


@dataclass(frozen=True)
class FileFormat:
    """A kind of files that a codec writes.

    Attributes:
        name: such as "JPEG".
        codec: the class.
        media_type: as registered with IANA.
        extra: the extra of this package that installs the library.
        begins: whether these bytes begin as such a file does.
    """

    name: str
    codec: type[Codec]
    media_type: str
    extra: str
    begins: Callable[[bytes], bool]

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Of its files, the usual one first."""
        return self.codec.suffixes

    @property
    def carries_metadata(self) -> bool:
        """Whether such files can be coded files: the codec, as it is without arguments, writes XMP."""
        return self.codec().carries_metadata


def _starts(signature: bytes, place: int = 0) -> Callable[[bytes], bool]:
    return lambda data: data[place : place + len(signature)] == signature


def _brands(*brands: bytes) -> Callable[[bytes], bool]:
    return lambda data: data[4:8] == b"ftyp" and data[8:12] in brands


FORMATS = (
    FileFormat("JPEG", JPEG, "image/jpeg", "codecs", _starts(b"\xff\xd8")),
    FileFormat("WebP", WebP, "image/webp", "codecs", _starts(b"WEBP", 8)),
    FileFormat("AVIF", AVIF, "image/avif", "codecs", _brands(b"avif", b"avis")),
    FileFormat("JPEG 2000", JPEG2000, "image/jp2", "codecs", _starts(b"jP  ", 4)),
    FileFormat(
        "HEIC",
        HEIC,
        "image/heic",
        "heic",
        _brands(b"heic", b"heix", b"heim", b"heis", b"mif1"),
    ),
    FileFormat(
        "JPEG XL",
        JPEGXL,
        "image/jxl",
        "jpegxl",
        lambda data: data[:2] == b"\xff\x0a" or data[4:8] == b"JXL ",
    ),
    FileFormat("PNG", PNG, "image/png", "codecs", _starts(b"\x89PNG\r\n\x1a\n")),
)


def codec_for(path: str | os.PathLike[str]) -> type[Codec]:
    """The class of codecs for a file's name or suffix.

    Example:

    ```python
    import keras_sandwich as ks

    assert ks.codecs.codec_for("photographs/one.JPG") is ks.codecs.JPEG
    assert ks.codecs.codec_for(".avif") is ks.codecs.AVIF
    ```

    Args:
        path: a path or a suffix, in letters of either case.

    Returns:
        A class derived from `Codec`.

    Raises:
        ValueError: no codec writes files of that suffix.
    """
    name = os.fspath(path).lower()
    for kind in FORMATS:
        if name.endswith(kind.suffixes):
            return kind.codec
    known = ", ".join(suffix for kind in FORMATS for suffix in kind.suffixes)
    raise ValueError(f"Expected a name that ends in one of {known}. Received {os.fspath(path)!r}.")


def format_of(data: bytes) -> FileFormat | None:
    """The kind of file that begins as these bytes do, or None."""
    return next((kind for kind in FORMATS if kind.begins(data)), None)


def coded_formats() -> tuple[FileFormat, ...]:
    """The kinds of files that `encode_file` writes: those that carry metadata."""
    return tuple(kind for kind in FORMATS if kind.carries_metadata)


def listed(names: list[str], last: str = "or") -> str:
    """Such as "JPEG, WebP, AVIF or HEIC"."""
    return f" {last} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
