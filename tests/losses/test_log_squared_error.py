"""Against PSNR itself, and the squared error's gradient."""

import keras
import numpy as np
import pytest
from autodiff import gradient
from keras import ops
from photographs import noise
from small_models import sandwich

import keras_sandwich as ks

TARGET = noise(2, 6, 5, 3)
# One picture nearly right, one far off.
PREDICTION = TARGET + noise(2, 6, 5, 3, low=-1, high=1, seed=1) * np.array([3.0, 60.0])[
    :, None, None, None
].astype("float32")
SQUARED = np.mean((TARGET - PREDICTION).astype("float64") ** 2, axis=(1, 2, 3))


def values(loss: keras.losses.Loss) -> np.ndarray:
    return ops.convert_to_numpy(ks.losses.distortion_per_image(loss, TARGET, PREDICTION))


def test_a_decibel_is_worth_as_much_in_every_picture():
    psnr = 10 * np.log10(255**2 / (SQUARED + 1 / 12))
    expected = 80 * (1 - np.log(10) / 10 * (psnr - 10 * np.log10(255**2 / 80)))
    np.testing.assert_allclose(values(ks.losses.LogSquaredError(80.0)), expected, rtol=1e-5)


def test_gradient_is_that_of_the_squared_error_times_reference_over_error():
    loss = ks.losses.LogSquaredError(80.0)
    slope = gradient(lambda p: ops.sum(ks.losses.distortion_per_image(loss, TARGET, p)), PREDICTION)
    weight = 80 / (SQUARED + 1 / 12)
    plain = 2 * (PREDICTION.astype("float64") - TARGET) / TARGET[0].size
    np.testing.assert_allclose(slope, weight[:, None, None, None] * plain, rtol=1e-3, atol=1e-6)


def test_no_error_has_a_finite_loss_and_no_gradient():
    loss = ks.losses.LogSquaredError()
    slope = gradient(lambda p: loss(TARGET, p), TARGET)
    assert np.isfinite(float(loss(TARGET, TARGET)))
    np.testing.assert_array_equal(slope, np.zeros_like(slope))


def test_a_model_compiled_with_it_comes_back(tmp_path):
    model = sandwich()
    model.compile("adam", loss=ks.losses.LogSquaredError(55.0))
    model.fit(TARGET, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(values(again.loss), values(model.loss))
    assert again.loss.reference == 55.0


@pytest.mark.parametrize("reference", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_reference(reference):
    with pytest.raises(ValueError, match="reference"):
        ks.losses.LogSquaredError(reference)
