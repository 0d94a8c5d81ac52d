import numpy as np
import pytest

import keras_sandwich as ks

DEPTH = np.array([[1000, 2000], [0, 4000]], "uint16")
RESTORED = np.array([[1005, 1970], [9, 4041]], "uint16")


def test_by_hand():
    assert ks.depth.end_point_error(DEPTH, RESTORED) == pytest.approx((5 + 30 + 41) / 3)
    assert ks.depth.share_off(DEPTH, RESTORED) == pytest.approx(2 / 3)
    assert ks.depth.share_off(DEPTH, RESTORED, tolerance=0.0051) == pytest.approx(2 / 3)
    errors = [1 / 1005 - 1 / 1000, 1 / 1970 - 1 / 2000, 1 / 4041 - 1 / 4000]
    expected = 20 * np.log10(1 / 1000 / np.sqrt(np.mean(np.square(errors))))
    assert ks.depth.inverse_depth_psnr(DEPTH, RESTORED) == pytest.approx(expected)


def test_nan_is_a_hole_too_and_valid_says_what_counts_beside():
    depth = np.where(DEPTH == 0, np.nan, DEPTH.astype("float32"))
    valid = np.array([[True, False], [True, True]])
    assert ks.depth.end_point_error(depth, RESTORED, valid) == pytest.approx(23)


def test_equal_maps():
    assert ks.depth.end_point_error(DEPTH, DEPTH) == 0
    assert ks.depth.inverse_depth_psnr(DEPTH, DEPTH) == np.inf


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="maps of one shape"):
        ks.depth.end_point_error(DEPTH, RESTORED[:1])
    with pytest.raises(ValueError, match="No pixel counts"):
        ks.depth.share_off(np.zeros((2, 2), "uint16"), RESTORED)
