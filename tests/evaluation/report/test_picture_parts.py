"""Which part of a picture is shown, and which is enlarged."""

import numpy as np
from photographs import photographs

from keras_sandwich.evaluation.report.picture_parts import around, crop, most_detailed, scaled

PICTURE = photographs(1, 48, 64)[0]


def test_the_most_detailed_square():
    flat = np.full((100, 140, 3), 90.0)
    flat[40:72, 96:128] = np.random.default_rng(0).uniform(0, 255, (32, 32, 3))
    assert most_detailed(flat, side=32) == (40, 96, 32, 32)
    assert most_detailed(flat[:20, :24], side=32) == (0, 0, 20, 24)
    assert most_detailed(np.zeros((8, 8, 1)), side=4) == (0, 0, 4, 4)


def test_boxes():
    np.testing.assert_array_equal(crop(PICTURE, (3, 5, 7, 9)), PICTURE[3:10, 5:14])
    assert around((3, 5, 7, 9), 48, 64) == (0, 0, 48, 64)
    assert around((10, 10, 64, 64), 3000, 2000) == (0, 0, 1024, 1024)
    assert around((2900, 1900, 64, 64), 3000, 2000) == (1976, 976, 1024, 1024)
    assert around((1500, 900, 64, 64), 3000, 2000) == (1020, 420, 1024, 1024)
    assert scaled((16, 24, 64, 32), (128, 256), (64, 128)) == (8, 12, 32, 16)
    assert scaled((16, 24, 64, 32), (128, 256), (128, 256)) == (16, 24, 64, 32)
