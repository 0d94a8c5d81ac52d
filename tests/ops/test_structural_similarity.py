"""SSIM against scikit-image, MS-SSIM against TensorFlow, both against float64 with two-dimensional windows."""

import importlib.util
import subprocess
import sys

import keras
import numpy as np
import pytest
from autodiff import differentiate, run
from float64_similarity import float64_ms_ssim, float64_similarity
from photographs import noise, photographs
from PIL import Image

import keras_sandwich as ks

TENSORFLOW = """
import sys
import numpy as np
import tensorflow as tf

arrays = np.load(sys.argv[1])
sizes = range(len(arrays.files) // 2)
values = {
    f"{name}{k}": function(
        tf.constant(arrays[f"a{k}"], tf.float32), tf.constant(arrays[f"b{k}"], tf.float32), 255.0
    ).numpy()
    for k in sizes
    for name, function in (("single", tf.image.ssim), ("multi", tf.image.ssim_multiscale))
}
np.savez(sys.argv[2], **values)
"""


def pairs(number: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Photographs, and the same darkened, blurred a little and noisy, each picture more than the last."""
    pictures = photographs(number, height, width)
    worse = pictures + noise(*pictures.shape, low=-1, high=1) * np.arange(
        10, 10 + 25 * number, 25
    ).reshape(-1, 1, 1, 1)
    return pictures.astype("float32"), np.clip(0.9 * worse, 0, 255).astype("float32")


def test_ssim_is_scikit_image_s():
    metrics = pytest.importorskip("skimage.metrics")
    a, b = pairs(2, 40, 52)
    for peak in (255.0, 1020.0):
        values = run(lambda a, b, peak=peak: ks.ops.ssim(a, b, peak), a, b)
        for value, one, other in zip(values, a.astype("float64"), b.astype("float64"), strict=True):
            _, positions = metrics.structural_similarity(
                one,
                other,
                data_range=peak,
                channel_axis=-1,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                full=True,
            )
            assert value == pytest.approx(positions[5:-5, 5:-5].mean(), abs=2e-6)


def test_values_are_those_of_float64():
    a, b = pairs(2, 163, 166)
    similarity, _ = float64_similarity(a, b)
    np.testing.assert_allclose(run(ks.ops.ssim, a, b), similarity.mean(-1), atol=2e-6)
    np.testing.assert_allclose(run(ks.ops.ms_ssim, a, b), float64_ms_ssim(a, b), atol=2e-6)
    small = [x[:, :11, :12] for x in (a, b)]
    similarity, _ = float64_similarity(*small)
    np.testing.assert_allclose(run(ks.ops.ssim, *small), similarity.mean(-1), atol=2e-6)


@pytest.mark.once  # the other tests tie each backend to the same float64
@pytest.mark.skipif(not importlib.util.find_spec("tensorflow"), reason="TensorFlow is the truth")
def test_both_are_tensorflow_s(tmp_path):
    sizes = ((161, 161), (163, 182))
    arrays = [pairs(2, *size) for size in sizes]
    given, returned = tmp_path / "given.npz", tmp_path / "returned.npz"
    np.savez(
        given,
        **{f"{x}{k}": v for k, pair in enumerate(arrays) for x, v in zip("ab", pair, strict=True)},
    )
    subprocess.run([sys.executable, "-c", TENSORFLOW, given, returned], check=True)
    truth = np.load(returned)
    for k, (a, b) in enumerate(arrays):
        np.testing.assert_allclose(run(ks.ops.ssim, a, b), truth[f"single{k}"], atol=3e-5)
        np.testing.assert_allclose(run(ks.ops.ms_ssim, a, b), truth[f"multi{k}"], atol=3e-5)


def test_equal_and_opposite_pictures():
    a = noise(2, 161, 161, 1)
    np.testing.assert_array_equal(run(ks.ops.ssim, a, a), [1, 1])
    np.testing.assert_allclose(run(ks.ops.ms_ssim, a, a), [1, 1], atol=1e-6)
    assert run(ks.ops.ssim, a, 255 - a)[0] < -0.5
    assert run(ks.ops.ms_ssim, a, 255 - a).tolist() == [0, 0]  # and not a root of what is negative


def test_the_range_does_not_matter():
    a, b = pairs(1, 24, 24)
    deep = run(lambda a, b: ks.ops.ssim(a, b, 65280.0), a * 256, b * 256)
    np.testing.assert_allclose(deep, run(ks.ops.ssim, a, b), atol=1e-6)


def test_flat_pictures_differ_in_luminance_alone():
    a, b = np.full((1, 12, 12, 1), 100.0), np.full((1, 12, 12, 1), 130.0)
    c1 = 2.55**2
    expected = (2 * 100 * 130 + c1) / (100**2 + 130**2 + c1)
    assert run(ks.ops.ssim, a, b)[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("function", "side"), [(ks.ops.ssim, 16), (ks.ops.ms_ssim, 161)])
def test_gradients_are_those_of_finite_differences(function, side):
    a, b = pairs(1, side, side)
    a, b = a[..., :1], b[..., :1]
    float64 = {
        ks.ops.ssim: lambda x: float64_similarity(a, x)[0].mean(),
        ks.ops.ms_ssim: lambda x: float64_ms_ssim(a, x)[0],
    }[function]
    _, (gradient,), _ = differentiate(lambda x: (keras.ops.sum(function(a, x)), x), [b])
    direction = np.sign(gradient)  # so that the differences do not cancel
    step = 0.02
    slope = (float64(b + step * direction) - float64(b - step * direction)) / (2 * step)
    assert np.sum(gradient * direction) == pytest.approx(slope, rel=1e-3)


def test_gradient_is_finite_where_scales_are_opposite():
    a = noise(1, 161, 161, 1)
    _, (gradient,), _ = differentiate(lambda x: (keras.ops.sum(ks.ops.ms_ssim(a, x)), x), [255 - a])
    assert np.all(np.isfinite(gradient))


def test_compiled_for_pictures_of_any_size():
    inputs = [keras.Input((None, None, 1)) for _ in range(2)]
    model = keras.Model(inputs, ks.ops.ssim(*inputs))
    a, b = pairs(1, 20, 24)
    values = model.predict([a[..., :1], b[..., :1]], verbose=0)
    similarity, _ = float64_similarity(a[..., :1], b[..., :1])
    np.testing.assert_allclose(values, similarity.mean(-1), atol=2e-6)


def test_small_and_different_pictures_are_refused():
    a = np.zeros((1, 160, 200, 3))
    with pytest.raises(ValueError, match=r"MS-SSIM needs .* at least 161×161.*Received 160×200"):
        ks.ops.ms_ssim(a, a)
    with pytest.raises(ValueError, match=r"SSIM needs .* at least 11×11.*Received 11×10"):
        ks.ops.ssim(a[:, :11, :10], a[:, :11, :10])
    with pytest.raises(ValueError, match=r"same shape. Received \(1, 160, 200, 3\) and"):
        ks.ops.ssim(a, a[..., :1])


def test_a_jpeg_of_lower_quality_is_less_alike(tmp_path):
    picture = photographs(1, 176, 176)
    values = []
    for quality in (90, 40, 10):
        Image.fromarray(picture[0]).save(tmp_path / "picture.jpg", quality=quality)
        decoded = np.asarray(Image.open(tmp_path / "picture.jpg"))[None]
        values.append([run(f, picture, decoded)[0] for f in (ks.ops.ssim, ks.ops.ms_ssim)])
    assert (np.diff(values, axis=0) < 0).all()
