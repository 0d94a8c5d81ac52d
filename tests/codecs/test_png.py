"""PNG: the bits in the header, and that others read the same."""

import io
import struct
import zlib

import codec_cases as cases
import numpy as np
import pytest
from PIL import Image

from keras_sandwich.codecs import PNG


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_header(bits, channels, colour_type):
    cases.require(PNG(bits=bits))
    file = PNG(bits=bits).encode(cases.picture(PNG(bits=bits), channels))
    assert (file[24], file[25]) == (bits, colour_type)  # IHDR


@pytest.mark.parametrize("bits", [8, 16])
def test_pillow_reads_gray(bits):
    cases.require(PNG(bits=bits))
    image = cases.ramp(16, 1) if bits == 16 else cases.picture(PNG(), 1)
    with Image.open(io.BytesIO(PNG(bits=bits).encode(image))) as picture:
        np.testing.assert_array_equal(np.array(picture), image[..., 0])


def test_other_bits_are_refused():
    deep = PNG(bits=16)
    cases.require(deep)
    for channels in (1, 3):
        with pytest.raises(ValueError, match="16 bits"):
            PNG().decode(deep.encode(cases.picture(deep, channels)))
        with pytest.raises(ValueError, match="8 bits"):
            deep.decode(PNG().encode(cases.picture(PNG(), channels)))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA"])
def test_other_colours_are_refused(mode):
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "PNG")
    with pytest.raises(ValueError, match="Received"):
        PNG().decode(buffer.getvalue())


def test_a_transparent_colour_at_16_bits_is_refused():
    codec = PNG(bits=16)
    cases.require(codec)
    file = codec.encode(cases.ramp(16, 3))
    body = b"tRNS" + struct.pack(">3H", 0, 1, 2)
    chunk = struct.pack(">I", 6) + body + struct.pack(">I", zlib.crc32(body))
    header = 8 + 25  # the signature and IHDR
    with pytest.raises(ValueError, match="transparent colour"):
        codec.decode(file[:header] + chunk + file[header:])
