"""Measures of one picture against scikit-image and closed forms."""

import numpy as np
import pytest
from keras import ops
from photographs import noise, photographs

from keras_sandwich.evaluation.quality import MEASURES, Measure, measures


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


def mean_error(target, restored, peak):
    return np.abs(target - restored).mean()


def test_a_function_is_a_metric_under_its_name():
    found = measures(["psnr-rgb", mean_error, Measure("half", lambda *_: 0.5, unit="%")])
    assert list(found) == ["psnr-rgb", "mean_error", "half"]
    a, b = pair(16, 20)
    assert found["mean_error"](a, b, 255.0) == pytest.approx(np.abs(a - b).mean(), rel=1e-6)
    assert found["half"](a, b, 255.0) == 0.5
    assert list(measures(mean_error)) == ["mean_error"]
    assert measures(Measure("one", mean_error))["one"].label == "one"


@pytest.mark.parametrize(
    "value", [0.25, np.float32(0.25), np.array([0.25]), ops.convert_to_tensor([[0.25]])]
)
def test_a_metric_may_give_a_tensor_of_one_number(value):
    assert Measure("m", lambda *_: value)(None, None, 255.0) == 0.25


@pytest.mark.parametrize("value", [float("nan"), np.inf, [1.0, 2.0], np.zeros(0), 1j])
def test_what_is_no_number_is_refused_by_the_metric_s_name(value):
    with pytest.raises(ValueError, match="'broken' must give one finite number"):
        Measure("broken", lambda *_: value)(None, None, 255.0)


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ([mean_error, mean_error], "Two of the `metrics` are called 'mean_error'"),
        (["psnr-rgb", "psnr-rgb"], "Two of the `metrics` are called 'psnr-rgb'"),
        ([mean_error, Measure("mean_error", np.mean)], "Two of the `metrics`"),
        ([Measure("psnr-rgb", mean_error)], "'psnr-rgb' is a name of the package's own"),
        ([Measure("bpp", mean_error)], "'bpp' is a name of the package's own"),
        ([Measure("psnr", mean_error)], "'psnr' is a name of the package's own"),
        ([lambda *_: 0.0], r"given one: Measure\(name, function\)"),
    ],
)
def test_names_that_collide_or_are_missing(metrics, message):
    with pytest.raises(ValueError, match=message):
        measures(metrics)


def test_what_is_no_metric():
    with pytest.raises(TypeError, match=r"A metric is a name, a function .* Received 3"):
        measures([3])
    with pytest.raises(ValueError, match="needs a name"):
        Measure("")
    with pytest.raises(ValueError, match="which ends at 1, higher is better"):
        Measure("m", mean_error, higher_is_better=False, similarity=True)
    with pytest.raises(ValueError, match="'m' has no function"):
        Measure("m")(None, None, 255.0)


def test_scales_and_titles():
    similar = MEASURES["ssim-rgb"]
    values = np.array([0.9, 0.99, 1.0])
    np.testing.assert_allclose(similar.to_scale(values), [10.0, 20.0, 60.0])
    np.testing.assert_allclose(similar.from_scale(similar.to_scale(values[:2])), values[:2])
    assert (similar.axis, similar.title) == ("SSIM (dB)", "SSIM")
    assert (MEASURES["psnr-rgb"].axis, MEASURES["psnr-rgb"].title) == ("PSNR (dB)", "PSNR in dB")
    angle = Measure("angle", mean_error, "mean angle", "°", higher_is_better=False)
    assert angle.axis == "mean angle (°), lower is better"
    assert angle.title == "mean angle in ° (lower is better)"
    assert angle.sign == -1.0
    np.testing.assert_array_equal(angle.to_scale(values), values)
    np.testing.assert_array_equal(angle.from_scale(values), values)
