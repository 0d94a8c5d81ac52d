"""The error of renders against renders in float64 under the same lights and views."""

import numpy as np
import pytest
from autodiff import finite_differences, gradient, run
from float64_shading import float64_render
from photographs import noise

import keras_sandwich as ks
from keras_sandwich.losses.shading_error import lights_and_views

MAPS = ("color", "normal_xy", "roughness", "metalness", "occlusion")
TARGET = noise(2, 5, 4, 8, low=60, high=200)
PREDICTION = TARGET + noise(2, 5, 4, 8, low=-20, high=20, seed=1)


def truth(target, prediction, renders, seed, peak=255.0):
    errors = [
        np.mean(
            (
                float64_render(target, light, view, MAPS, peak)
                - float64_render(prediction, light, view, MAPS, peak)
            )
            ** 2,
            axis=(1, 2, 3),
        )
        for light, view in zip(*lights_and_views(renders, seed), strict=True)
    ]
    return np.mean(errors, axis=0)


def test_values_are_those_of_float64():
    loss = ks.losses.ShadingError(MAPS, renders=3, seed=4, scale=2.0)
    value = run(loss.call, TARGET, PREDICTION)
    np.testing.assert_allclose(value, 2 * truth(TARGET, PREDICTION, 3, 4), rtol=1e-4)


def test_deeper_maps_have_larger_errors():
    deep = ks.losses.ShadingError(MAPS, renders=2, image_max=1020.0)
    value = run(deep.call, 4 * TARGET, 4 * PREDICTION)
    np.testing.assert_allclose(value, 16 * truth(TARGET, PREDICTION, 2, 0), rtol=1e-4)


def test_gradients_are_those_of_finite_differences():
    a, b = TARGET[:1, :1, :2], PREDICTION[:1, :1, :2]
    slope = gradient(lambda p: ks.losses.ShadingError(MAPS, renders=2).call(a, p), b)
    expected = finite_differences(lambda p: truth(a, p, 2, 0)[0], b, 1e-3, np.arange(b.size))
    np.testing.assert_allclose(slope.ravel(), expected, rtol=2e-3, atol=1e-3)


@pytest.mark.once
def test_directions_are_the_seed_s_and_above_the_surface():
    lights, views = lights_and_views(40, 3)
    for directions in (lights, views):
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-6)
        assert directions[:, 2].min() > 0
    assert not np.allclose(lights[0], lights_and_views(40, 4)[0][0])
    np.testing.assert_array_equal(lights, lights_and_views(40, 3)[0])
    # Every second view is near the mirror's.
    half = lights + views
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    assert half[1::2, 2].min() > 0.95 > half[::2, 2].mean()


@pytest.mark.once
def test_bad_arguments():
    with pytest.raises(ValueError, match="`renders` must be a positive integer"):
        ks.losses.ShadingError(renders=0)
    with pytest.raises(ValueError, match="`seed` must be an integer of at least 0"):
        ks.losses.ShadingError(seed=-1)
    with pytest.raises(ValueError, match="`maps` must be some of"):
        ks.losses.ShadingError(("depth",))
