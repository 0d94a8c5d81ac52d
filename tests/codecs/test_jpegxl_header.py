"""Headers that libjxl writes, read without it."""

import numpy as np
import pytest

from keras_sandwich.codecs.jpegxl_header import CONTAINER, Header, read_header

imagecodecs = pytest.importorskip("imagecodecs")

# By multiples of 8 and not, each ratio of the standard, each length of a dimension, neither a ratio.
SIZES = [
    *((1, 1), (8, 8), (256, 256), (264, 264), (264, 88), (8, 96)),
    *((50, 60), (30, 40), (20, 30), (90, 160), (40, 50), (33, 66), (33, 39)),
    *((600, 3), (3, 600), (9000, 2), (2, 300_000)),
]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_size(height, width):
    image = np.zeros((height, width), "uint8")
    file = imagecodecs.jpegxl_encode(image, lossless=True, effort=1)
    assert read_header(file) == Header(width, height, 8, False)


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("bits", [8, 9, 10, 11, 12, 14, 16])
def test_bits(bits, container):
    image = np.zeros((20, 30, 3), "uint8" if bits == 8 else "uint16")
    file = imagecodecs.jpegxl_encode(
        image, lossless=True, bitspersample=bits, usecontainer=container
    )
    assert read_header(file) == Header(30, 20, bits, False)
    assert file.startswith(CONTAINER) >= container


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 16), ("float32", 32)])
def test_floating_point(dtype, bits):
    file = imagecodecs.jpegxl_encode(np.zeros((20, 30), dtype), lossless=True)
    assert read_header(file) == Header(30, 20, bits, True)


def test_animations_are_refused():
    file = imagecodecs.jpegxl_encode(np.zeros((3, 20, 30, 3), "uint8"), lossless=True)
    with pytest.raises(ValueError, match="animation"):
        read_header(file)


def box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4) + kind + content


def test_boxes():
    bare = imagecodecs.jpegxl_encode(np.zeros((20, 30), "uint8"), lossless=True)
    assert bare.startswith(b"\xff\x0a")
    front = CONTAINER + box(b"ftyp", b"jxl \0\0\0\0jxl ")
    long = (1).to_bytes(4) + b"Exif" + (16 + 7).to_bytes(8) + bytes(7)
    to_the_end = bytes(4) + b"jxlc" + bare
    for boxes in (
        box(b"jxlc", bare),
        long + box(b"jxlc", bare),
        box(b"jxlp", bytes(4) + bare),
        to_the_end,
    ):
        assert read_header(front + boxes) == Header(30, 20, 8, False)
    for boxes in (b"", box(b"jxlc", b"nothing"), bytes(4) + b"Exif" + bare, long[:10]):
        with pytest.raises(ValueError, match="no codestream"):
            read_header(front + boxes)


def test_short_headers():
    for data in (b"", b"\xff", b"\xff\x0a", b"\xff\x0a\x00"):
        with pytest.raises(ValueError, match="JPEG XL"):
            read_header(data)
