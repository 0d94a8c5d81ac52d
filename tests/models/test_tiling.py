import keras
import numpy as np
import pytest
from autodiff import to_numpy
from photographs import noise

import keras_sandwich as ks
from keras_sandwich.models import postprocess_picture, preprocess_picture


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
    """Both sides, tiled and at once; the tile must matter."""
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


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"unet_patch_size": 2, "encoder": (3, 3), "decoder": (4, 3, 3)},
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
        {"downsample_factor": 2, "bottleneck_channels": 3},
        {"downsample_factor": 2, "unet_patch_size": 2, "num_truncate_bits": 1},
        {"downsample_factor": 3, "bottleneck_channels": 3},
    ],
    ids=str,
)
def test_a_picture_in_tiles_is_the_picture(options):
    compare(sandwich(**options), (70, 53), 32)


@pytest.mark.parametrize("size", [(1, 1), (97, 1), (1, 97), (2, 90), (31, 33), (32, 32), (64, 65)])
@pytest.mark.parametrize("factor", [1, 2])
def test_sizes_at_the_edges_of_tiles(size, factor):
    model = sandwich(3, unet_patch_size=2, downsample_factor=factor)
    compare(model, size, 32)


def test_tiles_smaller_than_the_grid_of_the_network():
    compare(sandwich(encoder=(2, 2, 2), decoder=(2, 2, 2, 2), unet_patch_size=2), (50, 41), 5)
