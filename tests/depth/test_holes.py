import numpy as np
import pytest

import keras_sandwich as ks


def test_what_is_known_stays_and_the_rest_is_made_of_it():
    generator = np.random.default_rng(0)
    depth = generator.integers(1000, 2000, (37, 53)).astype("uint16")
    holes = generator.random(depth.shape) < 0.3
    holes[10:30, 20:50] = True
    filled, found = ks.depth.fill_holes(np.where(holes, 0, depth).astype("uint16"))
    np.testing.assert_array_equal(found, holes)
    np.testing.assert_array_equal(filled[~holes], depth[~holes])
    assert filled.dtype == np.uint16
    assert filled.min() >= depth.min()
    assert filled.max() <= depth.max()


def test_of_floats_nan_zero_and_infinity_are_holes():
    depth = np.array([[1.0, np.nan], [0.0, np.inf]], "float32")
    filled, holes = ks.depth.fill_holes(depth)
    assert holes.tolist() == [[False, True], [True, True]]
    np.testing.assert_array_equal(filled, np.ones((2, 2), "float32"))


def test_a_constant_map_stays_constant():
    depth = np.full((33, 17), 4321, "uint16")
    depth[::2] = 0
    assert (ks.depth.fill_holes(depth)[0] == 4321).all()


def test_holes_alone_are_refused():
    with pytest.raises(ValueError, match="Every pixel of the depth map is a hole"):
        ks.depth.fill_holes(np.zeros((4, 4), "uint16"))
