import keras
import numpy as np
import pytest
from autodiff import differentiate
from keras import ops
from photographs import noise

from keras_sandwich.layers.convolution import Convolution


# One filter on a single small image: a gradient that PyTorch has only for some layouts of the kernel.
@pytest.mark.parametrize("filters", [1, 8])
def test_is_a_keras_convolution(filters):
    layer = Convolution(filters, 3, padding="same", activation="relu")
    layer.build((None, None, None, 3))
    kernel, bias = layer.get_weights()
    bias = noise(filters, seed=1) / 255
    layer.set_weights([kernel, bias])
    images = noise(1, 16, 12, 3, seed=2) / 255

    def loss(images):
        result = layer(images)
        return ops.sum(result * result), result

    result, (by_images,), (by_kernel, by_bias) = differentiate(
        loss, [images], layer.trainable_variables
    )
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0))).astype("float64")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    expected = np.maximum(np.einsum("bhwcyx,yxcf->bhwf", windows, kernel) + bias, 0)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)
    # d Σ max(y, 0)² = 2 max(y, 0) dy
    np.testing.assert_allclose(
        by_kernel, np.einsum("bhwcyx,bhwf->yxcf", windows, 2 * expected), rtol=1e-3, atol=1e-3
    )
    np.testing.assert_allclose(by_bias, 2 * expected.sum(axis=(0, 1, 2)), rtol=1e-3, atol=1e-3)
    spread = np.pad(2 * expected, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(spread, (3, 3), axis=(1, 2))
    np.testing.assert_allclose(
        by_images,
        np.einsum("bhwfyx,yxcf->bhwc", windows, kernel[::-1, ::-1]),
        rtol=1e-3,
        atol=1e-3,
    )


def test_configuration():
    layer = Convolution(4, 3, padding="same", name="c")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(again) is Convolution
    assert again.get_config() == layer.get_config()
