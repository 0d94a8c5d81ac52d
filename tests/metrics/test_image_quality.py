import numpy as np
from autodiff import to_numpy
from photographs import decibels, noise

import keras_sandwich as ks


def test_the_mean_over_pictures_of_each_one_s_decibels():
    target = np.rint(noise(5, 6, 7, 3))
    prediction = target + noise(5, 6, 7, 3, low=-30, high=30, seed=1)
    prediction[2] += 40  # one picture is worse; some pixels leave the range
    metric = ks.metrics.PSNR()
    metric.update_state(target[:2], prediction[:2])
    metric.update_state(target[2:].astype("uint8"), prediction[2:])
    each = [decibels(target[i : i + 1], prediction[i : i + 1]) for i in range(5)]
    np.testing.assert_allclose(to_numpy(metric.result()), np.mean(each), rtol=1e-5)
    metric.reset_state()
    metric.update_state(target, prediction, sample_weight=np.float32([1, 0, 0, 3, 0]))
    expected = (each[0] + 3 * each[3]) / 4
    np.testing.assert_allclose(to_numpy(metric.result()), expected, rtol=1e-5)


def test_deep_pictures_have_another_peak():
    target = np.rint(noise(2, 6, 7, 1, high=4095))
    prediction = target + noise(2, 6, 7, 1, low=-30, high=30, seed=1)
    metric = ks.metrics.PSNR(image_max=4095.0)
    metric.update_state(target, prediction)
    expected = decibels(target, prediction, peak=4095.0)
    np.testing.assert_allclose(to_numpy(metric.result()), expected, rtol=1e-5)


def test_equal_pictures_are_finite_and_none_are_zero():
    metric = ks.metrics.PSNR()
    assert to_numpy(metric.result()) == 0.0
    metric.update_state(np.ones((1, 4, 4, 1)), np.ones((1, 4, 4, 1)))
    assert 100 < to_numpy(metric.result()) < 120
