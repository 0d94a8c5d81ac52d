import keras
import numpy as np
import pytest
from autodiff import gradient, run
from keras import ops
from photographs import noise

import keras_sandwich as ks

TARGET, PREDICTION = noise(3, 4, 5, 2), noise(3, 4, 5, 2, seed=1)
DIFFERENCE = (TARGET - PREDICTION).astype("float64")
SQUARED = np.mean(DIFFERENCE**2, axis=(1, 2, 3))


def largest_error(target, prediction):
    return ops.max(ops.abs(target - prediction), axis=(1, 2, 3))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("mse", SQUARED),
        ("mean_absolute_error", np.mean(np.abs(DIFFERENCE), axis=(1, 2, 3))),
        (keras.losses.MeanSquaredError(), SQUARED),
        (keras.losses.MeanSquaredError(reduction="sum"), SQUARED),  # reduction is ours
        (largest_error, np.abs(DIFFERENCE).max(axis=(1, 2, 3))),
        (lambda t, p: ops.square(t - p), SQUARED),
        (lambda t, p: ops.mean(ops.square(t - p)), np.full(3, SQUARED.mean())),
    ],
)
def test_any_loss_is_a_distortion_per_sample(loss, expected):
    result = run(lambda t, p: ks.losses.distortion_per_sample(loss, t, p), TARGET, PREDICTION)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_bytes_are_compared_as_numbers():
    target = np.full((1, 2, 2, 1), 3, "uint8")
    result = run(lambda p: ks.losses.distortion_per_sample("mse", target, p), target + 250)
    assert result.tolist() == [62500.0]


def test_penalty_of_the_range():
    bottleneck = noise(2, 4, 4, 2, low=-60, high=320)
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    expected = 255 / 26.5 * outside.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(run(ks.losses.range_penalty, bottleneck), expected, rtol=1e-5)
    slope = gradient(ks.losses.range_penalty, bottleneck)
    side = (bottleneck > 255).astype(float) - (bottleneck < 0)
    np.testing.assert_allclose(slope, 255 / 26.5 * side, rtol=1e-5)


def test_another_range():
    result = run(lambda b: ks.losses.range_penalty(b, image_max=1023.0), [[[[1024.0], [500.0]]]])
    np.testing.assert_allclose(result, [255 / 26.5], rtol=1e-5)


def test_the_cost_is_the_formula_for_each_value_of_the_distortion():
    distortion, rate, penalty = noise(2, 3, 4), np.float32([100, 700]), np.float32([5, 9])
    cost = run(lambda d: ks.losses.rate_distortion_cost(d, rate, 30, 7.0, penalty), distortion)
    added = (7.0 * rate.astype("float64") + penalty) / 30
    np.testing.assert_allclose(cost, distortion + added[:, None, None], rtol=1e-5)


def test_decibels_of_costs():
    """Their mean, and its gradient, against the logarithm in float64."""
    costs = noise(3, 4, 5, low=2, high=300) * np.float32([1, 10, 0.1])[:, None, None]
    means = costs.astype("float64").mean(axis=(1, 2))
    result = run(ks.losses.in_decibels, costs)
    assert result.shape == costs.shape
    np.testing.assert_allclose(result.mean(axis=(1, 2)), 10 * np.log10(means), rtol=1e-5)
    slope = gradient(ks.losses.in_decibels, costs)
    expected = np.broadcast_to(10 / np.log(10) / means[:, None, None], costs.shape)
    np.testing.assert_allclose(slope, expected, rtol=1e-5)
    alone = run(ks.losses.in_decibels, np.float32([10.0, 1000.0]))
    np.testing.assert_allclose(alone, [10.0, 30.0], rtol=1e-6)


def test_samples_of_other_ranks():
    target, prediction = noise(2, 3, 4, 5, 3), noise(2, 3, 4, 5, 3, seed=1)
    result = run(lambda p: ks.losses.distortion_per_sample("mse", target, p), prediction)
    expected = np.mean((target - prediction).astype("float64") ** 2, axis=(1, 2, 3, 4))
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    bottleneck = noise(2, 3, 4, 5, 1, low=-60, high=320)
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    np.testing.assert_allclose(
        run(ks.losses.range_penalty, bottleneck),
        255 / 26.5 * outside.sum(axis=(1, 2, 3, 4)),
        rtol=1e-5,
    )
