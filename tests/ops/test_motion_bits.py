"""The bits of displacements against codes that are written out, and medians block by block (H.264, 8.4.1.3, 9.1.1)."""

import numpy as np
import pytest
from autodiff import run
from float64_motion import exp_golomb, written

import keras_sandwich as ks


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 1), (4, 5)])
@pytest.mark.parametrize("precision", [1, 4])
@pytest.mark.parametrize("share", [1.0, 0.6])
def test_against_codes_that_are_written(size, precision, share):
    generator = np.random.default_rng(len(size) + precision)
    units = generator.integers(-70, 71, (3, *size, 2)) // generator.choice([1, 30], (3, 1, 1, 1))
    coded = generator.random((3, *size)) <= share
    vectors = (units / precision).astype("float32")
    given = None if share == 1 else coded
    bits = run(lambda v: ks.ops.motion_bits(v, precision, given), vectors)
    assert bits.tolist() == [len(written(u, c)) for u, c in zip(units, coded, strict=True)]


def test_a_long_way():
    vectors = np.full((1, 1, 1, 2), 8000.25, "float32")
    assert run(ks.ops.motion_bits, vectors)[0] == 2 * len(exp_golomb(32001))


def test_other_precisions():
    with pytest.raises(ValueError, match=r"`precision` must be one of 1, 2, 4"):
        ks.ops.motion_bits(np.zeros((1, 1, 1, 2)), precision=8)
