"""Bytes that anybody may have written, opened as the one picture that they hold; its pixels are not decoded yet."""

import io
import struct
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from keras_sandwich._optional import import_library
from keras_sandwich.codecs.checks import check_size
from keras_sandwich.codecs.jpegxl_header import CODESTREAM, CONTAINER, read_header
from keras_sandwich.pictures.boxes import find_box
from keras_sandwich.pictures.formats import FORMATS, USER, readable_formats

NEW_SUBFILE_TYPE, SUBFILE_TYPE = 254, 255  # TIFF 6.0: bit 0, or 2, is a page at a lower resolution


@dataclass(frozen=True)
class Opened:
    """A picture file of which the header is read.

    Attributes:
        format: one of `FORMATS`.
        data: the bytes of the file.
        picture: Pillow's picture, pillow-heif's, or a `Size` where no library opens files before it decodes them.
        raw_mode: how Pillow unpacks the picture's bytes, such as "RGB;16L"; "" where it has none to unpack.
    """

    format: str
    data: bytes
    picture: Any
    raw_mode: str = ""

    def unpacked(self, raw_mode: str) -> np.ndarray:
        """The picture decoded anew, its bytes unpacked in another way than Pillow has chosen."""
        read, _ = import_library("PIL.Image", USER, "media").OPEN[self.format]
        with read(io.BytesIO(self.data), "") as again:
            if self.picture.tell():
                again.seek(self.picture.tell())
            again.tile = [_with_raw_mode(tile, raw_mode) for tile in again.tile]
            return np.array(again)


@dataclass(frozen=True)
class Size:
    """What is known of a picture by its header alone, named as Pillow does."""

    size: tuple[int, int]
    info: dict[str, Any] = field(default_factory=dict)


def _with_raw_mode(tile: Any, raw_mode: str) -> Any:
    """A tile of Pillow: decoder, place, offset and arguments, of which the raw mode is the only or the first."""
    old = tile[3]
    arguments = raw_mode if isinstance(old, str) else (raw_mode, *old[1:])
    named = hasattr(tile, "_replace")  # from Pillow 11.1 on
    return tile._replace(args=arguments) if named else (*tile[:3], arguments)


def open_picture(data: bytes) -> Opened:
    """Opens the one picture of a file; ValueError for what is none, or several."""
    if data.startswith((CODESTREAM, CONTAINER)):
        header = read_header(data)
        opened = Opened("JPEGXL", data, Size((header.width, header.height)))
    else:
        opened = _open_heic(data) if _is_heic(data) else _open_with_pillow(data)
    pillow = import_library("PIL.Image", USER, "media")
    width, height = opened.picture.size
    check_size(width, height)
    if pillow.MAX_IMAGE_PIXELS is not None and width * height > 2 * pillow.MAX_IMAGE_PIXELS:
        raise ValueError(
            f"the file claims {width}×{height} pixels, more than twice Pillow's MAX_IMAGE_PIXELS: "
            "it could be a decompression bomb"
        )
    if opened.format == "TIFF":
        _seek_only_page(opened.picture)
    elif getattr(opened.picture, "is_animated", False) and opened.picture.format != "MPO":
        raise ValueError(f"it holds {opened.picture.n_frames} frames, a picture only one")
    tiles = getattr(opened.picture, "tile", None) or [("", None, 0, "")]
    arguments = tiles[0][3]
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return replace(opened, raw_mode=str(raw_mode))


def _is_heic(data: bytes) -> bool:
    """Whether it is a file of boxes, and not one of AVIF's: by its own brand and those that it is compatible with."""
    if data[4:8] != b"ftyp":
        return False
    content = find_box(data[:4096], b"ftyp")
    brands = {content[:4], *(content[place : place + 4] for place in range(8, len(content), 4))}
    return not brands & {b"avif", b"avis"} or bool(brands & {b"heic", b"heix"})


def _open_heic(data: bytes) -> Opened:
    library = import_library("pillow_heif", "HEIC pictures", "heic")
    picture = library.open_heif(
        io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False, bgr_mode=False
    )
    return Opened("HEIC", data, picture)


def _open_with_pillow(data: bytes) -> Opened:
    """By the readers that Pillow has registered.

    `PIL.Image.open` asks them too, and warns of half the pixels that are allowed here; silencing it is not safe in
    threads.
    """
    pillow = import_library("PIL.Image", USER, "media")
    pillow.init()
    for kind in FORMATS:
        read, accepts = pillow.OPEN.get(kind.name, (None, None))
        if read is None or not (accepts is None or accepts(data[:16])):
            continue
        if kind.missing():
            raise ValueError(f"{kind.name} files need {kind.missing()}")
        try:
            return Opened(kind.name, data, read(io.BytesIO(data), ""))
        except (SyntaxError, IndexError, TypeError, struct.error):
            continue  # as Pillow does: the file is of another kind
    if data[4:8] == b"ftyp":  # older versions of Pillow do not know the format by its name
        raise ValueError("AVIF files need a Pillow with AVIF, 11.3 or later")
    raise ValueError(f"it is not of a format that is read: {', '.join(readable_formats())}")


def _seek_only_page(picture: Any) -> None:
    """Goes to the page of a TIFF file that is no thumbnail of another; ValueError if there are several."""
    count = getattr(picture, "n_frames", 1)
    if count == 1:
        return
    whole = []
    for page in range(count):
        picture.seek(page)
        reduced = picture.tag_v2.get(NEW_SUBFILE_TYPE, 0) & 1
        if not reduced and picture.tag_v2.get(SUBFILE_TYPE, 1) != 2:
            whole.append(page)
    if len(whole) != 1:
        raise ValueError(f"it holds {len(whole) or count} frames, a picture only one")
    picture.seek(whole[0])
