import numpy as np
import pytest
from autodiff import run
from float64_codec import double, halve
from photographs import noise

import keras_sandwich as ks


@pytest.mark.parametrize(
    ("subsampling", "axes"), [("4:4:4", ()), ("4:2:2", (2,)), ("4:2:0", (1, 2))]
)
def test_planes_are_halved_and_double(subsampling, axes):
    chroma = noise(2, 16, 10, 2)
    small, large = chroma, chroma
    for axis in axes:
        small, large = halve(small, axis), double(large, axis)
    for function, expected in (
        (ks.ops.downsample_chroma, small),
        (ks.ops.upsample_chroma, large),
    ):
        result = run(lambda x, f=function: f(x, subsampling), chroma)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3)


def test_420_in_one_tensor():
    clip = noise(2, 3, 6, 8, 3)
    flat = clip.reshape(-1, 6, 8, 3)
    expected = np.zeros_like(flat, "float64")
    expected[..., 0] = flat[..., 0]
    expected[:, :3, :4, 1:] = halve(halve(flat[..., 1:], 1), 2)
    small = run(ks.ops.yuv_444_to_420, clip)
    np.testing.assert_allclose(small.reshape(flat.shape), expected, rtol=0, atol=1e-3)

    expected[..., 1:] = double(double(expected[:, :3, :4, 1:], 1), 2)
    large = run(ks.ops.yuv_420_to_444, small)
    np.testing.assert_allclose(large.reshape(flat.shape), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (1, 6)])
def test_odd_sizes(size):
    """The chroma of an odd size is mirrored to an even one, and cropped back."""
    picture = noise(2, *size, 3)
    height, width = size
    even = np.pad(picture, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)], mode="symmetric")
    half = halve(halve(even[..., 1:], 1), 2)
    rows, columns = half.shape[1:3]
    small = run(ks.ops.yuv_444_to_420, picture)
    assert small.shape == picture.shape
    np.testing.assert_allclose(small[:, :rows, :columns, 1:], half, rtol=0, atol=1e-3)
    assert not small[:, rows:, :, 1:].any()
    assert not small[:, :, columns:, 1:].any()
    expected = double(double(half, 1), 2)[:, :height, :width]
    large = run(ks.ops.yuv_420_to_444, small)
    np.testing.assert_allclose(large[..., 1:], expected, rtol=0, atol=2e-3)
    assert np.array_equal(large[..., 0], picture[..., 0])


def test_bad_arguments():
    with pytest.raises(
        ValueError, match=r"'4:4:4', '4:2:2', '4:2:0'. Received chroma_subsampling='4:1:1'"
    ):
        ks.ops.downsample_chroma(np.zeros((1, 8, 8, 2)), "4:1:1")
    with pytest.raises(ValueError, match=r"Received shape \(6, 8, 3\)"):
        ks.ops.yuv_444_to_420(np.zeros((6, 8, 3)))
