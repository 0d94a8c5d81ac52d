"""Warping against float64 loops and finite differences; the flow of reduced frames against block means."""

import numpy as np
import pytest
from autodiff import differentiate, finite_differences, run
from float64_motion import warped
from keras import ops
from photographs import noise

import keras_sandwich as ks


def flow_of(*shape, reach):
    return np.random.default_rng(7).uniform(-reach, reach, (*shape, 2)).astype("float32")


@pytest.mark.parametrize("size", [(1, 1), (5, 9), (16, 8)])
@pytest.mark.parametrize("reach", [0.9, 6.0, 1e12])
def test_against_float64(size, reach):
    frames, flow = noise(2, *size, 3), flow_of(2, *size, reach=reach)
    flow[0, 0, 0] = (0, -0.25)
    expected = warped(frames, flow)
    np.testing.assert_allclose(run(ks.ops.warp, frames, flow), expected, rtol=0, atol=1e-3)


def test_whole_displacements_are_exact():
    frames = noise(1, 6, 7, 2)
    flow = np.broadcast_to(np.float32([-2, 3]), (1, 6, 7, 2))
    expected = np.zeros_like(frames)
    expected[:, 2:, :4] = frames[:, :4, 3:]
    assert np.array_equal(run(ks.ops.warp, frames, flow), expected)


def test_gradients_are_the_slopes():
    frames, flow = noise(1, 5, 6, 2), flow_of(1, 5, 6, reach=1.7)
    cotangent = np.random.default_rng(3).normal(size=frames.shape).astype("float32")

    def scalar(frames, flow):
        return ops.sum(ops.multiply(ks.ops.warp(frames, flow), cotangent)), ()

    by_frames, by_flow = differentiate(scalar, [frames, flow])[1]
    places = range(0, 60, 7)
    slopes = finite_differences(lambda x: np.sum(warped(x, flow) * cotangent), frames, 1e-3, places)
    np.testing.assert_allclose(by_frames.ravel()[places], slopes, rtol=1e-4, atol=1e-4)
    slopes = finite_differences(lambda x: np.sum(warped(frames, x) * cotangent), flow, 1e-5, places)
    np.testing.assert_allclose(by_flow.ravel()[places], slopes, rtol=1e-3, atol=1e-2)


def test_far_outside_nothing_moves():
    frames, flow = noise(1, 4, 4, 1), np.full((1, 4, 4, 2), 50.0, "float32")

    def scalar(flow):
        return ops.sum(ks.ops.warp(frames, flow)), ()

    assert not differentiate(scalar, [flow])[1][0].any()


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_flow_of_reduced_frames(factor):
    flow = flow_of(2, 6, 12, reach=9.0)
    reduced = run(lambda x: ks.ops.resize_flow(x, (6 // factor, 12 // factor)), flow)
    blocks = flow.reshape(2, 6 // factor, factor, 12 // factor, factor, 2).astype("float64")
    np.testing.assert_allclose(reduced, blocks.mean(axis=(2, 4)) / factor, rtol=0, atol=1e-5)


def test_a_size_that_no_factor_makes():
    flow = flow_of(1, 5, 2, reach=9.0).astype("float64")
    reduced = run(lambda x: ks.ops.resize_flow(x, (2, 2)), flow.astype("float32"))
    halves = [flow[:, 0] + flow[:, 1] + flow[:, 2] / 2, flow[:, 2] / 2 + flow[:, 3] + flow[:, 4]]
    expected = np.stack(halves, axis=1) / 2.5 * [2 / 5, 1]
    np.testing.assert_allclose(reduced, expected, rtol=0, atol=1e-5)


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"`flow` must be .*2\].*Received shape \(1, 4, 4, 3\)"):
        ks.ops.warp(np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3)))
    with pytest.raises(ValueError, match=r"`frames` must have rank 4"):
        ks.ops.warp(np.zeros((4, 4, 3)), np.zeros((1, 4, 4, 2)))
    with pytest.raises(ValueError, match=r"its own size or smaller.*4×4 and size=\(8, 4\)"):
        ks.ops.resize_flow(np.zeros((1, 4, 4, 2)), (8, 4))
