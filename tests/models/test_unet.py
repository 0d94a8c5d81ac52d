import keras
import numpy as np
import pytest
from autodiff import BACKEND, run, to_numpy
from float64_codec import resample
from photographs import noise

import keras_sandwich as ks

# Table II of the paper: encoder, decoder, parameters, multiply-accumulates per pixel.
TABLE = [
    ((32, 64, 128, 256), (512, 256, 128, 64, 32), 7_847_491, 213_943),
    ((32, 64), (128, 64, 32), 472_387, 112_531),
    ((16, 32, 64, 128), (256, 128, 64, 32, 16), 1_963_043, 53_981),
    ((16, 32), (64, 32, 16), 118_691, 28_619),
    ((8, 16, 32, 64), (128, 64, 32, 16, 8), 491_347, 13_743),
    ((8, 16), (32, 16, 8), 29_971, 7_399),
    ((32,), (32, 32), 57_219, 43_347),
]


@pytest.mark.parametrize(("encoder", "decoder", "parameters", "macs"), TABLE)
def test_the_paper_s_sizes(encoder, decoder, parameters, macs):
    unet = ks.models.UNet(3, encoder, decoder)
    unet.build((None, None, None, 3))
    assert unet.count_params() == parameters
    depth = len(encoder)
    levels = [level for level in range(depth) for _ in range(2)]
    levels += [depth - level for level in range(depth + 1) for _ in range(2)]
    work = 0.0
    for layer, level in zip([*unet.encoder, *unet.decoder], levels, strict=True):
        work += layer.count_params() / 4**level
    # The paper rounds each row its own way.
    assert abs(work + unet.output_convolution.count_params() - macs) <= 1


def test_the_published_structure_s_size():
    unet = ks.models.UNet(3, drop_last_encoder_block=True)
    unet.build((None, None, None, 3))
    assert unet.count_params() == 5_782_595


def convolve(x, layer, activate=True):
    kernel, bias = to_numpy(layer.kernel).astype("float64"), to_numpy(layer.bias)
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    y = bias + sum(
        padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)
    )
    return np.maximum(y, 0) if activate else y


def u_net(x, unet):
    """The specification's words, in float64."""
    encoder, decoder, skips = list(unet.encoder), list(unet.decoder), []
    for _ in unet.encoder_filters:
        for _ in range(unet.convolutions_per_block):
            x = convolve(x, encoder.pop(0))
        skips.append(x)
        x = x[:, 1::2, 1::2]
    for number in range(len(unet.decoder_filters)):
        for _ in range(unet.convolutions_per_block):
            x = convolve(x, decoder.pop(0))
        if number < len(unet.decoder_filters) - 1:
            for axis in (1, 2):
                x = resample(x, axis, 2 * x.shape[axis], "bilinear")
            x = np.concatenate([x, skips.pop()], axis=-1)
    return convolve(x, unet.output_convolution, activate=False)


def randomised(unet, channels):
    unet.build((None, None, None, channels))
    generator = np.random.default_rng(0)
    for weight in unet.weights:
        weight.assign(generator.normal(0, 0.3, weight.shape))
    return unet


def test_values_of_sizes_that_the_pooling_divides():
    unet = randomised(ks.models.UNet(2, (3, 4), (5, 4, 3), convolutions_per_block=1), 2)
    x = noise(2, 8, 12, 2, low=-0.5, high=0.5)
    np.testing.assert_allclose(run(unet, x), u_net(x, unet), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (9, 14)])
def test_other_sizes_are_reflected_and_cropped(size):
    unet = randomised(ks.models.UNet(2, (3, 4), (5, 4, 3)), 2)
    x = noise(1, *size, 2, low=-0.5, high=0.5)
    margins = ((0, 0), (0, -size[0] % 4), (0, -size[1] % 4), (0, 0))
    expected = u_net(np.pad(x, margins, mode="reflect"), unet)[:, : size[0], : size[1]]
    np.testing.assert_allclose(run(unet, x), expected, rtol=1e-4, atol=1e-5)


def test_patches():
    unet = randomised(ks.models.UNet(2, (3,), (4, 3), patch_size=2), 3)
    x = noise(1, 8, 12, 3, low=-0.5, high=0.5)
    patches = np.concatenate([x[:, i::2, j::2] for i in range(2) for j in range(2)], axis=-1)
    y = u_net(patches, unet)
    expected = np.zeros((1, 8, 12, 2))
    for place in range(4):
        expected[:, place // 2 :: 2, place % 2 :: 2] = y[..., 2 * place : 2 * place + 2]
    np.testing.assert_allclose(run(unet, x), expected, rtol=1e-4, atol=1e-5)


def test_places_in_a_block():
    """A network that is told where it is differs within a block, and is the same a block further on."""
    arguments = {"encoder_filters": (3,), "decoder_filters": (4, 3), "patch_size": 2}
    told = ks.models.UNet(1, **arguments, block_size=16)
    assert told.alignment == 16
    flat = np.full((1, 112, 128, 2), 0.3, "float32")
    y = run(told, flat)
    inner = y[:, 32:-32, 32:-32]  # what the mirrored border does not reach
    np.testing.assert_allclose(inner[:, :16], inner[:, 16:32], rtol=0, atol=1e-5)
    np.testing.assert_allclose(inner[:, :, :16], inner[:, :, 16:32], rtol=0, atol=1e-5)
    for shift in (2, 4, 8):
        assert np.abs(inner[:, shift : 16 + shift] - inner[:, :16]).max() > 1e-3
        assert np.abs(inner[:, :, shift : 16 + shift] - inner[:, :, :16]).max() > 1e-3
    # It is the network without places, given a channel for each row of a block and each column.
    rows, columns = np.indices((112, 128)) % 16 // 2
    kernel = to_numpy(told.weights[0])
    places = np.concatenate([np.eye(8)[rows], np.eye(8)[columns]], axis=-1)
    first = ks.models.UNet(1, **arguments)
    first.build((None, None, None, 18))
    wide = np.zeros((3, 3, 72, 3), "float32")  # patches: pixel by pixel, channel by channel
    for pixel in range(4):
        wide[:, :, 18 * pixel : 18 * pixel + 2] = kernel[:, :, 2 * pixel : 2 * pixel + 2]
    wide[:, :, 2:18] = kernel[:, :, 8:]
    for ours, theirs in zip(first.weights, told.weights, strict=True):
        ours.assign(wide if theirs is told.weights[0] else theirs)
    given = np.concatenate([flat, places[None].astype("float32")], axis=-1)
    np.testing.assert_allclose(run(first, given), y, rtol=0, atol=1e-5)


def test_activation_and_initializer_of_the_output():
    x = noise(1, 4, 4, 1)
    still = ks.models.UNet(1, (2,), (2, 2), output_initializer="zeros")
    assert not np.any(run(still, x))
    squashed = ks.models.UNet(1, (2,), (2, 2), output_activation="sigmoid")
    plain = ks.models.UNet(1, (2,), (2, 2))
    plain.build(x.shape)
    squashed.build(x.shape)
    plain.set_weights(squashed.get_weights())
    np.testing.assert_allclose(run(squashed, x), 1 / (1 + np.exp(-run(plain, x))), rtol=1e-4)


def test_unknown_sizes_in_a_functional_model(tmp_path):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, ks.models.UNet(2, (3, 4), (5, 4, 3))(inputs))
    assert model.output_shape == (None, None, None, 2)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    unet = model.layers[-1]
    for size in ((8, 4), (12, 16)):
        x = noise(1, *size, 3, low=-0.5, high=0.5)
        for network in (model, again):
            np.testing.assert_allclose(run(network, x), u_net(x, unet), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_only_the_convolutions_run_in_low_precision(policy):
    x = noise(1, 8, 8, 3, low=-0.5, high=0.5)
    exact = randomised(ks.models.UNet(1, (3,), (4, 3)), 3)
    mixed = randomised(ks.models.UNet(1, (3,), (4, 3), dtype=policy), 3)
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    for layer in mixed.layers:
        assert layer.compute_dtype == policy.removeprefix("mixed_")
    y = mixed(x)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    y = to_numpy(keras.ops.cast(y, "float32"))
    expected = run(exact, x)
    assert 0 < np.abs(y - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.skipif(BACKEND == "torch", reason="compiled with the sandwich")
def test_compiled_network_is_the_same():
    unet = randomised(ks.models.UNet(1, (3,), (4, 3)), 3)
    x = noise(1, 9, 6, 3, low=-0.5, high=0.5)
    np.testing.assert_allclose(run(unet, x, compile=True), run(unet, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"decoder_filters": (8, 8)}, r"one longer than `encoder_filters`.*\(8, 16\) and \(8, 8\)"),
        ({"encoder_filters": (8, 0)}, "must hold positive integers"),
        ({"encoder_filters": (8, 1.5)}, "must hold positive integers"),
        ({"output_channels": 0}, "`output_channels` must be a positive integer"),
        ({"convolutions_per_block": 0}, "`convolutions_per_block` must be a positive integer"),
        ({"patch_size": 0}, "`patch_size` must be a positive integer"),
        ({"patch_size": 2, "block_size": 7}, r"multiple of patch_size=2.*block_size=7"),
        ({"block_size": 0}, r"multiple of patch_size=1.*block_size=0"),
    ],
)
def test_bad_arguments(arguments, message):
    usual = {"output_channels": 3, "encoder_filters": (8, 16), "decoder_filters": (32, 16, 8)}
    with pytest.raises(ValueError, match=message):
        ks.models.UNet(**{**usual, **arguments})
