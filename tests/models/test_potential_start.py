"""The linear start of normal maps against the same transform in the Fourier domain, in float64."""

import numpy as np
import pytest

import keras_sandwich as ks
from keras_sandwich.models.potential_start import (
    CUTOFF,
    GAINS,
    PATCH_SIZE,
    TURNED,
    _turning,
    material_kernels,
    on_patches,
    potential_kernels,
)
from keras_sandwich.ops.color import RGB_TO_YUV

SIZE = 96


def correlated(picture, kernel):
    """Cross-correlation on a torus, tap by tap."""
    half = len(kernel) // 2
    result = np.zeros((*picture.shape[:2], kernel.shape[-1]))
    for y in range(-half, half + 1):
        for x in range(-half, half + 1):
            moved = np.roll(picture, (-y, -x), axis=(0, 1))
            result += moved @ kernel[y + half, x + half]
    return result


def turned_by_fourier(x, y):
    """cos φ·(x, y) + i·sin φ·S·(x, y) at each frequency, S the reflection at its direction, y up."""
    w = 2 * np.pi * np.fft.fftfreq(SIZE)
    w = w * np.cos(np.pi / 2 * np.clip((np.abs(w) / np.pi - TURNED) / (1 - TURNED), 0, 1)) ** 2
    right, up = np.meshgrid(w, -w)
    length = np.sqrt(right**2 + up**2 + CUTOFF**2)
    X, Y = np.fft.fft2(x), np.fft.fft2(y)
    along = (CUTOFF * X + 1j * (right * X + up * Y)) / length
    across = (CUTOFF * Y + 1j * (up * X - right * Y)) / length
    return [np.fft.ifft2(part).real for part in (along, across)]


@pytest.fixture(scope="module")
def slopes():
    """x and y of a surface's normals, and what the kernels make of them."""
    heights = ks.datasets.generate_heights(SIZE, "noise", seed=4)
    normals = ks.datasets.normals_from_heights(heights, 0.5)[..., :2].astype("float64")
    return normals, correlated(normals, _turning(25, CUTOFF))


@pytest.mark.once
def test_the_kernels_are_the_transform(slopes):
    normals, planes = slopes
    expected = np.stack(turned_by_fourier(normals[..., 0], normals[..., 1]), axis=-1)
    assert np.abs(planes - expected).mean() < 0.02 * np.abs(expected).mean()


@pytest.mark.once
def test_a_surface_s_slopes_are_in_the_potential_and_come_back(slopes):
    normals, planes = slopes
    x, y = normals[..., 0].var(), normals[..., 1].var()
    assert planes.var() == pytest.approx(0.5 * (x + y), rel=0.05)  # turned, and no larger
    # From four times the cutoff to where turning ends, across the direction there is next to nothing.
    w = 2 * np.pi * np.hypot(*np.meshgrid(*[np.fft.fftfreq(SIZE)] * 2))
    band = (w > 4 * CUTOFF) & (w < TURNED * np.pi)
    energy = [np.square(np.abs(np.fft.fft2(planes[..., k])))[band].sum() for k in range(2)]
    assert energy[1] < 0.1 * energy[0]
    kernel = _turning(25, CUTOFF)
    back = correlated(planes, kernel[::-1, ::-1].swapaxes(2, 3))
    assert np.abs(back - normals).mean() < 0.01 * np.abs(normals).mean() + 2e-3


@pytest.mark.once
def test_kernels_on_patches_do_what_those_on_pixels_do():
    random = np.random.default_rng(0)
    kernel, picture = random.normal(size=(9, 9, 2, 3)), random.normal(size=(24, 24, 2))
    patches = picture.reshape(12, 2, 12, 2, 2).transpose(0, 2, 1, 3, 4).reshape(12, 12, 8)
    result = correlated(patches, on_patches(kernel, 2).astype("float64"))
    result = result.reshape(12, 12, 2, 2, 3).transpose(0, 2, 1, 3, 4).reshape(24, 24, 3)
    np.testing.assert_allclose(result, correlated(picture, kernel), atol=1e-5)


@pytest.mark.once
def test_luma_holds_the_potential_and_cr_nothing():
    before, after = potential_kernels(1, 25)
    turn = _turning(25, CUTOFF)
    np.testing.assert_allclose(before @ RGB_TO_YUV[0], turn[..., 0], atol=1e-6)
    np.testing.assert_allclose(before @ RGB_TO_YUV[1], turn[..., 1], atol=1e-6)
    np.testing.assert_allclose(before @ RGB_TO_YUV[2], 0 * turn[..., 0], atol=1e-6)
    assert after.shape == (25, 25, 3, 2)
    plain = potential_kernels(1, 25, as_luma=False)[0]
    np.testing.assert_allclose(plain, np.concatenate([turn, 0 * turn[..., :1]], -1), atol=1e-6)


@pytest.mark.once
def test_material_planes_have_their_gains():
    before, after = material_kernels()
    p = PATCH_SIZE**2
    assert before.shape == after.shape == (7, 7, 8 * p, 8 * p)
    middle = before[3, 3][:8, :8]  # of a patch's first pixel
    np.testing.assert_allclose(np.diag(middle)[5:], GAINS[5:], rtol=1e-6)
    np.testing.assert_allclose(middle[:3, 0], RGB_TO_YUV[0], atol=1e-6)
    product = after[3, 3][:8, :8] * np.reshape(GAINS, (8, 1))
    np.testing.assert_allclose(np.diag(product)[5:], 1, rtol=1e-6)
