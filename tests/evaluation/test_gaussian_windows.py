"""The windows of SSIM as matrices, beside NumPy's convolution in float64."""

import numpy as np
import pytest

from keras_sandwich.evaluation.gaussian_windows import BLOCK, gaussian_windows


@pytest.mark.parametrize("size", [(11, 11), (12, BLOCK + 10), (BLOCK + 11, 3 * BLOCK + 27)])
def test_means_of_a_gaussian(size):
    images = np.random.default_rng(0).uniform(-0.5, 0.5, (2, *size, 3)).astype("float32")
    bell = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    bell /= bell.sum()
    truth = images.astype("float64")
    for axis in (1, 2):
        truth = np.apply_along_axis(np.convolve, axis, truth, bell, mode="valid")
    np.testing.assert_allclose(gaussian_windows(images), truth, atol=2e-7)
