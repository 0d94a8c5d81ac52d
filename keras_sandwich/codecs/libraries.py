"""The libraries that do the work: imported where they are used, their errors in words."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import as_plane, check_size, with_channels


def pillow(user: str) -> Any:
    """`PIL.Image`."""
    return import_library("PIL.Image", user)


def pillow_version(user: str, library: str, feature: str) -> str:
    """Pillow's version and that of a library in it."""
    version = pillow(user).__version__
    return f"Pillow {version}, {library} {import_library('PIL.features', user).version(feature)}"


def imagecodecs(user: str) -> Any:
    """`imagecodecs`."""
    return import_library("imagecodecs", user, "jpegxl")


def imagecodecs_version(user: str, kind: str) -> str:
    """The version of imagecodecs and that of the library in it for one kind of files."""
    library = imagecodecs(user)
    return f"imagecodecs {library.__version__}, {getattr(library, f'{kind}_version')()}"


@contextmanager
def damage_in_words(kind: str) -> Iterator[None]:
    """Whatever a library raises for a damaged file, as ValueError; OSError stays what it is.

    Parsers of damaged files raise SyntaxError, struct.error, EOFError, AssertionError and more, each library its own.
    """
    try:
        yield
    except (ValueError, OSError, ImportError, MemoryError):
        raise
    except Exception as error:
        raise ValueError(
            f"Not a readable {kind} file: {str(error) or type(error).__name__}"
        ) from error


@contextmanager
def refusal_in_words(kind: str, image: np.ndarray, known: str = "") -> Iterator[None]:
    """Whatever a library raises for a picture that it does not encode, as ValueError with the picture's size."""
    try:
        yield
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        height, width = image.shape[:2]
        reason = str(error) or type(error).__name__
        raise ValueError(
            f"{kind} cannot write a picture of {width}×{height} pixels: {reason.rstrip('.')}. "
            f"{known}Cut it into parts, or take another codec."
        ) from error


def pillow_save(image: np.ndarray, kind: str, *, mode: str | None = None, **options: Any) -> bytes:
    """The bytes of the file that Pillow writes; `mode` is Pillow's, where three samples are not R, G and B."""
    module, buffer = pillow(kind), io.BytesIO()
    with refusal_in_words(kind, image):
        if mode is None:
            picture = module.fromarray(as_plane(image))
        else:
            picture = module.frombytes(mode, image.shape[1::-1], image.tobytes())
        picture.save(buffer, kind, **options)
    return buffer.getvalue()


def pillow_picture(data: bytes, kind: str) -> Any:
    """A picture of that kind, of up to the size that files may have, of which nothing but the header is read.

    By the reader that Pillow has registered: `PIL.Image.open` asks it too, and then warns of half that size.
    """
    module = pillow(kind)
    if kind not in module.OPEN:
        module.init()
    with damage_in_words(kind):
        read, accepts = module.OPEN[kind]
        if accepts(data[:16]) is not True:
            raise ValueError(f"Not a readable {kind} file: it does not begin as one.")
        picture = read(io.BytesIO(data), "")
        check_size(*picture.size)
        return picture


@contextmanager
def pillow_open(data: bytes, kind: str) -> Iterator[Any]:
    """The only picture of a file of that kind, of which nothing but the header is read."""
    with damage_in_words(kind), pillow_picture(data, kind) as picture:
        if getattr(picture, "n_frames", 1) != 1:
            raise ValueError(f"Expected one picture. Received {picture.n_frames} frames.")
        yield picture


def pillow_load(data: bytes, kind: str) -> np.ndarray:
    """What Pillow reads from a file of that kind: uint8 [height, width, 1 or 3]."""
    with pillow_open(data, kind) as picture:
        if picture.mode not in ("L", "RGB"):
            raise ValueError(
                f"Expected a grayscale or RGB {kind}. Received one of mode {picture.mode!r}."
            )
        return with_channels(np.array(picture))
