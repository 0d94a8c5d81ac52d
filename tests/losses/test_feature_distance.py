"""The distance of a network's features against NumPy, and that the network stays as it was."""

import keras
import numpy as np
import pytest
from autodiff import finite_differences, gradient, to_numpy
from photographs import noise

import keras_sandwich as ks

TARGET, PREDICTION = noise(2, 6, 7, 3), noise(2, 6, 7, 3, seed=1)


def network():
    """A convolution, a batch normalization that has seen data, and a mean."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 3, activation="softplus", name="edges"),
            keras.layers.BatchNormalization(name="normal"),
            keras.layers.GlobalAveragePooling2D(name="means"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(5, name="classes"),
        ]
    )
    random = np.random.default_rng(3)
    for weight in model.weights:
        if weight.trainable or "variance" in weight.path or "mean" in weight.path:
            weight.assign(np.abs(random.normal(0.5, 0.3, weight.shape)) + 0.1)
    return model


def features(model, pictures):
    """Of "edges" and "means", in float64."""
    weights = {
        "/".join(weight.path.split("/")[-2:]): to_numpy(weight).astype("float64")
        for weight in model.weights
    }
    kernel, bias = weights["edges/kernel"], weights["edges/bias"]
    x = np.asarray(pictures, "float64") / 255
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    edges = np.log1p(np.exp(np.einsum("bhwcij,ijco->bhwo", windows, kernel) + bias))
    mean, variance = weights["normal/moving_mean"], weights["normal/moving_variance"]
    normal = (edges - mean) / np.sqrt(variance + 1e-3)
    normal = normal * weights["normal/gamma"] + weights["normal/beta"]
    return edges, normal.mean((1, 2))


def truth(model, target, prediction):
    pairs = zip(features(model, target), features(model, prediction), strict=True)
    return sum(((a - b) ** 2).reshape(len(a), -1).mean(1) for a, b in pairs)


def test_values_and_gradient_are_those_of_float64():
    model = network()
    loss = ks.losses.FeatureDistance(model, ["edges", "means"], scale=7.0)
    value = to_numpy(loss.call(TARGET, PREDICTION))
    np.testing.assert_allclose(value, 7 * truth(model, TARGET, PREDICTION), rtol=1e-4)
    slope = gradient(lambda p: loss.call(TARGET, p), PREDICTION)
    places = [0, 40, 100, 201]
    expected = finite_differences(
        lambda p: 7 * truth(model, TARGET, p).sum(), PREDICTION, 1e-2, places
    )
    np.testing.assert_allclose(slope.flat[places], expected, rtol=1e-3, atol=1e-7)


def test_the_network_is_a_frozen_copy():
    model = network()
    loss = ks.losses.FeatureDistance(model, ["edges", "means"])
    expected = truth(model, TARGET, PREDICTION).mean()
    trained = keras.Sequential([keras.Input((6, 7, 3)), keras.layers.Conv2D(3, 1)])
    trained.layers[0].kernel.assign(np.eye(3)[None, None])
    trained.compile(keras.optimizers.Adam(0.01), loss=loss, jit_compile=False)
    before, after = trained.fit(PREDICTION, TARGET, epochs=2, verbose=0).history["loss"]
    assert before == pytest.approx(expected, rel=1e-3)
    assert after < before
    for weight in model.weights:
        weight.assign(0.5 * weight)
    assert float(to_numpy(loss(TARGET, PREDICTION))) == pytest.approx(expected, rel=1e-4)
    assert all(weight.trainable for weight in model.trainable_weights)


@pytest.mark.parametrize("by_path", [False, True])
def test_saved_with_a_model_or_as_a_path(tmp_path, by_path):
    model = network()
    model.save(tmp_path / "network.keras")
    given = str(tmp_path / "network.keras") if by_path else model
    trained = keras.Sequential([keras.Input((6, 7, 3)), keras.layers.Conv2D(3, 1)])
    trained.compile("sgd", loss=ks.losses.FeatureDistance(given, ["edges", "means"], scale=2.0))
    trained.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras").loss
    value = float(to_numpy(again(TARGET, PREDICTION)))
    assert value == pytest.approx(2 * truth(model, TARGET, PREDICTION).mean(), rel=1e-4)
    assert (again.get_config()["model"] == given) == by_path


def test_without_layers_it_is_the_outputs_of_samples_of_any_rank():
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    loss = ks.losses.FeatureDistance(dense)
    a, b = noise(2, 5, 3), noise(2, 5, 3, seed=1)
    difference = (a - b).astype("float64") @ to_numpy(dense.layers[0].kernel)
    expected = (difference**2).mean((1, 2))
    np.testing.assert_allclose(to_numpy(loss.call(a, b)), expected, rtol=1e-4)


def test_in_a_sandwich_its_network_is_not_saved_twice(tmp_path):
    model = ks.models.create_basic_model(
        bottleneck_channels=1, use_unet_preprocessor=False, use_unet_postprocessor=False
    )
    model.build((None, 16, 16, 3))
    sizes = []
    for loss in ("mse", ks.losses.FeatureDistance(network())):
        model.compile(loss=loss)
        model.save_weights(tmp_path / "m.weights.h5")
        sizes.append((tmp_path / "m.weights.h5").stat().st_size)
    assert sizes[0] == sizes[1]


class Subclass(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(2, name="inner")

    def call(self, x):
        return self.inner(x)


@pytest.mark.once
def test_bad_arguments():
    with pytest.raises(TypeError, match=r"a Keras model or the path of a .keras file. Received 3"):
        ks.losses.FeatureDistance(3)
    with pytest.raises(ValueError, match=r"`layers` must be names of the model's: \['rescaling"):
        ks.losses.FeatureDistance(network(), ["nothing"])
    with pytest.raises(ValueError, match="`scale` must be positive"):
        ks.losses.FeatureDistance(network(), scale=0)
    two = [keras.Input((2,)), keras.Input((2,))]
    with pytest.raises(ValueError, match=r"must have one input. Received one with 2"):
        ks.losses.FeatureDistance(keras.Model(two, keras.layers.Add()(two)))
    subclass = keras.saving.register_keras_serializable("test")(Subclass)()
    subclass(np.zeros((1, 3), "float32"))
    with pytest.raises(ValueError, match="give a model that returns its features"):
        ks.losses.FeatureDistance(subclass, ["inner"])
