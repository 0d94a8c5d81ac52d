"""WebP: colour that is none, and the chunks that say so."""

import io

import numpy as np
import pytest
from codec_cases import psnr
from photographs import grayscale, photographs
from PIL import Image

from keras_sandwich.codecs import WebP
from keras_sandwich.codecs.webp import MARKS

GRAY = grayscale(1, 40, 56)[0]
COLOUR = photographs(1, 40, 56)[0]


def by_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.array(picture)


def saved(image: np.ndarray, quality: int = 75, method: int = 4) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "WEBP", quality=quality, method=method)
    return buffer.getvalue()


@pytest.mark.parametrize(("quality", "method"), [(0, 4), (40, 0), (90, 6)])
def test_file_is_that_of_pillow(quality, method):
    codec = WebP(quality=quality, method=method)
    assert codec.encode(COLOUR) == saved(COLOUR, quality, method)
    assert codec.encode(GRAY) == saved(GRAY[..., 0], quality, method)
    np.testing.assert_array_equal(
        codec.decode(codec.encode(COLOUR)), by_pillow(codec.encode(COLOUR))
    )


def test_gray_of_others_is_one_channel_and_colour_three():
    assert WebP().decode(saved(GRAY[..., 0])).shape == (40, 56, 1)
    assert WebP().decode(saved(COLOUR)).shape == (40, 56, 3)


def test_the_narrow_range_costs_gray_little():
    codec = WebP(quality=100)
    assert psnr(GRAY, codec.decode(codec.encode(GRAY)), 8) > 47


@pytest.mark.parametrize("quality", [0, 30, 75, 100])
def test_colour_without_chroma_stays_three_channels(quality):
    colourless = np.repeat(GRAY, 3, axis=-1)
    codec = WebP(quality=quality)
    file = codec.encode(colourless)
    assert file.endswith(MARKS[3])
    assert int.from_bytes(file[4:8], "little") == len(file) - 8
    assert len(file) == len(codec.encode(GRAY)) + 26
    decoded = codec.decode(file)
    assert decoded.shape == colourless.shape
    # The mark is for this package: others read the picture that the unmarked file has.
    np.testing.assert_array_equal(by_pillow(file), by_pillow(codec.encode(GRAY)))
    np.testing.assert_array_equal(decoded, by_pillow(file))


def test_marked_files_are_read_by_another_parser():
    imagecodecs = pytest.importorskip("imagecodecs")
    file = WebP().encode(np.repeat(GRAY, 3, axis=-1))
    np.testing.assert_array_equal(imagecodecs.webp_decode(file), WebP().decode(file))


def test_transparency_and_animations_are_refused():
    clear = io.BytesIO()
    Image.fromarray(np.full((8, 8, 4), 100, "uint8")).save(clear, "WEBP")
    moving = io.BytesIO()
    frames = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    frames[0].save(moving, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="RGBA"):
        WebP().decode(clear.getvalue())
    with pytest.raises(ValueError, match="2 frames"):
        WebP().decode(moving.getvalue())
