import numpy as np
import pytest
from autodiff import BACKEND, gradient, run
from float64_codec import kernel, resample
from photographs import noise
from PIL import Image

import keras_sandwich as ks
from keras_sandwich.ops.resampling import window_support, window_weights

# (size, new size): single samples, odd sizes, both directions, one axis kept.
SIZES = [
    ((1, 1), (3, 5)),
    ((7, 5), (3, 2)),
    ((16, 12), (8, 12)),
    ((9, 13), (1, 1)),
    ((17, 33), (40, 21)),
]
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("antialias", [True, False])
def test_every_sample_is_the_kernel_s_sum(method, antialias):
    for size, new_size in SIZES:
        images = noise(2, *size, 2)
        rows = resample(images, 1, new_size[0], method, antialias)
        expected = resample(rows, 2, new_size[1], method, antialias)
        result = run(lambda x, n=new_size: ks.ops.resize(x, n, method, antialias), images)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3, err_msg=str(new_size))


@pytest.mark.parametrize("method", FILTERS)
def test_pillow_resamples_the_same(method):
    for size, new_size in SIZES:
        image = noise(*size)
        expected = Image.fromarray(image).resize(new_size[::-1], FILTERS[method])
        result = run(lambda x, n=new_size: ks.ops.resize(x, n, method), image[None, ..., None])
        np.testing.assert_allclose(result[0, ..., 0], np.array(expected), rtol=0, atol=2e-2)


def test_nearest_takes_the_sample_that_holds_the_centre():
    for size, new_size in SIZES:
        image = noise(*size)
        rows, columns = (
            ((np.arange(n) + 0.5) * old / n).astype(int)
            for old, n in zip(size, new_size, strict=True)
        )
        result = run(lambda x, n=new_size: ks.ops.resize(x, n, "nearest"), image[None, ..., None])
        assert np.array_equal(result[0, ..., 0], image[np.ix_(rows, columns)])


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize(("size", "new_size"), [(41, 20), (20, 41), (9, 30), (31, 4)])
@pytest.mark.parametrize("antialias", [True, False])
def test_a_window_is_part_of_the_whole(method, size, new_size, antialias):
    matrix = resample(np.eye(size), 0, new_size, method, antialias)
    for new_range in ((0, 3), (new_size // 2, new_size // 2 + 1), (new_size - 2, new_size)):
        samples = window_support(size, new_size, new_range, method, antialias)
        weights = window_weights(size, new_size, new_range, samples, method, antialias)
        rows = matrix[slice(*new_range)]
        np.testing.assert_allclose(weights, rows[:, slice(*samples)], rtol=0, atol=1e-6)
        outside = np.delete(rows, np.arange(*samples), axis=1)
        assert np.abs(outside).max(initial=0) < 1e-6


def test_positions_are_right_far_from_the_corner():
    size, new_size = 4001, 2000
    column = noise(1, size, 1, 1)
    step = size / new_size
    for new in (1990, new_size - 1):
        centre = (new + 0.5) * step - 0.5
        near = np.arange(int(centre) - 5, min(int(centre) + 7, size))
        weights = np.array([kernel("bicubic", (sample - centre) / step) for sample in near])
        expected = weights @ column[0, near, 0, 0].astype("float64") / weights.sum()
        result = run(lambda x: ks.ops.resize(x, (new_size, 1), "bicubic"), column)
        np.testing.assert_allclose(result[0, new, 0, 0], expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (6, 4)])
def test_fast_doubling_is_bilinear(size):
    images = noise(2, *size, 3)
    rows = resample(images, 1, 2 * size[0], "bilinear")
    expected = resample(rows, 2, 2 * size[1], "bilinear")
    np.testing.assert_allclose(
        run(ks.ops.bilinear_upsample_2x, images), expected, rtol=0, atol=1e-3
    )


def test_gradient_is_the_transposed_matrix():
    matrix = resample(np.eye(7), 0, 3, "bicubic")
    slope = gradient(lambda x: ks.ops.resize(x, (3, 1), "bicubic"), noise(1, 7, 1, 1))
    np.testing.assert_allclose(slope[0, :, 0, 0], matrix.sum(axis=0), rtol=0, atol=1e-5)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are tensors")
def test_unknown_sizes_give_the_same():
    import tensorflow as tf

    images = noise(2, 9, 14, 3)
    for method in ("nearest", *FILTERS):

        @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
        def halve(x, method=method):
            return ks.ops.resize(x, (tf.shape(x)[1] // 2, tf.shape(x)[2] * 2), method)

        expected = run(lambda x, m=method: ks.ops.resize(x, (4, 28), m), images)
        np.testing.assert_allclose(halve(images), expected, rtol=0, atol=2e-3, err_msg=method)

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def double(x):
        return ks.ops.bilinear_upsample_2x(x)

    np.testing.assert_allclose(
        double(images), run(ks.ops.bilinear_upsample_2x, images), rtol=0, atol=1e-3
    )


def test_bad_arguments():
    images = np.zeros((1, 4, 4, 1))
    with pytest.raises(
        ValueError, match=r"'bilinear', 'bicubic', 'lanczos3'. Received method='area'"
    ):
        ks.ops.resize(images, (2, 2), "area")
    with pytest.raises(ValueError, match=r"two positive integers. Received size=\(0, 2\)"):
        ks.ops.resize(images, (0, 2))
