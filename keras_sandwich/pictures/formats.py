"""The kinds of picture files that are read, and what must be installed for each."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from keras_sandwich._optional import import_library

USER = "Reading picture files"


@dataclass(frozen=True)
class Format:
    """A kind of picture files.

    Attributes:
        name: as Pillow calls it, or "HEIC" or "JPEGXL".
        suffixes: of its files.
        missing: in words what must be installed to read it; "" where it is.
    """

    name: str
    suffixes: tuple[str, ...]
    missing: Callable[[], str] = str


def _without_feature(feature: str, words: str) -> Callable[[], str]:
    def missing() -> str:
        features = import_library("PIL.features", USER, "media")
        known = feature in features.modules or feature in features.codecs  # to this Pillow
        return "" if known and features.check(feature) else words

    return missing


def _without_module(module: str, words: str) -> Callable[[], str]:
    return lambda: "" if find_spec(module) is not None else words


# TGA files have no signature, so they are tried last. Formats that run programs, as EPS does, are none of these.
FORMATS = (
    Format("PNG", (".png",)),
    Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif")),
    Format("WEBP", (".webp",), _without_feature("webp", "a Pillow with WebP")),
    Format("AVIF", (".avif",), _without_feature("avif", "a Pillow with AVIF, 11.3 or later")),
    Format(
        "HEIC",
        (".heic", ".heif"),
        _without_module("pillow_heif", 'pillow-heif: pip install "keras-sandwich[heic]"'),
    ),
    Format(
        "JPEGXL",
        (".jxl",),
        _without_module("imagecodecs", 'imagecodecs: pip install "keras-sandwich[jpegxl]"'),
    ),
    Format("JPEG2000", (".jp2", ".j2k"), _without_feature("jpg_2000", "a Pillow with JPEG 2000")),
    Format("BMP", (".bmp",)),
    Format("DIB", (".dib",)),
    Format("GIF", (".gif",)),
    Format("TIFF", (".tif", ".tiff")),
    Format("PPM", (".ppm", ".pgm", ".pbm", ".pnm")),
    Format("TGA", (".tga",)),
)

PICTURE_SUFFIXES = tuple(suffix for kind in FORMATS for suffix in kind.suffixes)


def readable_formats() -> list[str]:
    """The names of the formats that can be read with what is installed, sorted."""
    return sorted(kind.name for kind in FORMATS if not kind.missing())


def readable_suffixes() -> tuple[str, ...]:
    """The suffixes of these formats."""
    return tuple(suffix for kind in FORMATS if not kind.missing() for suffix in kind.suffixes)
