"""Resampling in the DCT domain, against SciPy's transforms in float64."""

import numpy as np
import pytest
from autodiff import to_numpy
from photographs import photographs
from scipy.fft import dctn, idctn

import keras_sandwich as ks
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.ops.dct_resampling import kept_coefficients


def reduced(plane, factor):
    """One channel, block by block: low coefficients as they are, those outside the square in the free places."""
    size = 8 * factor
    small = np.empty((plane.shape[0] // factor, plane.shape[1] // factor))
    for top in range(0, plane.shape[0], size):
        for left in range(0, plane.shape[1], size):
            large = dctn(plane[top : top + size, left : left + size], norm="ortho") / factor
            block = np.zeros((8, 8))
            for place, taken in kept_coefficients(factor):
                block[taken] = large[place]
            rows, columns = (slice(start // factor, start // factor + 8) for start in (top, left))
            small[rows, columns] = idctn(block, norm="ortho")
    return small


@pytest.mark.parametrize("factor", [2, 3])
def test_blocks_keep_the_coefficients_nearest_to_dc(factor):
    pairs = kept_coefficients(factor)
    kept, taken = zip(*pairs, strict=True)
    assert len(set(kept)) == len(set(taken)) == 64
    assert max(max(t) for t in taken) == 7
    left_out = {(v, u) for v in range(8 * factor) for u in range(8 * factor)} - set(kept)
    assert max(v * v + u * u for v, u in kept) <= min(v * v + u * u for v, u in left_out)
    assert all(place == there for place, there in pairs if max(place) < 8)
    images = np.random.default_rng(0).uniform(0, 255, (2, 8 * factor * 2, 8 * factor, 2))
    found = to_numpy(ks.ops.reduce_by_dct(images.astype("float32"), factor))
    for number in range(2):
        for channel in range(2):
            expected = reduced(images[number, ..., channel], factor)
            np.testing.assert_allclose(found[number, ..., channel], expected, atol=2e-3)


def test_the_way_back_is_the_nearest_picture():
    small = np.random.default_rng(0).uniform(0, 255, (1, 16, 24, 3)).astype("float32")
    large = to_numpy(ks.ops.enlarge_by_dct(small, 2))
    np.testing.assert_allclose(to_numpy(ks.ops.reduce_by_dct(large, 2)), small, atol=2e-3)
    # Orthonormal but for the factor: nothing else that reduces to the same has less energy.
    assert np.sum(np.float64(large) ** 2) == pytest.approx(
        4 * np.sum(np.float64(small) ** 2), rel=1e-5
    )


def test_sizes_that_do_not_fit_are_refused():
    for function, side in ((ks.ops.reduce_by_dct, 16), (ks.ops.enlarge_by_dct, 8)):
        with pytest.raises(ValueError, match=f"multiples of {side}"):
            function(np.zeros((1, 24, 20, 1), "float32"), 2)


@pytest.mark.once
def test_a_baseline_of_it_takes_any_size_and_tiles():
    chain = ks.models.create_linear_baseline(
        bottleneck_channels=3, downsample_factor=2, resampling="dct"
    )
    picture = photographs(1, 75, 90)[0]
    at_once = to_numpy(chain.preprocess(picture[None]))[0]
    assert at_once.shape == (40, 48, 3)
    padded = np.pad(picture, ((0, 5), (0, 6), (0, 0)), "symmetric").astype("float64")
    np.testing.assert_allclose(at_once[..., 1], reduced(padded[..., 1], 2), atol=0.05)
    np.testing.assert_allclose(preprocess_picture(chain, picture, 32), at_once, atol=1e-2)
    restored = to_numpy(chain.postprocess(at_once[None], (75, 90)))[0]
    tiles = postprocess_picture(chain, at_once, (75, 90), 32)
    np.testing.assert_allclose(tiles, restored, atol=1e-2)
    assert restored.shape == picture.shape
    outputs = ks.transport(chain, picture[None], ks.codecs.JPEG(qstep=2))
    filters = ks.models.create_linear_baseline(bottleneck_channels=3, downsample_factor=2)
    plain = ks.transport(filters, picture[None], ks.codecs.JPEG(qstep=2))
    errors = [np.mean(np.square(o["prediction"][0] - picture)) for o in (outputs, plain)]
    assert errors[0] < errors[1]
