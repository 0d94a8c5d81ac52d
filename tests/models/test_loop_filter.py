"""The loop filter: y + F(y), learns what a codec does, stands frozen behind the proxy."""

import keras
import numpy as np
import pytest
from autodiff import run, to_numpy
from photographs import decibels, grayscale, noise, photographs

import keras_sandwich as ks


def smoothed(pictures: np.ndarray) -> np.ndarray:
    """What a codec with a known filter decodes: the mean of 3×3 pixels."""
    padded = np.pad(pictures.astype("float64"), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = pictures.shape[1:3]
    shifts = [(y, x) for y in range(3) for x in range(3)]
    return sum(padded[:, y : y + height, x : x + width] for y, x in shifts) / 9


def squares(pictures: np.ndarray, size: int) -> np.ndarray:
    number, height, width, channels = pictures.shape
    pictures = pictures.reshape(
        number, height // size, size, width // size, size, channels
    ).transpose(0, 1, 3, 2, 4, 5)
    return pictures.reshape(-1, size, size, channels).astype("float32")


def randomized(loop_filter):
    loop_filter.build((None, None, None, 3))
    generator = np.random.default_rng(0)
    for weight in loop_filter.weights:
        weight.assign(generator.normal(0, 0.2, weight.shape))
    return loop_filter


def trained(channels: int, pictures: np.ndarray, target: np.ndarray, steps: int):
    keras.utils.set_random_seed(0)
    loop_filter = ks.models.create_loop_filter_model((8,), (8, 8), channels=channels)
    loop_filter.compile(keras.optimizers.Adam(5e-3), "mse")
    batches = len(pictures) // 8
    loop_filter.fit(pictures, target, batch_size=8, epochs=steps // batches, verbose=0)
    return loop_filter


def test_each_channel_is_filtered_alone():
    loop_filter = randomized(ks.models.create_loop_filter_model((3,), (4, 3)))
    images = noise(2, 9, 12, 3)
    result = run(loop_filter, images)
    for channel in range(3):
        plane = images[..., channel : channel + 1]
        expected = plane + run(loop_filter.network, plane)
        np.testing.assert_allclose(
            result[..., channel : channel + 1], expected, rtol=1e-4, atol=1e-2
        )
    assert np.abs(result - images).max() > 1


def test_channels_are_filtered_in_groups():
    loop_filter = randomized(ks.models.create_loop_filter_model((3,), (4, 3), channels=2))
    images = noise(2, 9, 12, 6)
    expected = [
        images[..., first : first + 2] + run(loop_filter.network, images[..., first : first + 2])
        for first in (0, 2, 4)
    ]
    np.testing.assert_allclose(
        run(loop_filter, images), np.concatenate(expected, axis=-1), rtol=1e-4, atol=1e-2
    )
    alone = run(loop_filter, images[..., 2:4])
    np.testing.assert_allclose(alone, expected[1], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("channels", [1, 3])
def test_it_starts_as_the_identity(channels):
    images = noise(2, 9, 13, 3)
    loop_filter = ks.models.create_loop_filter_model(channels=channels)
    np.testing.assert_array_equal(run(loop_filter, images), images)


@pytest.mark.once
def test_it_learns_what_a_smoothing_codec_does(tmp_path):
    pictures = grayscale(6, 128, 192)
    learnt, held_out = squares(pictures[:4], 32), pictures[4:].astype("float32")
    loop_filter = trained(1, learnt, squares(smoothed(pictures[:4]), 32), steps=96)
    target = smoothed(held_out)
    before = decibels(target, held_out)
    filtered = run(loop_filter, held_out)
    assert decibels(target, filtered) > before + 3

    loop_filter.save(tmp_path / "filter.keras")
    again = keras.saving.load_model(tmp_path / "filter.keras")
    np.testing.assert_allclose(run(again, held_out), filtered, atol=1e-3)


@pytest.mark.once
def test_channels_together_learn_an_error_of_chroma():
    # Blue and red are lowered where green is high: no channel alone could tell.
    pictures = photographs(6, 128, 128).astype("float32")
    target = pictures.copy()
    target[..., ::2] -= pictures[..., 1:2] / 16
    learnt, truth = squares(pictures[:4], 32), squares(target[:4], 32)
    loop_filter = trained(3, learnt, truth, steps=64)
    before = decibels(target[4:], pictures[4:])
    assert decibels(target[4:], run(loop_filter, pictures[4:])) > before + 3


def test_frozen_in_a_sandwich():
    loop_filter = randomized(ks.models.create_loop_filter_model((2,), (2, 2), channels=3))
    model = ks.models.create_basic_model(
        bottleneck_channels=3,
        encoder_filters=(4,),
        decoder_filters=(4, 4),
        convert_to_yuv=True,
        chroma_subsampling="4:2:0",
        loop_filter=loop_filter,
    )
    model.compile(keras.optimizers.Adam(1e-2))
    before = [np.copy(weight) for weight in loop_filter.get_weights()]
    pictures = photographs(2, 32, 32).astype("float32")
    model.fit(pictures, epochs=2, verbose=0)
    for old, new in zip(before, loop_filter.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not loop_filter.trainable_variables
    kernel = to_numpy(model.preprocessor.mlp.linear.kernel)
    start = to_numpy(ks.models.create_linear_baseline(3).preprocessor.mlp.linear.kernel)
    assert np.abs(kernel - start).max() > 1e-3


def test_it_follows_the_proxy_and_not_the_real_codec():
    loop_filter = randomized(ks.models.create_loop_filter_model((2,), (2, 2)))
    proxy = ks.layers.EncodeDecodeIntra(qstep_init=7.0)  # an effective step of 8
    model = ks.models.CompressIntraModel(None, None, proxy, loop_filter=loop_filter)
    pictures = grayscale(2, 24, 32)
    outputs = to_numpy(model(pictures))
    expected = run(loop_filter, outputs["compressed_bottleneck"])
    np.testing.assert_allclose(outputs["prediction"], expected, atol=1e-3)
    assert np.abs(outputs["prediction"] - outputs["compressed_bottleneck"]).max() > 1
    codec = ks.codecs.JPEG(qstep=8)
    real = np.stack([codec.decode(codec.encode(picture)) for picture in pictures])
    np.testing.assert_array_equal(ks.transport(model, pictures, codec)["prediction"], real)


def test_bad_channels():
    with pytest.raises(ValueError, match="channels"):
        ks.models.create_loop_filter_model(channels=0)
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2), channels=2)
    with pytest.raises(ValueError, match="multiple"):
        loop_filter(noise(1, 8, 8, 3))


def test_the_receptive_field_is_that_of_its_network():
    loop_filter = randomized(ks.models.create_loop_filter_model((3,), (4, 3)))
    images = noise(1, 64, 64, 1)
    changed = images.copy()
    changed[0, 32, 32] += 40
    difference = run(loop_filter, images) != run(loop_filter, changed)
    distance = np.maximum(*np.abs(np.indices((64, 64)) - 32))
    farthest = distance[difference[0, :, :, 0]].max()
    radius = loop_filter.receptive_radius
    # A network that is dark at its edge for this picture sees a little less than it could.
    assert radius - 4 <= farthest <= radius
    assert (radius, loop_filter.alignment) == (
        loop_filter.network.get_layer("unet").receptive_radius,
        2,
    )


def test_a_network_that_does_not_say_how_far_it_sees():
    network = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(1, 3)])
    assert ks.models.LoopFilter(network).receptive_radius is None
    assert (
        ks.models.LoopFilter(keras.Sequential([keras.layers.Rescaling(2.0)])).receptive_radius == 0
    )
