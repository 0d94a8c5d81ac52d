"""Generated surfaces: slopes against closed forms, and what every kind must keep."""

import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.datasets.generated_materials import KINDS


def test_normals_are_those_of_the_slopes():
    # h = 3·cos(2πx/32)·sin(2πy/16), y down; the slopes in closed form.
    y, x = np.mgrid[:32, :64]
    a, b = 2 * np.pi / 32, 2 * np.pi / 16
    heights = np.cos(a * x) * np.sin(b * y)
    right = -3 * a * np.sin(a * x) * np.sin(b * y)
    down = 3 * b * np.cos(a * x) * np.cos(b * y)
    expected = np.stack([-right, down, np.ones_like(right)], axis=-1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        ks.datasets.normals_from_heights(heights, strength=3.0), expected, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_heights_tile_and_are_the_seed_s(kind):
    heights = ks.datasets.generate_heights(64, kind, seed=5)
    np.testing.assert_array_equal(heights, ks.datasets.generate_heights(64, kind, seed=5))
    assert not np.allclose(heights, ks.datasets.generate_heights(64, kind, seed=6))
    np.testing.assert_allclose([heights.mean(), heights.std()], [0, 1], atol=1e-4)
    # From one edge to the other no more of a step than elsewhere.
    inner = np.abs(np.diff(heights, axis=0)).mean(axis=1)
    assert np.abs(heights[0] - heights[-1]).mean() <= 1.5 * inner.max()


def test_normal_maps_are_unit_vectors_of_many_slopes():
    deviations = []
    for seed in range(8):
        normals = ks.datasets.generate_normal_map(48, seed)
        np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-6)
        assert normals[..., 2].min() > 0
        deviations.append(normals[..., :2].std())
    assert min(deviations) < 0.12 < max(deviations) < 0.6


def test_a_material_s_colour_normals_and_occlusion_go_together():
    material = ks.datasets.generate_material(64, seed=3)
    assert material.shape == (64, 64, 8)
    assert material.min() >= 0
    assert material.max() <= 255
    levels = material[..., 3:5]
    normals = ks.pictures.levels_to_normals(levels)
    # The slopes of heights have no curl: what x changes upwards, y changes to the right.
    slopes = [-normals[..., k] / normals[..., 2] for k in range(2)]
    w = 2j * np.pi * np.fft.fftfreq(64)
    w[32] = 0
    x, y = (np.fft.fft2(slope) for slope in slopes)
    curl = -w[:, None] * x - w[None, :] * y
    divergence = w[None, :] * x - w[:, None] * y
    assert np.square(np.abs(curl)).sum() < 1e-6 * np.square(np.abs(divergence)).sum()


def test_a_photograph_is_the_colour_and_its_luma_the_heights():
    ramp = np.tile(np.linspace(0, 255, 64), (64, 1))
    photograph = np.stack([ramp, ramp, ramp], axis=-1)
    material = ks.datasets.material_from_photograph(photograph, seed=1)
    np.testing.assert_allclose(material[..., :3], photograph, atol=1e-4)
    middle = material[24:40, 24:40]
    assert (
        middle[..., 3].mean() < 125
    )  # brighter to the right is higher there: the normal leans left
    assert abs(middle[..., 4].mean() - 127.5) < 1


def test_bad_arguments():
    with pytest.raises(ValueError, match="`size` must be an integer of at least 16"):
        ks.datasets.generate_material(8)
    with pytest.raises(ValueError, match="`kind` must be one of 'noise'"):
        ks.datasets.generate_heights(64, "lava")
    with pytest.raises(ValueError, match="`heights` must be finite"):
        ks.datasets.normals_from_heights(np.full((4, 4), np.nan))
    with pytest.raises(ValueError, match="square photograph"):
        ks.datasets.material_from_photograph(np.zeros((64, 48, 3)))
