"""JPEG 2000: what stands in the codestream, and that others read the same."""

import io

import codec_cases as cases
import numpy as np
import pytest
from PIL import Image

from keras_sandwich.codecs import JPEG2000


def segment(file: bytes, marker: bytes) -> bytes:
    """The parameters of a marker segment of the main header."""
    start = file.index(b"\xff\x4f\xff\x51")
    place = start + 2
    while file[place : place + 2] != marker:
        assert file[place] == 0xFF
        place += 2 + int.from_bytes(file[place + 2 : place + 4])
    return file[place + 4 : place + 2 + int.from_bytes(file[place + 2 : place + 4])]


def components(file: bytes) -> list[tuple[int, int, int]]:
    """(bits, horizontal step, vertical step) of each, from SIZ."""
    size = segment(file, b"\xff\x51")
    (count,) = size[34:36][1:]
    return [(size[36 + 3 * i] + 1, size[37 + 3 * i], size[38 + 3 * i]) for i in range(count)]


def transforms(file: bytes) -> tuple[int, int]:
    """(colour transform, wavelet: 0 is irreversible, 1 reversible), from COD."""
    coding = segment(file, b"\xff\x52")
    return coding[4], coding[9]


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_components(bits, channels):
    codec = JPEG2000(bits=bits)
    cases.require(codec)
    file = codec.encode(cases.picture(codec, channels))
    assert components(file) == [(bits, 1, 1)] * channels
    assert transforms(file)[0] == (channels == 3)


@pytest.mark.parametrize("bits", [8, 12])
def test_transforms(bits):
    for lossless in (False, True):
        for color_transform in (False, True):
            codec = JPEG2000(lossless=lossless, color_transform=color_transform, bits=bits)
            cases.require(codec)
            file = codec.encode(cases.picture(codec, 3))
            assert transforms(file) == (color_transform, lossless)


@pytest.mark.parametrize("ratio", [3, 10, 40])
@pytest.mark.parametrize("channels", [1, 3])
def test_ratio_is_that_of_the_codestream(ratio, channels):
    image = cases.picture(JPEG2000(), channels, 128, 160)
    file = JPEG2000(ratio=ratio).encode(image)
    codestream = len(file) - file.index(b"\xff\x4f\xff\x51")
    assert 0.8 < codestream / (image.size / ratio) < 1.01


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("target", [30, 42])
def test_psnr_is_that_of_gray(bits, target):
    codec = JPEG2000(psnr=target, bits=bits)
    cases.require(codec)
    image = cases.picture(codec, 1, 128, 160)
    decoded = codec.decode(codec.encode(image))
    assert cases.psnr(image, decoded, bits) == pytest.approx(target, abs=0.6)


def test_another_decoder_reads_the_same():
    imagecodecs = pytest.importorskip("imagecodecs")
    for channels in (1, 3):
        file = JPEG2000().encode(cases.picture(JPEG2000(), channels))
        other = imagecodecs.jpeg2k_decode(file).reshape(40, 56, channels)
        np.testing.assert_array_equal(JPEG2000().decode(file), other)


def test_pillow_reads_sixteen_bits_of_gray():
    codec = JPEG2000(bits=16, lossless=True)
    cases.require(codec)
    image = cases.ramp(16, 1)
    with Image.open(io.BytesIO(codec.encode(image))) as picture:
        np.testing.assert_array_equal(np.array(picture), image[..., 0])


def test_bare_codestreams_and_boxes_behind_are_read():
    codec = JPEG2000()
    image = cases.picture(codec, 3)
    file = codec.encode(image)
    bare = file[file.index(b"\xff\x4f\xff\x51") :]
    box = (8 + 200).to_bytes(4) + b"free" + bytes(200)
    start = file.index(b"jp2c") - 4
    sized = file[:start] + (8 + len(bare)).to_bytes(4) + b"jp2c" + bare + box
    for other in (bare, sized):
        np.testing.assert_array_equal(codec.decode(other), codec.decode(file))
    with pytest.raises(ValueError, match="cut short"):
        codec.decode(sized[: len(sized) - len(box) - 1])


def test_other_bits_are_refused():
    codec = JPEG2000(bits=12)
    cases.require(codec)
    with pytest.raises(ValueError, match="12 bits"):
        JPEG2000().decode(codec.encode(cases.picture(codec, 1)))
    with pytest.raises(ValueError, match="8 bits"):
        codec.decode(JPEG2000().encode(cases.picture(JPEG2000(), 1)))


PLAIN = [
    *(
        np.full((*size, 1), value)
        for size in ((1, 7), (2, 7), (33, 1), (64, 64))
        for value in (255, 200)
    ),
    np.full((64, 64, 3), [200, 10, 60]),
    250 + np.arange(7).reshape(1, 7, 1) % 6,
    np.broadcast_to(np.linspace(200, 255, 64).astype(int)[None, :, None], (64, 64, 1)),
]


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("target", [20, 30, 40, 50])
def test_plain_pictures_have_the_psnr_too(bits, target):
    codec = JPEG2000(psnr=target, bits=bits)
    cases.require(codec)
    for plain in PLAIN:
        image = plain.astype("uint8") if bits == 8 else plain.astype("uint16") << 4
        decoded = codec.decode(codec.encode(image))
        floor = (2**bits - 1) ** 2  # half the PSNR's error would be 3 dB, and rounding is one level
        assert np.mean((decoded - image.astype(float)) ** 2) <= 2 * floor / 10 ** (target / 10) + 1


@pytest.mark.parametrize("target", [20, 35, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_photographs_are_written_as_openjpeg_estimates(target, channels):
    image = cases.picture(JPEG2000(), channels, 128, 160)
    theirs = io.BytesIO()
    options = {"quality_mode": "dB", "quality_layers": [target], "irreversible": True}
    picture = Image.fromarray(image.squeeze())
    picture.save(theirs, "JPEG2000", mct=int(channels == 3), **options)
    assert JPEG2000(psnr=target).encode(image) == theirs.getvalue()
