import keras
import numpy as np
from autodiff import finite_differences, gradient, run, to_numpy
from keras import ops

import keras_sandwich as ks

HALVES = np.array([-2.5, -1.5, -0.5, 0.0, 0.5, 1.5, 2.5, 2.4999], "float32")


def test_rounding_is_half_to_even_with_the_identity_s_gradient():
    assert np.array_equal(run(ks.ops.round_straight_through, HALVES), np.rint(HALVES))
    slope = gradient(lambda x: 3 * ks.ops.round_straight_through(x), HALVES)
    assert np.array_equal(slope, np.full(8, 3.0))


def test_cubic_rounding_has_the_slope_of_its_polynomial():
    x = np.linspace(-3.3, 3.4, 50, dtype="float32")
    assert np.array_equal(run(ks.ops.round_cubic, HALVES), np.rint(HALVES))
    expected = finite_differences(
        lambda y: np.sum(np.rint(x) + (y - np.rint(x)) ** 3), x, 1e-4, range(len(x))
    )
    np.testing.assert_allclose(gradient(ks.ops.round_cubic, x), expected, rtol=1e-4, atol=1e-5)


def test_flooring_has_the_identity_s_gradient():
    assert np.array_equal(run(ks.ops.floor_straight_through, HALVES), np.floor(HALVES))
    assert np.array_equal(gradient(ks.ops.floor_straight_through, HALVES), np.ones(8))


def test_clip_passes_gradients_at_its_bounds_and_stops_them_beyond():
    x = np.array([-1.0, -1e-3, 0.0, 100.0, 255.0, 255.001, 300.0], "float32")
    clipped = run(lambda x: ks.ops.clip(x, 0.0, 255.0), x)
    assert np.array_equal(clipped, [0, 0, 0, 100, 255, 255, 255])
    slope = gradient(lambda x: ks.ops.clip(x, 0.0, 255.0), x)
    assert np.array_equal(slope, [0, 0, 1, 1, 1, 0, 0])


def test_straight_through_is_the_value_to_the_last_bit():
    value = np.float32([0.1, 1e8, -3e-12, 7.7])
    surrogate = np.float32([1e7, 0.3, 12345.678, -1e9])
    result = run(ks.ops.straight_through, value, surrogate)
    assert np.array_equal(result, value)
    slope = gradient(lambda x: ks.ops.straight_through(ops.square(x), 5 * x), value)
    assert np.array_equal(slope, np.full(4, 5.0))


def test_noise_is_uniform_and_depends_on_the_seed_alone():
    zeros = np.zeros(20000, "float32")
    draw = [
        to_numpy(ks.ops.add_uniform_noise(zeros, keras.random.SeedGenerator(seed)))
        for seed in (7, 7, 8)
    ]
    assert np.array_equal(draw[0], draw[1])
    assert not np.array_equal(draw[0], draw[2])
    assert draw[0].min() >= -0.5
    assert draw[0].max() <= 0.5
    assert abs(draw[0].mean()) < 0.01
    assert abs(draw[0].var() - 1 / 12) < 0.003
    generator = keras.random.SeedGenerator(7)
    first, second = (to_numpy(ks.ops.add_uniform_noise(zeros, generator)) for _ in range(2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert np.array_equal(gradient(lambda x: ks.ops.add_uniform_noise(x, 3), zeros), zeros + 1)
