import keras
import numpy as np
import pytest
from autodiff import to_numpy
from photographs import noise

import keras_sandwich as ks
from keras_sandwich.inference import postprocess_picture, preprocess_picture


def sandwich(bottleneck_channels=1, encoder=(3,), decoder=(4, 3), drop=False, **options):
    """Weights as far from a start's as training takes them, so that what a tile lacks would be seen."""
    keras.utils.set_random_seed(0)
    options = {"patch_size": 2, "kernel_size": 3, "unet_patch_size": 1, **options}
    model = ks.models.create_basic_model(
        bottleneck_channels, encoder_filters=encoder, decoder_filters=decoder, **options
    )
    if drop:
        for side in (model.preprocessor, model.postprocessor):
            config = side.unet.get_config()
            side.unet = ks.models.UNet.from_config({**config, "drop_last_encoder_block": True})
    model.build((None, None, None, 3))
    generator = np.random.default_rng(0)
    for side in (model.preprocessor, model.postprocessor):
        for weight in side.weights:
            if weight.name == "kernel":
                deviation = 1.4 / np.sqrt(np.prod(weight.shape[:-1]))
                weight.assign(generator.normal(0, deviation, weight.shape))
            elif weight.name == "bias":
                weight.assign(generator.normal(0, 0.1, weight.shape))
        if side.unet is not None:
            side.unet_scale.assign(0.5)
    return model


def compare(model, size, tile_size, tolerance=1e-3):
    """Both sides, tiled and at once."""
    k = model.num_truncate_bits
    picture = noise(*size, 3, high=255.0 * 2**k)
    expected = to_numpy(model.preprocess(picture[None]))[0]
    result = preprocess_picture(model, picture, tile_size)
    assert result.dtype == np.float32
    if k:  # but for a float32 sum at a step's edge
        assert np.mean(result != expected) < 2e-3
        assert np.abs(result - expected).max() <= 1
    else:
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance)
    expected = np.clip(expected, 0, 255)
    picture = to_numpy(model.postprocess(expected[None], size))[0]
    result = postprocess_picture(model, expected, size, tile_size)
    np.testing.assert_allclose(result, picture, rtol=0, atol=tolerance * 2**k)


def windows_across(model, tile_size):
    """An odd size that asks for more than one window."""
    reaches = [model.preprocessor.receptive_field(), model.postprocessor.receptive_field()]
    window = tile_size + max(2 * reach.radius + 2 * reach.alignment for reach in reaches)
    return window // 2 * 2 + 9


NETWORKS = [
    {"unet_patch_size": 2, "encoder": (3, 3), "decoder": (4, 3, 3)},
    {"downsample_factor": 2, "bottleneck_channels": 3},
]
# How far a network sees is computed alike on every backend.
MORE_NETWORKS = [
    {},
    {"patch_size": 1, "kernel_size": 5},
    {"patch_size": 8, "kernel_size": 3, "bottleneck_channels": 2},
    {"start": "published", "patch_size": 1, "kernel_size": 1},
    {"encoder": (), "decoder": (3,)},
    {"encoder": (2, 2, 2), "decoder": (2, 2, 2, 2)},
    {"encoder": (2,) * 4, "decoder": (2,) * 5},
    {"encoder": (3, 3), "decoder": (4, 3, 3), "drop": True},
    {"use_unet_preprocessor": False},
    {"use_unet_postprocessor": False, "use_unet_preprocessor": False},
    {"num_mlp_layers": 0, "bottleneck_channels": 3},
    {"num_truncate_bits": 2},
    {"downsample_factor": 2, "unet_patch_size": 2, "num_truncate_bits": 1},
    {"downsample_factor": 3, "bottleneck_channels": 3},
    {"unet_patch_size": 2, "unet_block_size": 16, "cascade": True},
    {"patch_size": 16, "kernel_size": 1, "cascade": True},
]


@pytest.mark.parametrize(
    "options",
    [*NETWORKS, *(pytest.param(options, marks=pytest.mark.once) for options in MORE_NETWORKS)],
    ids=str,
)
def test_a_picture_in_tiles_is_the_picture(options):
    model = sandwich(**options)
    tile_size = max(24, model.preprocessor.receptive_field().radius)
    compare(model, (windows_across(model, tile_size) + tile_size, 21), tile_size)


@pytest.mark.parametrize("factor", [1, 2])
def test_rows_and_columns_of_tiles(factor):
    model = sandwich(unet_patch_size=2, downsample_factor=factor)
    size = windows_across(model, 32)
    compare(model, (size, size + 3), 32)


@pytest.mark.once
@pytest.mark.parametrize(
    "size", [(1, 1), (97, 1), (1, 98), (2, 99), (31, 33), (32, 32), (127, 129)]
)
@pytest.mark.parametrize("factor", [1, 2])
def test_sizes_at_the_edges_of_tiles(size, factor):
    model = sandwich(3, unet_patch_size=2, downsample_factor=factor)
    compare(model, size, 32)


def test_tiles_smaller_than_the_grid_of_the_network():
    model = sandwich(unet_patch_size=4)
    compare(model, (15, windows_across(model, 7)), 7)


def test_a_user_s_own_layers():
    """Layers that say how far they see are cut, and refused where they do not."""

    @keras.saving.register_keras_serializable(package="tests")
    class Blur(keras.layers.Layer):
        def call(self, images):
            return keras.ops.average_pool(images, 5, 1, padding="same", data_format="channels_last")

        def compute_output_shape(self, shape):
            return shape

    picture = noise(90, 70, 3)
    blur = Blur()
    model = ks.models.CompressIntraModel(blur, blur, ks.layers.EncodeDecodeIntra())
    model.build((None, None, None, 3))
    expected = to_numpy(blur(picture[None]))[0]
    for function in (preprocess_picture, postprocess_picture):
        with pytest.raises(ValueError, match=r"Blur.*`receptive_radius`.*tile_size=None.*90×70"):
            function(model, picture, tile_size=32)
        for tile_size in (90, None):
            result = function(model, picture, tile_size=tile_size)
            np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3)
    blur.receptive_radius = 1
    assert np.abs(preprocess_picture(model, picture, 32) - expected).max() > 1
    blur.receptive_radius = 2
    for function in (preprocess_picture, postprocess_picture):
        result = function(model, picture, tile_size=32)
        np.testing.assert_allclose(result, expected, rtol=0, atol=1e-3)


def test_a_user_s_own_network_inside_a_processor():
    network = keras.layers.Conv2D(1, 7, padding="same", data_format="channels_last")
    model = ks.models.CompressIntraModel(
        ks.models.Preprocessor(1, network), None, ks.layers.EncodeDecodeIntra()
    )
    model.build((None, None, None, 3))
    model.preprocessor.unet_scale.assign(1.0)
    picture = noise(90, 70, 3)
    with pytest.raises(ValueError, match=r"The preprocessor has a network.*Conv2D"):
        preprocess_picture(model, picture, 32)
    network.receptive_radius = 3
    expected = to_numpy(model.preprocess(picture[None]))[0]
    np.testing.assert_allclose(preprocess_picture(model, picture, 32), expected, rtol=0, atol=1e-3)


def test_a_layer_that_changes_the_size_is_not_cut():
    shrink = keras.layers.AveragePooling2D(2, data_format="channels_last")
    shrink.receptive_radius = 1
    model = ks.models.CompressIntraModel(shrink, None, ks.layers.EncodeDecodeIntra())
    assert preprocess_picture(model, noise(90, 70, 3), None).shape == (45, 35, 3)
    with pytest.raises(ValueError, match=r"must return their size.*tile_size=None"):
        preprocess_picture(model, noise(90, 70, 3), 32)


def test_without_networks_and_other_objects():
    model = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra())
    picture = noise(40, 30, 3).astype("uint8")
    assert np.array_equal(preprocess_picture(model, picture, 8), picture)
    assert np.array_equal(postprocess_picture(model, picture, tile_size=8), picture)
    luma = ks.evaluation.CodecAlone(luma_only=True)
    expected = to_numpy(luma.preprocess(picture[None]))[0]
    assert np.array_equal(preprocess_picture(luma, picture, 8), expected)
    assert np.array_equal(
        postprocess_picture(luma, expected, tile_size=8), expected.repeat(3, axis=-1)
    )


def test_the_size_that_is_asked_for():
    model = sandwich(downsample_factor=2)
    decoded = noise(50, 40, 1)
    assert postprocess_picture(model, decoded, tile_size=32).shape == (100, 80, 3)
    assert postprocess_picture(model, decoded, (101, 81), 32).shape == (101, 81, 3)
    # One that does not enlarge returns the bottleneck's size, as `postprocess` does.
    assert postprocess_picture(sandwich(), decoded, (100, 80), 32).shape == (50, 40, 3)


def test_trained_weights_are_seen_at_once():
    model = sandwich()
    picture = noise(40, 30, 3)
    before = preprocess_picture(model, picture)
    model.preprocessor.mlp.linear.bias.assign_add(np.full(4, 0.1, "float32"))
    np.testing.assert_allclose(preprocess_picture(model, picture) - before, 25.5, rtol=1e-3)


def test_mixed_precision_is_that_of_the_model():
    model = sandwich(dtype="mixed_bfloat16")
    picture = noise(24, 30, 3)
    expected = to_numpy(model.preprocess(picture[None]))[0]
    exact = sandwich()
    exact.set_weights(model.get_weights())
    exact = to_numpy(exact.preprocess(picture[None]))[0]
    result = preprocess_picture(model, picture)
    # Compiled or not, a backend rounds to bfloat16 in places of its own.
    off = np.abs(exact - expected).max()
    assert np.abs(result - expected).max() < 2 * off
    assert np.abs(result - exact).max() > off / 8


@pytest.mark.parametrize("tile_size", [0, -5, 64.0, "64", True])
def test_bad_tile_sizes(tile_size):
    for function in (preprocess_picture, postprocess_picture):
        with pytest.raises(ValueError, match=r"`tile_size` must be a positive integer or None"):
            function(sandwich(), noise(4, 4, 3), tile_size=tile_size)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4, 3), (0, 4, 3)])
def test_what_is_no_picture(shape):
    for function in (preprocess_picture, postprocess_picture):
        with pytest.raises(ValueError, match=r"one picture \[height, width, channels\]"):
            function(sandwich(), np.zeros(shape))
