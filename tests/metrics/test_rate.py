import numpy as np
import pytest
from autodiff import to_numpy

import keras_sandwich as ks


def test_bits_per_pixel_weigh_pictures_by_their_size():
    metric = ks.metrics.BitsPerPixel()
    metric.update_state(np.float32([1000.0, 500.0]), (10, 20))
    metric.update_state(np.float32([90.0]), (5, 6))
    expected = (1000 + 500 + 90) / (2 * 200 + 30)
    np.testing.assert_allclose(to_numpy(metric.result()), expected, rtol=1e-5)


def test_distortion_rate_is_the_mean_of_distortion_and_weighted_bits():
    metric = ks.metrics.DistortionRate(gamma=30.0)
    metric.update_state(np.float32([10.0, 20.0]), np.float32([600.0, 0.0]), 300)
    metric.update_state(np.float32([1.0]), np.float32([100.0]), 50)
    expected = (10 + 30 * 600 / 300 + 20 + 1 + 30 * 100 / 50) / 3
    np.testing.assert_allclose(to_numpy(metric.result()), expected, rtol=1e-6)
    metric.reset_state()
    assert to_numpy(metric.result()) == 0.0


@pytest.mark.parametrize("gamma", [-1, float("inf"), float("nan")])
def test_bad_gamma(gamma):
    message = f"`gamma` must be finite and not negative. Received gamma={gamma}"
    with pytest.raises(ValueError, match=message):
        ks.metrics.DistortionRate(gamma=gamma)
