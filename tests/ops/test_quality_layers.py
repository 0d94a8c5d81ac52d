"""Both layers against SciPy's DCT in float64, and through real JPEG files."""

import keras
import numpy as np
import pytest
from autodiff import gradient, to_numpy
from scipy.fft import dctn, idctn

import keras_sandwich as ks


def blocks(plane):
    height, width = plane.shape
    return plane.reshape(height // 8, 8, width // 8, 8).transpose(0, 2, 1, 3)


def joined(cut):
    rows, columns = cut.shape[:2]
    return cut.transpose(0, 2, 1, 3).reshape(8 * rows, 8 * columns)


def plane(seed=0, height=40, width=56):
    """A slope with a step, finer than 8 bits."""
    y, x = np.mgrid[:height, :width]
    levels = 60 + 1.37 * x + 0.61 * y + 40 * (x + y > 50)
    return (levels + np.random.default_rng(seed).normal(0, 0.3, levels.shape)).astype("float32")


@pytest.mark.parametrize(("qstep", "gain"), [(8.0, 8.0), (10.0, 4.096), (16.0, 1.0), (40.0, 1.0)])
def test_layers_are_indices_and_what_is_left_of_them(qstep, gain):
    values = plane().astype("float64")
    span = 255 - 2 * (8 + 4 * gain)
    coefficients = dctn(blocks((values - 127.5) * span / 255 - 0.5), axes=(2, 3), norm="ortho")
    base = np.round(coefficients / qstep)
    rest = np.round((coefficients / qstep - base) * gain) if gain > 1 else 0 * base
    luma = joined(idctn(base * qstep, axes=(2, 3), norm="ortho")) + 128
    cr = joined(idctn(rest * qstep, axes=(2, 3), norm="ortho"))
    pixels = to_numpy(ks.ops.encode_quality_layers(plane()[None, ..., None], qstep))[0]
    yuv = to_numpy(ks.ops.rgb_to_yuv(pixels[None]))[0]
    np.testing.assert_allclose(yuv[..., 0], luma, atol=2e-3)
    np.testing.assert_allclose(yuv[..., 1], 128, atol=2e-3)
    np.testing.assert_allclose(yuv[..., 2], 128 + cr, atol=2e-3)
    decoded = to_numpy(ks.ops.decode_quality_layers(pixels[None], qstep))[0, ..., 0]
    expected = joined(idctn((base + rest / gain) * qstep, axes=(2, 3), norm="ortho"))
    np.testing.assert_allclose(decoded, (expected + 0.5) * 255 / span + 127.5, atol=2e-3)


@pytest.mark.parametrize("qstep", [8, 9, 11, 16, 31])
def test_a_jpeg_file_carries_both_without_loss(qstep):
    pixels = to_numpy(ks.ops.encode_quality_layers(plane()[None, ..., None], float(qstep)))
    codec = ks.codecs.JPEG(qstep=qstep)
    decoded = codec.decode(codec.encode(ks.codecs.to_samples(pixels[0])))
    ours = to_numpy(ks.ops.decode_quality_layers(decoded[None].astype("float32"), float(qstep)))
    exact = to_numpy(ks.ops.decode_quality_layers(pixels, float(qstep)))
    assert np.abs(ours - exact).max() < 0.02


def test_at_the_finest_step_it_is_beyond_8_bits():
    restored = to_numpy(
        ks.ops.decode_quality_layers(
            ks.ops.encode_quality_layers(plane()[None, ..., None], 8.0), 8.0
        )
    )
    error = np.sqrt(np.mean((restored[0, ..., 0] - plane()) ** 2))
    assert error < 0.6 / np.sqrt(12) * 2  # of coefficients at steps of 1.46 levels, most of them 0


def test_each_plane_has_its_step():
    planes = np.stack([plane(0), plane(1)])[..., None]
    together = to_numpy(ks.ops.encode_quality_layers(planes, np.float32([8, 20])))
    for number, qstep in enumerate((8.0, 20.0)):
        alone = to_numpy(ks.ops.encode_quality_layers(planes[number : number + 1], qstep))
        np.testing.assert_allclose(together[number], alone[0], atol=1e-4)


def test_the_gradient_is_that_of_the_identity():
    values = plane()[None, :16, :16, None]
    weights = np.random.default_rng(2).normal(size=values.shape).astype("float32")

    def through(x):
        pixels = ks.ops.encode_quality_layers(x, 24.0)
        return ks.ops.decode_quality_layers(pixels, 24.0) * keras.ops.convert_to_tensor(weights)

    np.testing.assert_allclose(gradient(through, values), weights, atol=1e-3)


def test_effective_step():
    for qstep, gain in ((8.0, 8.0), (16.0, 1.0), (64.0, 1.0)):
        expected = qstep / gain * 255 / (255 - 2 * (8 + 4 * gain))
        assert float(to_numpy(ks.ops.effective_step(qstep))) == pytest.approx(expected, rel=1e-5)


def test_more_channels_are_refused():
    with pytest.raises(ValueError, match="code each channel alone"):
        ks.ops.encode_quality_layers(np.zeros((1, 8, 8, 3), "float32"), 8.0)
