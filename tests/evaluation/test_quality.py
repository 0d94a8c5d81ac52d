"""Measures of one picture against scikit-image and closed forms."""

import numpy as np
import pytest
from photographs import noise, photographs

from keras_sandwich.evaluation.quality import MEASURES, measures


def pair(height=170, width=180, channels=3):
    picture = photographs(1, height, width)[0].astype("float32")[..., :channels]
    return picture, np.clip(np.round(picture + noise(*picture.shape, low=-20, high=20)), 0, 255)


def test_psnr_is_scikit_image_s():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pair()
    expected = metrics.peak_signal_noise_ratio(a.astype("float64"), b, data_range=255)
    assert MEASURES["psnr-rgb"].function(a, b, 255.0) == pytest.approx(expected, abs=1e-9)
    deep = MEASURES["psnr-rgb"].function(a * 4, b * 4, 1020.0)
    assert deep == pytest.approx(expected, abs=1e-9)


def test_luma_is_bt_601():
    a, b = pair()
    luma = [(0.299 * x[..., 0] + 0.587 * x[..., 1] + 0.114 * x[..., 2]) for x in (a, b)]
    mse = np.mean((luma[0].astype("float64") - luma[1]) ** 2)
    value = MEASURES["psnr-luma"].function(a, b, 255.0)
    assert value == pytest.approx(10 * np.log10(255**2 / mse), abs=1e-4)
    gray = [x[..., :1] for x in (a, b)]
    assert MEASURES["psnr-luma"].function(*gray, 255.0) == MEASURES["psnr-rgb"].function(
        *gray, 255.0
    )
    with pytest.raises(ValueError, match=r"1 or 3 channels\. Received 2"):
        MEASURES["psnr-luma"].function(a[..., :2], b[..., :2], 255.0)


def test_similarities_are_means_over_channels():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pair()
    expected = []
    for channel in range(3):
        _, positions = metrics.structural_similarity(
            *(x[..., channel].astype("float64") for x in (a, b)),
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        expected.append(positions[5:-5, 5:-5].mean())
    value = MEASURES["ssim-rgb"].function(a, b, 255.0)
    assert value == pytest.approx(np.mean(expected), abs=2e-6)
    separate = [
        MEASURES["ms-ssim-rgb"].function(a[..., k : k + 1], b[..., k : k + 1], 255.0)
        for k in range(3)
    ]
    whole = MEASURES["ms-ssim-rgb"].function(a, b, 255.0)
    assert whole == pytest.approx(np.mean(separate), abs=1e-6)
    assert value < whole < 1


def test_equal_pictures_are_not_infinitely_good():
    a, _ = pair(16, 16)
    assert MEASURES["psnr-rgb"].function(a, a, 255.0) == pytest.approx(10 * np.log10(255**2 / 1e-6))


def test_names_and_sizes_are_checked_before_anything_is_measured():
    a, _ = pair(160, 180)
    assert list(measures(["ssim-rgb", "psnr-rgb"], [a])) == ["ssim-rgb", "psnr-rgb"]
    assert list(measures("psnr-luma", [a])) == ["psnr-luma"]
    with pytest.raises(ValueError, match=r"`metrics` must be some of.*Received \['psnr'\]"):
        measures(["psnr"], [a])
    with pytest.raises(ValueError, match=r"`metrics` must be some of.*Received \[\]"):
        measures([], [a])
    with pytest.raises(
        ValueError, match=r"'ms-ssim-rgb' needs .* 161×161 pixels. Received 160×180"
    ):
        measures(["ms-ssim-rgb"], [a])
