"""Motion search against every displacement tried in float64, and against motion that is known."""

import numpy as np
import pytest
from autodiff import run
from float64_motion import searched
from photographs import noise, photographs

import keras_sandwich as ks


@pytest.mark.parametrize(
    ("size", "block_size", "radius", "precision", "weight"),
    [
        ((16, 16), 8, 3, 1, 0.0),
        ((12, 21), 8, 2, 4, 0.0),
        ((17, 16), 16, 2, 2, 900.0),
    ],
)
def test_against_every_displacement(size, block_size, radius, precision, weight):
    reference = photographs(2, *size).astype("float32")
    flow = np.random.default_rng(1).uniform(-2, 2, (2, 1, 1, 2)).astype("float32")
    moved = run(ks.ops.warp, reference, np.broadcast_to(flow, (2, *size, 2)))
    frames = moved + 0.05 * noise(2, *size, 3)

    def search(frames, reference):
        return ks.ops.match_blocks(frames, reference, block_size, radius, precision, weight)

    found = run(search, frames, reference)
    for number in range(2):
        pair = frames[number], reference[number]
        expected = searched(*pair, block_size, radius, precision, weight)
        np.testing.assert_array_equal(found[number], expected)


def test_known_motion_to_a_quarter_of_a_sample():
    reference = photographs(1, 48, 64).astype("float32")
    motion = np.float32([-2.75, 4.25])
    frames = run(ks.ops.warp, reference, np.broadcast_to(motion, (1, 48, 64, 2)))
    vectors = run(ks.ops.match_blocks, frames, reference)
    assert np.all(vectors[0, 1:, :-1] == motion)  # the others read outside
    flow = run(lambda v: ks.ops.vectors_to_flow(v, (48, 64), 16), vectors)
    assert np.array_equal(flow[0], np.kron(vectors[0], np.ones((16, 16, 1))))
    again = run(ks.ops.warp, reference, flow)
    np.testing.assert_allclose(again[:, 16:, :48], frames[:, 16:, :48], rtol=0, atol=1e-3)


def test_of_equal_displacements_the_shortest():
    flat = np.full((1, 40, 40, 1), 90.0, "float32")
    vectors = run(lambda a, b: ks.ops.match_blocks(a, b, 8, 4), flat, flat)
    assert not vectors.any()


def test_a_price_for_each_image_s_bits():
    reference = noise(2, 16, 16, 1)
    frames = np.roll(reference, (2, 1), axis=(1, 2))
    weight = np.float32([0.0, 1e9])
    vectors = run(
        lambda a, b: ks.ops.match_blocks(a, b, 8, 2, rate_weight=weight), frames, reference
    )
    assert np.array_equal(vectors[0, 1, 1], [-2, -1])
    assert not vectors[1].any()


def test_bad_arguments():
    frames = np.zeros((1, 8, 8, 1), "float32")
    with pytest.raises(ValueError, match=r"one shape.*\(1, 8, 8, 1\) and \(1, 8, 8, 3\)"):
        ks.ops.match_blocks(frames, np.zeros((1, 8, 8, 3)))
    with pytest.raises(ValueError, match=r"`precision` must be one of 1, 2, 4.*precision=3"):
        ks.ops.match_blocks(frames, frames, precision=3)
    with pytest.raises(ValueError, match=r"`search_radius` must be a positive integer"):
        ks.ops.match_blocks(frames, frames, search_radius=0)
