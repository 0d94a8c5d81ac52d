"""Made-up scenes: repeatable, and of straight lines where geometry has them."""

import numpy as np
import pytest

import keras_sandwich as ks


def test_a_seed_is_a_scene():
    first, again, other = (ks.datasets.synthetic_depth(40, 56, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.9


def test_disparity_is_the_inverse_of_depth():
    depth = ks.datasets.synthetic_depth(40, 56, 5, "depth") / 65535 * 10
    disparity = ks.datasets.synthetic_depth(40, 56, 5, "disparity") / 65535 / 0.4
    np.testing.assert_allclose(depth * disparity, 1, rtol=2e-3)


def test_surfaces_are_seen_in_perspective():
    """Of planes 1/depth is linear in the image, so most second differences are next to nothing."""
    curved = []
    for seed in range(6):
        disparity = ks.datasets.synthetic_depth(64, 64, seed, "disparity").astype("float64")
        curved.append(np.abs(np.diff(disparity, 2, axis=1)) < 30)
    assert 0.8 < np.mean(curved) < 1


def test_holes_lie_beside_edges_and_are_few():
    holes = [ks.datasets.synthetic_depth(96, 128, seed, holes=True) == 0 for seed in range(4)]
    assert 0.001 < np.mean(holes) < 0.2
    assert not (ks.datasets.synthetic_depth(96, 128, 0) == 0).any()


def test_crops():
    crops = ks.datasets.depth_crops(3, size=24, seed=1, num_truncate_bits=4)
    assert crops.shape == (3, 24, 24, 1)
    assert crops.dtype == np.float32
    assert crops.max() <= 4080
    np.testing.assert_array_equal(
        crops[:2], ks.datasets.depth_crops(2, size=24, seed=1, num_truncate_bits=4)
    )


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="`kind` must be one of 'depth'"):
        ks.datasets.synthetic_depth(8, 8, kind="height")
