"""Squared errors and gradients beside finite differences, and in windows beside the whole."""

import numpy as np
import pytest
from photographs import photographs

import keras_sandwich as ks
from keras_sandwich.refinement.distortion_gradient import DistortionGradient

TARGET = photographs(1, 45, 61)[0].astype("float32")
DECODED = TARGET[1:45:2, 1:60:2].copy()


@pytest.fixture(scope="module")
def model():
    """Networks of full strength, conditioned, that resample."""
    model = ks.models.create_basic_model(
        3,
        downsample_factor=2,
        encoder_filters=(4,),
        decoder_filters=(4, 4),
        start="published",
        convert_to_yuv=True,
        qstep_range=(8, 64),
    )
    model.build((None, None, None, 3))
    for weight in model.postprocessor.weights:
        if "unet_scale" in weight.path:
            weight.assign(0.05)
    return model


def squared_error(model, decoded):
    restored = ks.inference.postprocess_picture(model, decoded, TARGET.shape[:2], None, 20.0)
    return np.sum((np.clip(restored, 0, 255).astype("float64") - TARGET) ** 2)


def test_value_and_gradient(model):
    before = [np.array(weight) for weight in model.get_weights()]
    whole = DistortionGradient(model, DECODED.shape, TARGET, 20.0, None)
    squared, gradient = whole(DECODED)
    assert np.isclose(squared, squared_error(model, DECODED), rtol=1e-5)
    direction = np.random.default_rng(0).normal(size=DECODED.shape).astype("float32")
    direction += gradient / np.abs(gradient).mean()
    step = 0.05
    slope = squared_error(model, DECODED + step * direction)
    slope = (slope - squared_error(model, DECODED - step * direction)) / (2 * step)
    assert np.isclose(np.sum(gradient * direction), slope, rtol=2e-3)
    in_windows = DistortionGradient(model, DECODED.shape, TARGET, 20.0, 16)
    assert len(in_windows.windows) > 1
    squared_in_windows, gradient_in_windows = in_windows(DECODED)
    assert np.isclose(squared_in_windows, squared, rtol=1e-5)
    assert np.allclose(gradient_in_windows, gradient, atol=1e-3 * np.abs(gradient).max())
    assert np.allclose(in_windows.restored(DECODED), whole.restored(DECODED), atol=1e-3)
    for weight, old in zip(model.get_weights(), before, strict=True):
        assert np.array_equal(weight, old)


def test_a_model_trained_on_is_measured_as_it_is_now(model):
    squared, _ = DistortionGradient(model, DECODED.shape, TARGET, 20.0, None)(DECODED)
    weights = model.postprocessor.get_weights()
    model.postprocessor.set_weights([0.5 * weight for weight in weights])
    changed, _ = DistortionGradient(model, DECODED.shape, TARGET, 20.0, None)(DECODED)
    assert np.isclose(changed, squared_error(model, DECODED), rtol=1e-5)
    assert not np.isclose(changed, squared, rtol=1e-3)
    model.postprocessor.set_weights(weights)


def test_without_a_network():
    alone = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())
    decoded = TARGET + 2
    error = DistortionGradient(alone, decoded.shape, TARGET, None, None)
    squared, gradient = error(decoded)
    assert squared == 4 * TARGET.size
    assert np.all(gradient == 4)
