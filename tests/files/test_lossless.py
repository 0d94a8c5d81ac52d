import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from keras_sandwich.files.lossless import encode_picture, require_format

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(channels=3, dtype="uint8"):
    return np.random.default_rng(0).integers(0, 256, (6, 9, channels)).astype(dtype)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".bmp", ".ppm", ".tga"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_format_keeps_every_pixel(suffix, channels):
    pixels = picture(channels)
    opened = Image.open(io.BytesIO(encode_picture(pixels, suffix)))
    back = np.asarray(opened.convert("L" if channels == 1 else "RGB"))
    assert np.array_equal(back, pixels[..., 0] if channels == 1 else pixels)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_the_profile_is_kept_byte_for_byte(suffix):
    opened = Image.open(io.BytesIO(encode_picture(picture(), suffix, SRGB)))
    assert opened.info["icc_profile"] == SRGB


def test_a_profile_that_cannot_be_kept_is_said():
    with pytest.warns(UserWarning, match="cannot hold the picture's ICC profile"):
        file = encode_picture(picture(), ".bmp", SRGB)
    assert "icc_profile" not in Image.open(io.BytesIO(file)).info


@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits(channels):
    imagecodecs = pytest.importorskip("imagecodecs")
    pixels = picture(channels, "uint16") * np.uint16(257) - np.uint16(3)
    file = encode_picture(pixels, ".png", SRGB)
    assert np.array_equal(np.reshape(imagecodecs.png_decode(file), pixels.shape), pixels)
    opened = Image.open(io.BytesIO(file))
    assert opened.info["icc_profile"] == SRGB
    opened.load()  # checks the chunks' checksums


@pytest.mark.parametrize(
    ("target", "size", "bits", "reason"),
    [
        ("a.jpg", (5, 5), 8, "without loss"),
        ("a", (5, 5), 8, "without loss"),
        ("a.webp", (5, 16384), 8, "at most 16383"),
        ("a.tga", (65536, 5), 8, r"A \.tga file holds at most 65535"),
        ("a.tif", (5, 5), 10, "ends? in .png"),
    ],
)
def test_formats_that_would_lose_something(target, size, bits, reason):
    with pytest.raises(ValueError, match=reason):
        require_format(target, size, bits)


def test_the_suffix_may_be_in_capitals():
    assert require_format("A.PNG", (5, 5)) == ".png"
    assert require_format("A.TGA", (65535, 5)) == ".tga"
