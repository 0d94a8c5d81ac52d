import keras
import numpy as np
import pytest
from small_models import full_sandwich

import keras_sandwich as ks
from keras_sandwich.presets import fingerprint


def postprocessor(channels=1, **options):
    unet = ks.models.UNet(**{"output_channels": 3, "encoder_filters": (2,), **NETWORK})
    made = ks.models.Postprocessor(3, unet, **options)
    made.build((None, None, None, channels))
    return numbered(made)


NETWORK = {"decoder_filters": (3, 2)}


def numbered(layer):
    """Weights that no initializer draws."""
    for number, weight in enumerate(layer.weights):
        values = np.arange(np.prod(weight.shape, dtype=int)).reshape(weight.shape)
        weight.assign(np.sin(values + number).astype("float32"))
    return layer


def test_names_precision_and_initializers_are_nothing():
    expected = fingerprint(postprocessor())
    assert len(expected) == 64
    assert int(expected, 16)
    assert fingerprint(postprocessor()) == expected  # another auto-numbered U-Net
    assert fingerprint(postprocessor(name="mine", dtype="mixed_bfloat16")) == expected
    assert fingerprint(postprocessor(train_linear=False)) == expected
    frozen = postprocessor()
    frozen.trainable = False
    assert fingerprint(frozen) == expected
    unet = ks.models.UNet(3, (2,), (3, 2), output_initializer="zeros", name="other")
    other = ks.models.Postprocessor(3, unet)
    other.build((None, None, None, 1))
    assert fingerprint(numbered(other)) == expected


def test_a_configuration_s_arguments_are_something():
    expected = fingerprint(postprocessor())
    for options in (
        {"downsample_factor": 2},
        {"num_truncate_bits": 1},
        {"num_mlp_layers": 3},
        {"patch_size": 1},
        {"kernel_size": 3},
        {"cascade": True},
        {"start": "published", "patch_size": 2, "kernel_size": 5},
    ):
        assert fingerprint(postprocessor(**options)) != expected, options
    nested = {
        fingerprint(numbered_unet(**options))
        for options in (
            {},
            {"output_activation": "relu"},
            {"convolutions_per_block": 1},
            {"patch_size": 2},
            {"block_size": 4},
        )
    }
    assert len(nested) == 5


def numbered_unet(**options):
    unet = ks.models.UNet(3, (2,), (3, 2), **options)
    unet.build((None, None, None, 3))
    return numbered(unet)


def test_every_weight_is_something():
    made = postprocessor()
    expected = fingerprint(made)
    for weight in made.weights:
        before = np.array(keras.ops.convert_to_numpy(weight))
        after = before.copy()
        after.reshape(-1)[-1] = np.nextafter(after.reshape(-1)[-1], np.float32(9))
        weight.assign(after)
        assert fingerprint(made) != expected, weight.path
        weight.assign(before)
    assert fingerprint(made) == expected


def test_a_functional_network_of_the_user_s_own():
    def network(width=2, order=1):
        inputs = keras.Input((None, None, 1))
        first = keras.layers.Conv2D(width, 3, padding="same", data_format="channels_last")(inputs)
        second = keras.layers.Conv2D(width, 1, padding="same", data_format="channels_last")(inputs)
        joined = keras.layers.Concatenate()([first, second][::order])
        return numbered(keras.Model(inputs, joined))

    assert fingerprint(network()) == fingerprint(network())
    assert fingerprint(network()) != fingerprint(network(order=-1))
    assert fingerprint(network()) != fingerprint(network(width=3))


def test_a_sequential_network_before_and_after_it_is_loaded(tmp_path):
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2))
    loop_filter.build((None, None, None, 1))
    expected = fingerprint(numbered(loop_filter))
    loop_filter(np.zeros((1, 8, 8, 1), "float32"))
    assert fingerprint(loop_filter) == expected
    loop_filter.save(tmp_path / "filter.keras")
    assert fingerprint(keras.saving.load_model(tmp_path / "filter.keras")) == expected


def test_saved_it_is_the_same(tmp_path):
    model = full_sandwich()
    path = tmp_path / "model.keras"
    model.save(path)
    expected = [fingerprint(layer) for layer in (model, model.postprocessor)]
    again = keras.saving.load_model(path)
    assert [fingerprint(layer) for layer in (again, again.postprocessor)] == expected


def test_what_is_not_built():
    with pytest.raises(ValueError, match=r"that is built has weights to hash. Received 'post"):
        fingerprint(ks.models.Postprocessor(3))
