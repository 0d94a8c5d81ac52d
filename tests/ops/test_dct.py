import sys
import types

import float64_codec
import numpy as np
import pytest
from autodiff import gradient, run
from keras import ops
from photographs import noise

import keras_sandwich as ks


def test_dct_is_that_of_the_standard():
    blocks = noise(3, 2, 8, 8, low=-128, high=127)
    np.testing.assert_allclose(
        run(ks.ops.dct, blocks), float64_codec.dct(blocks), rtol=0, atol=2e-4
    )


def test_inverse_undoes_it():
    coefficients = float64_codec.dct(noise(5, 8, 8, low=-128, high=127))
    blocks = run(ks.ops.inverse_dct, coefficients.astype("float32"))
    np.testing.assert_allclose(float64_codec.dct(blocks), coefficients, rtol=0, atol=4e-4)


def test_gradient_is_the_transpose():
    cotangent = noise(1, 8, 8)
    slope = gradient(
        lambda x: ks.ops.dct(x) * ops.convert_to_tensor(cotangent), noise(1, 8, 8, seed=1)
    )
    np.testing.assert_allclose(slope, run(ks.ops.inverse_dct, cotangent), rtol=0, atol=1e-3)


def test_integers_are_cast():
    blocks = noise(1, 8, 8).astype("uint8")
    np.testing.assert_allclose(
        run(ks.ops.dct, blocks), float64_codec.dct(blocks), rtol=0, atol=5e-4
    )


@pytest.fixture
def on_accelerator(monkeypatch):
    """The transform that GPUs and TPUs take, with products as coarse as theirs: operands rounded to bfloat16."""
    module = sys.modules["keras_sandwich.ops.dct"]  # `ks.ops.dct` is the function

    def coarse_matmul(a, b):
        return ops.matmul(*(ops.cast(ops.cast(x, "bfloat16"), "float32") for x in (a, b)))

    coarse = types.SimpleNamespace(**{**vars(ops), "matmul": coarse_matmul})
    monkeypatch.setattr(module, "ops", coarse)
    assert (
        relative_error(module.dct, float64_codec.dct) > 1e-4
    )  # or the test below would see nothing
    monkeypatch.setattr(module, "products_are_float32", lambda x: False)
    return module


def relative_error(transform, exact):
    blocks = noise(256, 8, 8, low=-128, high=127)
    expected = exact(blocks.astype("float64"))
    return np.abs(run(transform, blocks) - expected).max() / np.abs(expected).max()


def test_accelerators_multiply_no_matrices(on_accelerator):
    assert relative_error(on_accelerator.dct, float64_codec.dct) < 3e-7
    for inverse in (on_accelerator.inverse_dct, on_accelerator.inverse_dct_at_once):
        assert relative_error(inverse, float64_codec.inverse_dct) < 3e-7


def test_gradients_on_accelerators(on_accelerator):
    cotangent = noise(16, 8, 8)
    for transform, exact in (
        (on_accelerator.dct, float64_codec.inverse_dct),  # the transposed transform
        (on_accelerator.inverse_dct, float64_codec.dct),
        (on_accelerator.inverse_dct_at_once, float64_codec.dct),
    ):
        slope = gradient(
            lambda x, transform=transform: transform(x) * ops.convert_to_tensor(cotangent),
            noise(16, 8, 8, seed=1),
        )
        np.testing.assert_allclose(slope, exact(cotangent.astype("float64")), rtol=0, atol=3e-4)
