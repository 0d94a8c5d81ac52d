"""Angles that are known, and baselines that undo themselves."""

import numpy as np
import pytest

import keras_sandwich as ks


def tilted(degrees, channels):
    """A map whose normals lean by an angle to the right."""
    radians = np.radians(degrees)
    vector = [np.sin(radians), 0.0, np.cos(radians)]
    return np.full((4, 4, channels), 127.5 * (np.array(vector[:channels]) + 1), "float32")


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("degrees", [0.05, 3.0, 70.0])
def test_angles_in_degrees(channels, degrees):
    measure = ks.evaluation.normal_angle()
    up, other = tilted(0, channels), tilted(degrees, channels)
    assert measure(up, other, 255.0) == pytest.approx(degrees, rel=2e-3, abs=1e-4)
    assert measure(4 * up, 4 * other, 1020.0) == pytest.approx(degrees, rel=2e-3, abs=1e-4)
    assert not measure.higher_is_better
    assert measure.unit == "°"


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="Received 4 channels"):
        ks.evaluation.normal_angle()(np.zeros((4, 4, 4)), np.zeros((4, 4, 4)), 255.0)


@pytest.mark.parametrize("coding", ["xyz", "xy", "octahedral"])
@pytest.mark.parametrize("planes", ["rgb", "luma"])
def test_baselines_undo_themselves(coding, planes):
    baseline = ks.evaluation.NormalMapBaseline(coding, planes)
    levels = ks.pictures.normals_to_levels(ks.datasets.generate_normal_map(32, 3))[None]
    coded = baseline.preprocess(levels)
    assert coded.shape == (1, 32, 32, 3)
    assert coded.dtype == np.float32
    np.testing.assert_allclose(baseline.postprocess(coded), levels, atol=2e-3)


def test_two_numbers_lie_where_they_are_said_to():
    levels = ks.pictures.normals_to_levels(ks.datasets.generate_normal_map(16, 3))[None]
    rgb = ks.evaluation.NormalMapBaseline("xy", "rgb").preprocess(levels)
    np.testing.assert_allclose(rgb[..., :2], levels + 0.5, atol=1e-3)
    np.testing.assert_allclose(rgb[..., 2], 128)
    luma = ks.evaluation.NormalMapBaseline("xy", "luma").preprocess(levels)
    y = luma @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(y, rgb[..., 0], atol=1e-2)
    cb = 128 + 0.564 * (luma[..., 2] - y)
    np.testing.assert_allclose(cb, rgb[..., 1], atol=5e-2)


def test_a_decoded_file_may_hold_anything():
    for coding in ("xyz", "xy", "octahedral"):
        baseline = ks.evaluation.NormalMapBaseline(coding)
        noise = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3))
        restored = baseline.postprocess(noise)
        assert np.isfinite(restored).all()
        assert restored.min() >= 0
        assert restored.max() <= 255


def test_bad_arguments():
    with pytest.raises(ValueError, match="`coding` must be one of"):
        ks.evaluation.NormalMapBaseline("spherical")
    with pytest.raises(ValueError, match="`planes` must be one of"):
        ks.evaluation.NormalMapBaseline("xy", "yuv")
