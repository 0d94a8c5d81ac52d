import float64_codec
import numpy as np
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
