"""JPEG XL: light and bits, as another reader of the files sees them."""

import codec_cases as cases
import numpy as np
import pytest

from keras_sandwich.codecs import JPEGXL

imagecodecs = pytest.importorskip("imagecodecs")


def test_file_is_that_of_imagecodecs():
    image = cases.picture(JPEGXL(), 3)
    file = imagecodecs.jpegxl_encode(image, distance=2.5, effort=3, numthreads=1)
    codec = JPEGXL(distance=2.5, effort=3)
    assert codec.encode(image) == file
    np.testing.assert_array_equal(codec.decode(file), imagecodecs.jpegxl_decode(file))


@pytest.mark.parametrize("bits", [8, 10])
def test_gray_is_one_channel(bits):
    codec = JPEGXL(bits=bits)
    assert imagecodecs.jpegxl_decode(codec.encode(cases.picture(codec, 1))).shape == (40, 56)


@pytest.mark.parametrize("channels", [1, 3])
def test_deep_files_hold_linear_light(channels):
    codec = JPEGXL(distance=0.05, bits=16)
    samples = np.round(np.linspace(0, 65535, 96 * 96)).astype("uint16")
    image = np.repeat(samples.reshape(96, 96, 1), channels, axis=-1)
    light = imagecodecs.jpegxl_decode(codec.encode(image)).reshape(image.shape)
    assert light.dtype == np.float32
    # sRGB's own points, IEC 61966-2-1: half of the scale is 21.4 % of the light.
    middle = np.abs(image - 32768.0).argmin()
    assert light.ravel()[middle] == pytest.approx(0.2140, abs=0.004)
    assert cases.psnr(image, codec.decode(codec.encode(image)), 16) > 60


def test_more_bits_cost_no_quality():
    eight, twelve = JPEGXL(distance=1.5), JPEGXL(distance=1.5, bits=12)
    shallow, deep = (cases.picture(codec, 3, 128, 160) for codec in (eight, twelve))
    files = eight.encode(shallow), twelve.encode(deep)
    assert len(files[1]) == pytest.approx(len(files[0]), rel=0.01)
    quality = cases.psnr(shallow, eight.decode(files[0]), 8)
    assert cases.psnr(deep, twelve.decode(files[1]), 12) == pytest.approx(quality, abs=0.1)


def test_effort_reaches_the_encoder():
    image = cases.picture(JPEGXL(), 3, 128, 160)
    assert JPEGXL(effort=3).encode(image) != JPEGXL(effort=7).encode(image)


def test_other_kinds_of_samples_are_refused():
    deep = JPEGXL(bits=12, lossless=True)
    file = deep.encode(cases.picture(deep, 3))
    with pytest.raises(ValueError, match="12 bits"):
        JPEGXL().decode(file)
    floating = JPEGXL(bits=12).encode(cases.picture(deep, 3))
    with pytest.raises(ValueError, match="32 bits"):
        JPEGXL().decode(floating)
    clear = imagecodecs.jpegxl_encode(np.full((8, 8, 4), 99, "uint8"), lossless=True)
    with pytest.raises(ValueError, match="shape"):
        JPEGXL().decode(clear)
