"""The angle between normals against the arc cosine in float64."""

import numpy as np
import pytest
from autodiff import finite_differences, gradient, run
from photographs import noise

import keras_sandwich as ks

TARGET = noise(2, 5, 4, 2, low=80, high=180)
PREDICTION = TARGET + noise(2, 5, 4, 2, low=-20, high=20, seed=1)


def float64_normals(levels, peak=255.0):
    vectors = 2 * np.asarray(levels, "float64") / peak - 1
    if levels.shape[-1] == 2:
        z = np.sqrt(1 - np.square(vectors).sum(axis=-1, keepdims=True))
        vectors = np.concatenate([vectors, z], axis=-1)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def truth(target, prediction, peak=255.0):
    """The squared mean angle, in levels; angles blunt by 0.005, and by their chords, which up to 0.3 are as long."""
    cosine = (float64_normals(target, peak) * float64_normals(prediction, peak)).sum(axis=-1)
    angles = 2 * np.sin(np.arccos(cosine) / 2)
    return (peak / 2 * np.mean(np.sqrt(angles**2 + 0.005**2) - 0.005, axis=(1, 2))) ** 2


def test_values_are_those_of_the_arc_cosine():
    value = run(ks.losses.NormalAngleError(scale=2.0).call, TARGET, PREDICTION)
    np.testing.assert_allclose(value, 2 * truth(TARGET, PREDICTION), rtol=1e-3)
    three = (127.5 * (float64_normals(x) * [[[[0.9]]]] + 1) for x in (TARGET, PREDICTION))
    same = run(ks.losses.NormalAngleError().call, *(x.astype("float32") for x in three))
    np.testing.assert_allclose(same, value / 2, rtol=1e-3)  # of another length, too
    deep = run(ks.losses.NormalAngleError(image_max=1020.0).call, 4 * TARGET, 4 * PREDICTION)
    np.testing.assert_allclose(deep, 8 * value, rtol=1e-4)


def test_equal_maps_have_no_error_and_a_gradient_of_nothing():
    loss = ks.losses.NormalAngleError()
    np.testing.assert_array_equal(run(loss.call, TARGET, TARGET), [0, 0])
    np.testing.assert_array_equal(gradient(lambda p: loss.call(TARGET, p), TARGET), 0 * TARGET)


def test_gradients_are_those_of_finite_differences():
    a, b = TARGET[:1, :1, :3], PREDICTION[:1, :1, :3]

    def blunted(p):
        chords = np.linalg.norm(float64_normals(a) - float64_normals(p), axis=-1)
        return (127.5 * np.mean(np.sqrt(chords**2 + 0.005**2) - 0.005)) ** 2

    slope = gradient(lambda p: ks.losses.NormalAngleError().call(a, p), b)
    expected = finite_differences(blunted, b, 1e-3, np.arange(b.size))
    np.testing.assert_allclose(slope.ravel(), expected, rtol=2e-3, atol=1e-3)


def test_bad_arguments():
    with pytest.raises(ValueError, match="`image_max` must be positive"):
        ks.losses.NormalAngleError(image_max=0.0)
    with pytest.raises(ValueError, match=r"have 2 channels. Received a material of shape"):
        ks.losses.NormalAngleError().call(TARGET[..., :1], TARGET[..., :1])
