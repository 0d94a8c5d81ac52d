"""The choice between two predictions against float64 sums, block by block."""

import numpy as np
import pytest
from autodiff import differentiate, run
from keras import ops
from photographs import noise

import keras_sandwich as ks


@pytest.mark.parametrize(("size", "block_size"), [((16, 24), 8), ((9, 13), 8), ((9, 13), 4)])
def test_the_nearer_is_taken(size, block_size):
    frames, inter, intra = noise(2, *size, 2), noise(2, *size, 2)[::-1], noise(2, *size, 2)
    intra = np.ascontiguousarray(intra[:, ::-1])
    inter[:, :block_size, :block_size] = intra[:, :block_size, :block_size]  # a tie
    prediction, is_inter = run(
        lambda *given: ks.ops.choose_prediction(*given, block_size), frames, inter.copy(), intra
    )
    assert is_inter[:, 0, 0].all()
    assert 0 < np.mean(is_inter) < 1
    for b, y, x in np.ndindex(is_inter.shape):
        block = (
            b,
            slice(y * block_size, (y + 1) * block_size),
            slice(x * block_size, (x + 1) * block_size),
        )
        errors = [np.sum((frames[block].astype("float64") - p[block]) ** 2) for p in (inter, intra)]
        assert is_inter[b, y, x] == (errors[0] <= errors[1])
        chosen = inter if is_inter[b, y, x] else intra
        assert np.array_equal(prediction[block], chosen[block])


def test_the_gradient_is_the_chosen_one_s():
    frames, inter, intra = noise(1, 8, 24, 1), noise(1, 8, 24, 1) * 0.5, noise(1, 8, 24, 1)
    intra = np.ascontiguousarray(intra[:, ::-1])

    def scalar(frames, inter, intra):
        prediction, is_inter = ks.ops.choose_prediction(frames, inter, intra)
        return ops.sum(3.0 * prediction), is_inter

    is_inter, (by_frames, by_inter, by_intra), _ = differentiate(scalar, [frames, inter, intra])
    chosen = np.kron(is_inter[0], np.ones((8, 8)))[None, ..., None]
    assert not by_frames.any()
    assert np.array_equal(by_inter, 3 * chosen)
    assert np.array_equal(by_intra, 3 * (1 - chosen))


def test_bad_arguments():
    pictures = np.zeros((1, 8, 8, 1), "float32")
    with pytest.raises(ValueError, match="`block_size` must be a positive integer"):
        ks.ops.choose_prediction(pictures, pictures, pictures, block_size=0)
    with pytest.raises(ValueError, match="`intra` must have rank 4"):
        ks.ops.choose_prediction(pictures, pictures, pictures[0])
