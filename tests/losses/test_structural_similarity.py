"""Losses of structure: what float64 gives, in any Keras model, and exchangeable with squared error."""

import keras
import numpy as np
import pytest
from autodiff import differentiate, run, to_numpy
from float64_similarity import float64_ms_ssim, float64_similarity
from keras import ops
from photographs import noise, photographs

import keras_sandwich as ks

LOSSES = ks.losses.StructuralSimilarity, ks.losses.MultiScaleStructuralSimilarity
SIZES = {LOSSES[0]: (24, 32), LOSSES[1]: (161, 165)}


def pairs(loss, number=2):
    target = photographs(number, *SIZES[loss]).astype("float32")
    spoilt = 0.9 * target + noise(*target.shape, low=-20, high=20)
    return target, np.clip(spoilt, 0, 255).astype("float32")


def truth(loss, a, b, scale, peak=255.0):
    single = loss is LOSSES[0]
    similarity = (
        float64_similarity(a, b, peak)[0].mean(-1) if single else float64_ms_ssim(a, b, peak)
    )
    return scale * (1 - similarity)


@pytest.mark.parametrize("loss", LOSSES)
def test_one_number_for_each_picture(loss):
    target, prediction = pairs(loss)
    each = run(lambda t, p: loss(scale=700.0).call(t, p), target, prediction)
    expected = truth(loss, target, prediction, 700.0)
    np.testing.assert_allclose(each, expected, atol=700 * 5e-6)
    deep = loss(scale=2.0, image_max=1023.0)
    value = to_numpy(deep(4 * target, 4 * prediction, sample_weight=np.float32([3, 1])))
    weighted = truth(loss, 4 * target, 4 * prediction, 2.0, 1023.0) * [3, 1]
    np.testing.assert_allclose(value, weighted.mean(), rtol=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss):
    target, prediction = (pictures[:1, ..., :1] for pictures in pairs(loss))
    _, (slope,), _ = differentiate(lambda p: (loss(scale=1e3)(target, p), ()), [prediction])
    direction = slope.astype("float64") / np.linalg.norm(slope)
    ahead, behind = (
        truth(loss, target, prediction + step * direction, 1e3)[0] for step in (0.5, -0.5)
    )
    assert np.linalg.norm(slope) == pytest.approx(ahead - behind, rel=1e-2)


def test_clips_are_the_mean_of_their_frames():
    target, prediction = pairs(LOSSES[0], 6)
    expected = truth(LOSSES[0], target, prediction, 480.0).reshape(2, 3).mean(axis=1)
    clips = [pictures.reshape(2, 3, 24, 32, 3) for pictures in (target, prediction)]
    np.testing.assert_allclose(run(LOSSES[0]().call, *clips), expected, rtol=1e-3)


@pytest.mark.once
@pytest.mark.parametrize("loss", LOSSES)
def test_the_default_scale_is_exchangeable_with_squared_error(loss):
    """On what it was measured on: the sample photographs as JPEG of quality 50."""
    codec = ks.codecs.JPEG(quality=50)
    pictures = photographs(6, 192, 192, top=0, left=0).astype("uint8")
    decoded = np.stack([codec.decode(codec.encode(picture)) for picture in pictures])
    squared = np.mean((pictures.astype("float64") - decoded) ** 2)
    value = float(to_numpy(loss()(pictures.astype("float32"), decoded.astype("float32"))))
    assert 0.5 < value / squared < 2.0


@pytest.mark.once
@pytest.mark.parametrize("loss", LOSSES)
def test_the_default_scale_grows_with_the_squared_error_of_deeper_pictures(loss):
    target, prediction = pairs(loss, 1)
    usual, deep = (
        float(to_numpy(loss(image_max=peak)(*(peak / 255 * each for each in (target, prediction)))))
        for peak in (255.0, 1020.0)
    )
    assert deep == pytest.approx(16 * usual, rel=1e-3)


def test_in_any_keras_model(tmp_path):
    """Also under mixed precision and with bytes as targets, which are not what the loss is computed in."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    target, prediction = pairs(LOSSES[0])
    target = target.astype("uint8")
    model = keras.Sequential([keras.Input((24, 32, 3)), keras.layers.Conv2D(3, 1)])
    model.layers[0].kernel.assign(np.eye(3)[None, None])
    model.compile(keras.optimizers.Adam(0.02), loss=LOSSES[0](scale=5.0), jit_compile=False)
    seen = to_numpy(ops.cast(model(prediction), "float32"))
    expected = truth(LOSSES[0], target, seen, 5.0).mean()
    before, after = model.fit(prediction, target, epochs=2, verbose=0).history["loss"]
    assert before == pytest.approx(expected, rel=1e-3)
    assert after < before
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").loss.scale == 5.0


@pytest.mark.parametrize("argument", ["scale", "image_max"])
def test_bad_arguments(argument):
    with pytest.raises(
        ValueError, match=rf"`{argument}` must be positive and finite. Received {argument}=0"
    ):
        LOSSES[0](**{argument: 0})
