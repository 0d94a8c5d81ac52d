"""Each crop is looked up in the pictures that it must come from."""

import keras
import numpy as np
import pytest
from photographs import photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.training.decoded_crops import DecodedCrops, crop_grid, decoded_pictures


def numbered(count, height, width):
    """Pictures [height, width, 1] none of whose values is in two places."""
    values = np.arange(count * height * width, dtype="float32")
    return list(values.reshape(count, height, width, 1))


QSTEPS = (5.0, 6.0, 7.0)


def crops_of(pictures, decoded, **options):
    defaults = {
        "grid": 16,
        "factor": 1,
        "crop_size": 32,
        "batch_size": 64,
        "steps_per_epoch": 3,
        "seed": 0,
    }
    return DecodedCrops(pictures, decoded, QSTEPS, **{**defaults, **options})


@pytest.mark.parametrize("factor", [1, 2])
def test_crops_and_targets_are_of_one_place_on_the_grid(factor):
    pictures = numbered(3, 70, 100)
    # Of each strength what the bottleneck decodes to: the pixel at the place, and which strength it was.
    decoded = [
        [picture[::factor, ::factor] + strength / 4 for picture in pictures]
        for strength in range(3)
    ]
    inputs, targets = crops_of(pictures, decoded, factor=factor)[0]
    batch = inputs["decoded"]
    assert batch.shape == (64, 32 // factor, 32 // factor, 1)
    assert targets.shape == (64, 32, 32, 1)
    strengths = batch[:, 0, 0, 0] - targets[:, 0, 0, 0]
    np.testing.assert_array_equal(
        batch, targets[:, ::factor, ::factor] + strengths[:, None, None, None]
    )
    assert set(strengths) == {0.0, 0.25, 0.5}
    np.testing.assert_array_equal(inputs["qstep"], 5.0 + 4.0 * strengths)
    number, rest = np.divmod(targets[:, 0, 0, 0], 70 * 100)
    top, left = np.divmod(rest, 100)
    assert set(number) == {0, 1, 2}
    assert set(top) == {0, 16, 32}
    assert set(left) == {0, 16, 32, 48, 64}


def test_samples_of_more_bits_come_on_the_bottlenecks_scale():
    pictures = [np.zeros((32, 32, 1), "uint8")]
    inputs, targets = crops_of(pictures, [[np.full((32, 32, 1), 401, "uint16")]], bits=10)[0]
    batch = inputs["decoded"]
    assert batch.dtype == targets.dtype == "float32"
    assert np.all(batch == 100.25)


def test_batches_are_a_function_of_seed_epoch_and_index():
    pictures = numbered(3, 70, 100)
    one, other = (crops_of(pictures, [pictures]) for _ in range(2))
    other.epoch = one.epoch = 4
    np.testing.assert_equal(one[2], other[2])
    different = crops_of(pictures, [pictures], seed=1)
    different.epoch = 4
    for batch in (one[1], different[2]):
        assert np.any(batch[0]["decoded"] != other[2][0]["decoded"])
    other.epoch = 5
    assert np.any(other[2][0]["decoded"] != one[2][0]["decoded"])
    assert len(one) == 3


@pytest.mark.parametrize(
    ("options", "grid"),
    [
        ({}, 16),
        ({"downsample_factor": 2}, 32),
        ({"patch_size": 3}, 48),
        ({"networks": True, "unet_patch_size": 3}, 48),  # 3·2 pixels at the deepest
    ],
)
def test_the_grid_holds_blocks_patches_and_poolings(options, grid):
    assert crop_grid(sandwich(**options)) == grid


def test_the_grid_of_deep_networks():
    unet = ks.models.UNet(3, (2,) * 4, (2,) * 5, patch_size=2)
    model = ks.models.CompressIntraModel(
        None, ks.models.Postprocessor(3, unet), ks.layers.EncodeDecodeIntra()
    )
    assert crop_grid(model) == 32
    plain = ks.models.CompressIntraModel(None, keras.layers.Identity(), keras.layers.Identity())
    assert crop_grid(plain) == 16


def test_what_was_decoded_is_what_transport_decodes():
    model = sandwich()
    pictures = [photographs(1, 40, 56)[0], photographs(2, 32, 48)[1]]
    codec = ks.codecs.JPEG(quality=50)
    decoded, qsteps = decoded_pictures(model, pictures, codec, (30, 60), None, 0, 1024)
    assert len(decoded) == 2
    assert qsteps == [1.0, 1.0]
    for setting, of_strength in zip((30, 60), decoded, strict=True):
        for picture, found in zip(pictures, of_strength, strict=True):
            sent = ks.transport(model, picture[None], ks.codecs.JPEG(quality=101 - setting))
            np.testing.assert_array_equal(found, sent["compressed_bottleneck"][0])


def test_strengths_that_are_not_given():
    pictures = list(photographs(2, 48, 48))
    model = sandwich()  # at a step of 11
    found, _ = decoded_pictures(model, pictures, ks.codecs.JPEG(qstep=1), None, None, 0, 1024)
    expected, _ = decoded_pictures(
        model, pictures, ks.codecs.JPEG(qstep=1), (6, 8, 11, 16, 22), None, 0, 1024
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    lossless, _ = decoded_pictures(model, pictures, ks.codecs.PNG(), None, None, 0, 1024)
    assert len(lossless) == 1
    with pytest.raises(ValueError, match="at least one strength"):
        decoded_pictures(model, pictures, ks.codecs.JPEG(qstep=1), (), None, 0, 1024)


def test_strengths_around_a_step_that_is_not_there():
    model = ks.models.CompressIntraModel(None, None, keras.layers.Identity())
    with pytest.raises(ValueError, match="Give `strengths`"):
        decoded_pictures(
            model, list(photographs(1, 32, 32)), ks.codecs.JPEG(quality=50), None, None, 0, 1024
        )
