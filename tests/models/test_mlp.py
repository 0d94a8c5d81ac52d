import numpy as np
import pytest
from autodiff import run, to_numpy
from photographs import noise

import keras_sandwich as ks


def randomised(mlp, channels):
    mlp.build((None, None, None, channels))
    generator = np.random.default_rng(0)
    for weight in mlp.weights:
        weight.assign(generator.normal(0, 0.5, weight.shape))
    return mlp


def test_the_paper_s_layers():
    mlp = randomised(ks.models.MLP(2, num_layers=3, width=5), 3)
    x = noise(2, 3, 4, 3, low=-0.5, high=0.5).astype("float64")
    y = x
    for layer in (*mlp.hidden, mlp.last):
        kernel, bias = to_numpy(layer.kernel)[0, 0], to_numpy(layer.bias)
        y = y @ kernel + bias
        y = y if layer is mlp.last else np.sin(y)
    assert len(mlp.hidden) == 2
    assert y.shape[-1] == 2
    np.testing.assert_allclose(run(mlp, x.astype("float32")), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_patches_and_a_wide_kernel_at_odd_sizes(layers):
    mlp = randomised(
        ks.models.MLP(1, num_layers=layers, width=3, patch_size=2, kernel_size=3, start="linear"),
        2,
    )
    x = noise(1, 5, 7, 2, low=-0.5, high=0.5).astype("float64")
    grown = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)), mode="symmetric")
    patches = np.concatenate([grown[:, i::2, j::2] for i in range(2) for j in range(2)], axis=-1)
    padded = np.pad(patches, ((0, 0), (1, 1), (1, 1), (0, 0)))
    kernel = to_numpy(mlp.linear.kernel)
    y = to_numpy(mlp.linear.bias) + sum(
        padded[:, i : i + 3, j : j + 4] @ kernel[i, j] for i in range(3) for j in range(3)
    )
    if layers == 2:
        hidden = np.sin(
            patches @ to_numpy(mlp.hidden[0].kernel)[0, 0] + to_numpy(mlp.hidden[0].bias)
        )
        y = y + hidden @ to_numpy(mlp.last.kernel)[0, 0] + to_numpy(mlp.last.bias)
    expected = np.zeros((1, 6, 8, 1))
    for place in range(4):
        expected[:, place // 2 :: 2, place % 2 :: 2] = y[..., place : place + 1]
    result = run(mlp, x.astype("float32"))
    np.testing.assert_allclose(result, expected[:, :5, :7], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [1, 2])
def test_equal_channels_start_as_the_identity(layers):
    mlp = ks.models.MLP(3, num_layers=layers, patch_size=2, kernel_size=5, start="linear")
    x = noise(1, 5, 8, 3, low=-0.5, high=0.5)
    np.testing.assert_allclose(run(mlp, x), x, rtol=0, atol=1e-6)


def test_it_stays_float32_under_a_mixed_policy():
    mlp = randomised(ks.models.MLP(2, dtype="mixed_bfloat16"), 3)
    exact = randomised(ks.models.MLP(2), 3)
    x = noise(1, 4, 4, 3, low=-0.5, high=0.5)
    assert run(mlp, x).dtype == np.float32
    assert np.array_equal(run(mlp, x), run(exact, x))


def test_set_linear_replaces_kernel_and_bias():
    mlp = randomised(ks.models.MLP(1, num_layers=1, kernel_size=1, start="linear"), 2)
    mlp.set_linear(np.float32([[[[2.0], [-1.0]]]]))
    x = noise(1, 3, 3, 2)
    np.testing.assert_allclose(run(mlp, x), 2 * x[..., :1] - x[..., 1:], rtol=1e-5)
    with pytest.raises(ValueError, match="Only a linear start has a linear path"):
        ks.models.MLP(1).set_linear(np.ones((1, 1, 1, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_layers": 0}, "`num_layers` must be a positive integer. Received num_layers=0"),
        ({"width": -1}, "`width` must be a positive integer"),
        ({"patch_size": 1.5}, "`patch_size` must be a positive integer"),
        ({"kernel_size": 4}, "`kernel_size` must be odd. Received kernel_size=4"),
        ({"start": "random"}, "`start` must be one of 'linear', 'published'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        ks.models.MLP(3, **arguments)
