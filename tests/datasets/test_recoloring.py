"""What stays and what changes, in the YCbCr of JFIF."""

import numpy as np
import pytest
from photographs import photographs

from keras_sandwich.datasets import recolor

# Pale, so that no copy is clipped.
PICTURES = [(70 + 0.4 * picture).astype("uint8") for picture in photographs(2, 40, 56)]


def ycc(picture: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(picture.astype("float64"), -1, 0)
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([y, 128 + (blue - y) / 1.772, 128 + (red - y) / 1.402], axis=-1)


def test_the_picture_itself_comes_first_and_copies_follow():
    result = recolor(PICTURES, copies=3)
    assert len(result) == 8
    for original, kept in zip(PICTURES, result[::4], strict=True):
        np.testing.assert_array_equal(kept, original)


def test_chroma_is_turned_and_scaled_and_luma_has_a_gamma():
    for copy in recolor(PICTURES[:1], copies=8, seed=3)[1:]:
        before, after = ycc(PICTURES[0]), ycc(copy)
        plane = before[..., 1] - 128 + 1j * (before[..., 2] - 128)
        turned = after[..., 1] - 128 + 1j * (after[..., 2] - 128)
        turn = np.vdot(plane, turned) / np.vdot(plane, plane)
        assert np.exp(-0.55) < abs(turn) < np.exp(0.45)
        assert np.abs(turned - turn * plane).mean() < 1.5  # what rounding leaves
        gamma = np.polyfit(
            np.log(before[..., 0] / 255).ravel(), np.log(after[..., 0] / 255).ravel(), 1
        )
        assert -0.4 < np.log(gamma[0]) < 0.4
        np.testing.assert_allclose(gamma[1], 0.0, atol=0.02)


def test_copies_differ_in_hue_and_the_seed_decides():
    first, again, other = (recolor(PICTURES[:1], copies=6, seed=seed) for seed in (1, 1, 2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(np.any(one != two) for one, two in zip(first, other, strict=True))
    hues = [np.angle(np.mean(ycc(c)[..., 1] - 128 + 1j * (ycc(c)[..., 2] - 128))) for c in first]
    assert np.ptp(hues) > 1.5


def test_pixels_are_clipped_not_wrapped():
    red = np.zeros((8, 8, 3), "uint8")
    red[..., 0] = 255
    for copy in recolor([red], copies=20):
        assert copy.std(axis=(0, 1)).max() == 0
        assert abs(ycc(copy)[0, 0, 0] - ycc(red)[0, 0, 0]) < 130


@pytest.mark.parametrize("copies", [-1, 1.5, True])
def test_bad_copies(copies):
    with pytest.raises(ValueError, match="copies"):
        recolor(PICTURES, copies=copies)


def test_bad_pictures():
    with pytest.raises(ValueError, match=r"pictures\[0\]"):
        recolor([np.zeros((4, 4, 2), "uint8")])
