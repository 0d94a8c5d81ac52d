"""Damaged, foreign and monstrous files: ValueError or OSError, and nothing else."""

import io
import struct
import zlib

import codec_cases as cases
import numpy as np
import pytest
from PIL import Image

from keras_sandwich.codecs import (
    AVIF,
    HEIC,
    JPEG,
    JPEG2000,
    JPEGXL,
    PNG,
    Split,
    WebP,
    read_metadata,
)

CODECS = [
    JPEG(quality=60, chroma_subsampling="4:2:0"),
    JPEG(progressive=True),
    WebP(),
    AVIF(speed=9),
    AVIF(bits=10, speed=9),
    JPEG2000(),
    JPEG2000(bits=12),
    HEIC(preset="ultrafast"),
    HEIC(bits=12, preset="ultrafast"),
    JPEGXL(effort=3),
    JPEGXL(bits=12, effort=3),
    JPEGXL(bits=16, lossless=True, effort=3),
    PNG(),
    PNG(bits=16),
]


def files(codec) -> list[bytes]:
    metadata = {"xmp": b"<x/>" * 20, "icc_profile": bytes(300)} if codec.carries_metadata else {}
    colour = codec.encode(cases.picture(codec, 3, 24, 32), **metadata)
    return [colour, codec.encode(cases.picture(codec, 1, 24, 32))]


def mutations(file: bytes, generator: np.random.Generator, number: int):
    """Bits flipped, bytes changed, pieces taken out and repeated, headers with extreme bytes."""
    for turn in range(number):
        data = bytearray(file)
        one, other = sorted(generator.integers(0, len(file), 2))
        places = generator.integers(0, len(file), 3)
        if turn % 5 == 0:
            for place in places:
                data[place] ^= 1 << generator.integers(8)
        elif turn % 5 == 1:
            for place in places:
                data[place] = generator.integers(256)
        elif turn % 5 == 2:
            data = data[:one] + data[other:]
        elif turn % 5 == 3:
            data = data[:other] + data[one:]
        else:
            data[places[0] % min(len(file), 150)] = (0, 255)[turn % 2]
        yield bytes(data)


@pytest.mark.parametrize("codec", cases.parameters(CODECS))
def test_damaged_bytes(codec):
    cases.require(codec)
    generator = np.random.default_rng(0)
    raised = 0
    for file in files(codec):
        for damaged in mutations(file, generator, 60):
            for read in (codec.decode, read_metadata):
                try:
                    read(damaged)
                except (ValueError, OSError):
                    raised += 1
    assert raised > 20  # damage within the coded samples may go unnoticed


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("codec", cases.parameters(CODECS))
def test_truncated_file(codec, share):
    cases.require(codec)
    for file in files(codec):
        with pytest.raises((ValueError, OSError)) as caught:
            codec.decode(file[: int(share * len(file))])
        assert str(caught.value)


@pytest.mark.parametrize("codec", cases.parameters(CODECS))
def test_foreign_files(codec):
    cases.require(codec)
    gif = io.BytesIO()
    Image.new("L", (8, 8)).save(gif, "GIF")
    other = PNG() if not isinstance(codec, PNG) else JPEG()
    foreign = [b"", b"\0", b"not a picture", bytes(1000), b"\xff" * 1000, gif.getvalue()]
    foreign += files(other)
    for data in foreign:
        with pytest.raises((ValueError, OSError)) as caught:
            codec.decode(data)
        assert str(caught.value)


def test_split_refuses_a_damaged_part():
    codec = Split(PNG(), (1, 1))
    file = codec.encode(cases.picture(PNG(), 3, 8, 8)[..., :2])
    raised = 0
    for damaged in mutations(file, np.random.default_rng(0), 200):
        try:
            assert codec.decode(damaged).ndim == 3
        except (ValueError, OSError):
            raised += 1
    assert raised > 150


def replaced(file: bytes, place: int, new: bytes) -> bytes:
    return file[:place] + new + file[place + len(new) :]


def monstrous(codec) -> bytes:
    """A file whose header claims more pixels than can be meant."""
    side = 50_000
    file = files(codec)[0] if not isinstance(codec, WebP) else codec.encode(cases.picture(codec, 3))
    if isinstance(codec, PNG):
        file = replaced(file, 16, struct.pack(">2I", side, side))
        return replaced(file, 29, struct.pack(">I", zlib.crc32(file[12:29])))
    if isinstance(codec, JPEG):
        return replaced(file, file.index(b"\xff\xc0") + 5, struct.pack(">2H", side, side))
    if isinstance(codec, WebP):
        return replaced(file, 26, struct.pack("<2H", 16383, 16383))
    if isinstance(codec, JPEG2000):
        start = file.index(b"\xff\x4f\xff\x51")
        file = replaced(file, start + 8, struct.pack(">2I", side, side))
        return replaced(file, file.index(b"ihdr") + 4, struct.pack(">2I", side, side))
    if isinstance(codec, JPEGXL):
        # Not by eights, 18 bits of height, ratio 1: as wide as high.
        bits = (2 << 1) | ((side - 1) << 3) | (1 << 21)
        return b"\xff\x0a" + bits.to_bytes(4, "little") + file
    start = file.index(b"ispe") + 8
    return replaced(file, start, struct.pack(">2I", side, side))


BOMBS = [
    JPEG(),
    WebP(),
    AVIF(speed=9),
    AVIF(bits=10, speed=9),
    JPEG2000(),
    JPEG2000(bits=12),
    HEIC(preset="ultrafast"),
    JPEGXL(effort=3),
    PNG(),
    PNG(bits=16),
]


@pytest.mark.parametrize("codec", cases.parameters(BOMBS))
def test_decompression_bombs_are_refused(codec):
    cases.require(codec)
    bomb = monstrous(codec)
    reason = "pixels|size|large|exceed|limit|dimension"
    with pytest.raises((ValueError, OSError), match=f"(?i){reason}"):
        codec.decode(bomb)


@pytest.mark.parametrize("codec", cases.parameters(CODECS))
def test_pictures_below_the_limit_are_no_bombs(codec, monkeypatch, recwarn):
    cases.require(codec)
    colour, gray = files(codec)
    expected = codec.decode(colour)
    limit = 24 * 32 - 1  # Pillow warns of more, and raises an error for twice as many
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert files(codec) == [colour, gray]
    np.testing.assert_array_equal(codec.decode(colour), expected)
    if codec.carries_metadata:
        assert read_metadata(colour) == (b"<x/>" * 20, bytes(300))
    assert not [w for w in recwarn if issubclass(w.category, Image.DecompressionBombWarning)]
    assert limit == Image.MAX_IMAGE_PIXELS
