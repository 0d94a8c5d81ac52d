"""Crops of materials: turning the picture of a surface and rendering it anew must be the same."""

import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.datasets.material_crops import turned


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("flipped", [False, True])
def test_normals_turn_with_their_surface(quarters, flipped):
    heights = ks.datasets.generate_heights(32, "pebbles", seed=2)
    levels = ks.pictures.normals_to_levels(ks.datasets.normals_from_heights(heights))
    moved = np.rot90(heights, quarters)
    moved = moved[:, ::-1] if flipped else moved
    expected = ks.pictures.normals_to_levels(ks.datasets.normals_from_heights(moved))
    np.testing.assert_allclose(
        turned(levels, ("normal_xy",), quarters, flipped), expected, atol=1e-3
    )


def test_only_normals_change_their_values():
    material = ks.datasets.generate_material(32, seed=1)
    moved = turned(material, ks.pictures.MATERIAL_MAPS, 1, True)
    others = [0, 1, 2, 5, 6, 7]
    np.testing.assert_allclose(
        moved[..., others], np.rot90(material, 1)[:, ::-1][..., others], atol=1e-4
    )


def test_batches_are_crops_and_repeat():
    materials = [ks.datasets.generate_material(40, seed) for seed in range(3)]
    crops = ks.datasets.MaterialCrops(
        materials, ks.pictures.MATERIAL_MAPS, crop_size=16, batch_size=2, steps_per_epoch=3, seed=4
    )
    batch = crops.batch(1, epoch=2)
    assert batch.shape == (2, 16, 16, 8)
    assert len(crops) == 3
    np.testing.assert_array_equal(batch, crops.batch(1, epoch=2))
    # Each crop's roughness lies somewhere in one of the materials, in one of eight positions.
    roughness = batch[0, ..., 5]
    variants = [np.rot90(r, k) for r in (roughness, roughness[:, ::-1]) for k in range(4)]
    windows = [
        np.lib.stride_tricks.sliding_window_view(material[..., 5], (16, 16))
        for material in materials
    ]
    assert any(
        (np.abs(window - variant).max(axis=(2, 3)) < 1e-3).any()
        for window in windows
        for variant in variants
    )


def test_bad_materials():
    with pytest.raises(ValueError, match=r"\[height, width, 2\]"):
        ks.datasets.MaterialCrops([np.zeros((64, 64, 3))], ("normal_xy",), crop_size=16)
    with pytest.raises(ValueError, match=r"sides of at least 128"):
        ks.datasets.MaterialCrops([np.zeros((64, 64, 2))], ("normal_xy",))
    with pytest.raises(ValueError, match=r"finite, in \[0, 255\]"):
        ks.datasets.MaterialCrops([np.full((64, 64, 2), np.nan)], ("normal_xy",), crop_size=16)
    with pytest.raises(ValueError, match="Received none"):
        ks.datasets.MaterialCrops([], ("normal_xy",))
