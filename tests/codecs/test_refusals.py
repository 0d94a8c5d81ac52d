"""Pictures of ordinary samples that a format or its library cannot hold: ValueError with the size and the limit."""

import codec_cases as cases
import numpy as np
import pytest

from keras_sandwich.codecs import AVIF, HEIC, JPEG, PNG, WebP

LONGEST = [
    (JPEG(optimize=False), 65500),
    (WebP(method=0), 16383),
    (AVIF(speed=10), 32768),
    (AVIF(speed=10, bits=10), 32768),
    (AVIF(speed=10, color_transform=False), 32768),
]


@pytest.mark.parametrize(("codec", "most"), LONGEST, ids=[case[0].name for case in LONGEST])
def test_the_longest_side_is_read_again_and_the_next_is_refused(codec, most):
    cases.require(codec)
    assert codec.max_side == most
    dtype = "uint8" if codec.bits == 8 else "uint16"
    longest = np.zeros((1, most, 1), dtype)
    assert codec.decode(codec.encode(longest)).shape == longest.shape
    longer = np.zeros((most + 1, 1, 1), dtype)
    with pytest.raises(
        ValueError, match=f"at most {most} pixels a side. Received .* 1×{most + 1};"
    ):
        codec.encode(longer)


@pytest.mark.parametrize(("height", "width"), [(8, 6000), (16, 8192), (6000, 8), (31, 4209)])
@pytest.mark.parametrize("channels", [1, 3])
def test_heic_says_why_slender_pictures_are_refused(height, width, channels):
    codec = HEIC(preset="ultrafast")
    cases.require(codec)
    with pytest.raises(
        ValueError, match=rf"HEIC cannot write .* {width}×{height} .*x265.*4208.*32"
    ):
        codec.encode(np.zeros((height, width, channels), "uint8"))


@pytest.mark.parametrize(("height", "width"), [(31, 4208), (32, 6000)])
def test_heic_writes_what_is_next_to_slender(height, width):
    codec = HEIC(preset="ultrafast")
    cases.require(codec)
    image = np.full((height, width, 1), 90, "uint8")
    decoded = codec.decode(codec.encode(image))
    assert decoded.shape == image.shape
    assert abs(decoded.astype(int) - image).max() < 6


def test_whatever_a_library_raises_is_said_with_the_size():
    codec = PNG(bits=16)
    cases.require(codec)
    image = np.zeros((1, 1_000_001, 1), "uint16")  # libpng's own limit is a million
    with pytest.raises(ValueError, match=r"PNG cannot write .* 1000001×1 pixels: \w+") as caught:
        codec.encode(image)
    assert caught.value.__cause__ is not None
