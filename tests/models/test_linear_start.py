"""Step 0 is the linear baseline, through real JPEG files (numerics: where a sandwich starts)."""

import functools

import keras
import numpy as np
import pytest
from autodiff import run, to_numpy
from photographs import decibels, noise, photographs
from PIL import Image
from scipy.fft import dctn

import keras_sandwich as ks

SIZE = (96, 128)
MARGIN = 0.1  # dB


def sandwich(**options):
    return ks.models.create_basic_model(
        encoder_filters=(4,), decoder_filters=(4, 4), start="linear", **options
    )


def through(codec, pictures):
    pictures = np.clip(np.round(pictures), 0, 255).astype("uint8")
    return np.stack([codec.decode(codec.encode(picture)) for picture in pictures]).astype("float64")


def low_pass(plane):
    """A Gaussian of deviation 2 cut to 9×9, zeros beyond the picture."""
    taps = np.exp(-(np.arange(-4, 5) ** 2) / 8)
    taps /= taps.sum()
    for axis in (1, 2):
        plane = np.apply_along_axis(functools.partial(np.convolve, taps, mode="same"), axis, plane)
    return plane


def carriers(shape):
    height, width = shape[1:3]
    return (-1.0) ** np.arange(width)[None, None, :], (-1.0) ** np.arange(height)[None, :, None]


def modulate(rgb):
    """0.8·Y + ½·(U·(−1)^x + V·(−1)^y) around the middle of the range."""
    r, g, b = np.moveaxis(np.asarray(rgb, "float64") - 128, -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    across, down = carriers(rgb.shape)
    u, v = low_pass((b - y) / 1.772), low_pass((r - y) / 1.402)
    return (128 + 0.8 * y + 0.5 * (u * across + v * down))[..., None]


def demodulate(bottleneck):
    plane = np.asarray(bottleneck, "float64")[..., 0] - 128
    across, down = carriers(bottleneck.shape)
    u, v = low_pass(plane * across), low_pass(plane * down)
    y = (plane - u * across - v * down) / 0.8
    u, v = u / 0.5, v / 0.5
    r, b = y + 1.402 * v, y + 1.772 * u
    return np.stack([r, (y - 0.299 * r - 0.114 * b) / 0.587, b], axis=-1) + 128


@pytest.mark.parametrize("qstep", [8, 24])
def test_colour_over_grayscale_is_the_carrier_chain(qstep):
    pictures = photographs(3, *SIZE).astype("float32")
    codec = ks.codecs.JPEG(qstep=qstep)
    model = sandwich(bottleneck_channels=1)
    np.testing.assert_allclose(
        to_numpy(model.preprocess(pictures)), modulate(pictures), rtol=0, atol=2e-3
    )
    outputs = ks.transport(model, pictures, codec)
    chain = demodulate(through(codec, modulate(pictures)))
    reached, baseline = (decibels(pictures, p) for p in (outputs["prediction"], chain))
    assert abs(reached - baseline) < MARGIN
    # and far above luma alone
    gray = np.repeat(pictures @ np.float32([[0.299], [0.587], [0.114]]), 3, axis=-1)
    assert baseline > decibels(pictures, gray) + 3


def linear(**options):
    return ks.models.create_basic_model(
        num_mlp_layers=1, use_unet_preprocessor=False, use_unet_postprocessor=False, **options
    )


def test_patches_of_a_coding_unit_carry_chroma_in_coefficients_of_the_luma():
    model = linear(patch_size=16, kernel_size=1)
    pictures = noise(1, 32, 48, 3, low=90, high=160)
    plane = to_numpy(model.preprocess(pictures))[0, ..., 0].astype("float64") - 128
    r, g, b = np.moveaxis(pictures[0].astype("float64") - 128, -1, 0)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    u, v = (b - y) / 1.772, (r - y) / 1.402

    def coefficients(values, row, column, size):
        return dctn(values[row : row + size, column : column + size], norm="ortho")

    for row in (0, 16):
        for column in (0, 16, 32):
            chroma = [coefficients(values, row, column, 16) for values in (u, v)]
            blocks = {
                (i, j): coefficients(plane, row + 8 * i, column + 8 * j, 8)
                for i in (0, 1)
                for j in (0, 1)
            }
            for (i, j), block in blocks.items():
                luma = coefficients(y, row + 8 * i, column + 8 * j, 8)
                for at in ((0, 6), (0, 7), (1, 6), (1, 7)):
                    luma[at] = block[at]
                    luma[at[::-1]] = block[at[::-1]]
                np.testing.assert_allclose(block, luma, atol=1e-3)  # the rest is the luma's
            for sent, at, place in (
                (chroma[0][0, 0], (0, 0), (0, 6)),
                (chroma[0][0, 1], (0, 1), (0, 6)),
                (chroma[0][1, 0], (1, 1), (0, 6)),
                (chroma[0][0, 2], (0, 0), (0, 7)),
                (chroma[0][0, 4], (1, 0), (1, 7)),
                (chroma[1][0, 0], (1, 1), (6, 0)),
                (chroma[1][0, 1], (1, 0), (6, 0)),
                (chroma[1][0, 4], (0, 1), (7, 1)),
            ):
                assert blocks[at][place] == pytest.approx(0.45 * sent, abs=1e-3)


def test_chroma_in_coefficients_comes_back():
    """Smooth colours are restored whatever they are; only the luma's highest frequencies are lost."""
    model = linear(patch_size=16, kernel_size=1)
    across = np.cos(np.pi * (np.arange(64) + 0.5) / 16)
    flat = np.full((1, 64, 64, 3), [120.0, 130.0, 90.0], "float32")
    flat[..., 0] += 30 * across
    flat[..., 2] += 20 * across[:, None]
    restored = to_numpy(model.postprocess(model.preprocess(flat)))
    np.testing.assert_allclose(restored, flat, rtol=0, atol=1.0)


def test_pictures_that_units_do_not_divide_are_coded_in_whole_units():
    """The right and lower edges are as good as the middle, on every way through the model."""
    model = linear(patch_size=16)
    height, width = 39, 50
    picture = np.full((1, height, width, 3), [170.0, 100.0, 60.0], "float32")
    picture += 20 * np.cos(np.arange(width) / 6)[:, None]
    outputs = {key: to_numpy(value) for key, value in model(picture).items()}
    assert outputs["bottleneck"].shape == (1, 48, 64, 1)
    assert outputs["prediction"].shape == picture.shape
    shapes = model.compute_output_shape(picture.shape)
    assert {key: tuple(value.shape) for key, value in outputs.items()} == shapes
    codec = ks.codecs.JPEG(qstep=1)
    for tile_size in (None, 16):
        coded = ks.transport(model, picture, codec, tile_size=tile_size)
        assert coded["bottleneck"].shape == (1, 48, 64, 1)
        assert np.abs(coded["prediction"] - picture).max() < 6
    whole = np.pad(picture, ((0, 0), (0, 9), (0, 14), (0, 0)), mode="symmetric")
    bottleneck = to_numpy(model.preprocess(whole))
    np.testing.assert_allclose(outputs["bottleneck"], bottleneck, rtol=0, atol=1e-3)
    restored = to_numpy(model.postprocess(bottleneck))[:, :height, :width]
    np.testing.assert_allclose(
        to_numpy(model.postprocess(bottleneck, (height, width))), restored, rtol=0, atol=1e-3
    )
    assert linear().preprocess(picture).shape == (1, height, width, 1)  # carriers have no units


@pytest.mark.parametrize(
    ("options", "trained"),
    [
        ({}, True),
        ({"train_linear": False}, False),
        ({"patch_size": 16}, False),
        ({"patch_size": 16, "train_linear": True}, True),
    ],
)
def test_large_linear_paths_are_not_trained(options, trained, tmp_path):
    model = sandwich(num_mlp_layers=1, **options)
    pictures = photographs(2, 32, 32).astype("float32")
    model.compile(keras.optimizers.Adam(1e-2), loss="mse")
    model.train_on_batch(pictures, pictures)
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        before = [to_numpy(weight).copy() for weight in one.weights]
        one.train_on_batch(pictures, pictures)
        moved = [
            weight.path.split("/")[-4:]
            for weight, value in zip(one.weights, before, strict=True)
            if np.any(to_numpy(weight) != value)
        ]
        linear_paths = ["linear" in path for path in moved]
        assert any(linear_paths) == trained
        assert not all(linear_paths)


def test_coefficients_cost_less_than_carriers():
    pictures = photographs(4, 96, 128)
    codec = ks.codecs.JPEG(qstep=8)
    coefficients = ks.evaluation.rd_curve(
        ks.models.create_linear_baseline(1, patch_size=16), pictures, codec, (16, 28), verbose=0
    )
    carriers = ks.evaluation.rd_curve(
        ks.models.create_linear_baseline(1), pictures, codec, (16, 20, 30, 45, 60), verbose=0
    )
    for bits, psnr in zip(coefficients.mean_bpp, coefficients.mean_psnr, strict=True):
        assert psnr > carriers.psnr_at(bits) + 1.0


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_high_over_low_resolution_is_bicubic_down_lanczos_up(subsampling):
    pictures = photographs(3, *SIZE).astype("float32")
    codec = ks.codecs.JPEG(qstep=12, chroma_subsampling=subsampling)

    def scale(picture, size, how):
        planes = [
            Image.fromarray(np.float32(p)).resize(size[::-1], how)
            for p in np.moveaxis(picture, -1, 0)
        ]
        return np.stack([np.array(plane) for plane in planes], axis=-1)

    half = (SIZE[0] // 2, SIZE[1] // 2)
    small = np.stack([scale(p, half, Image.Resampling.BICUBIC) for p in pictures])
    decoded = through(codec, small)
    chain = np.stack([scale(p, SIZE, Image.Resampling.LANCZOS) for p in decoded])
    outputs = ks.transport(sandwich(bottleneck_channels=3, downsample_factor=2), pictures, codec)
    reached, baseline = (decibels(pictures, p) for p in (outputs["prediction"], chain))
    assert abs(reached - baseline) < MARGIN
    np.testing.assert_array_equal(
        outputs["rate"],
        [
            8 * len(codec.encode(p))
            for p in np.clip(np.round(outputs["bottleneck"]), 0, 255).astype("uint8")
        ],
    )


def test_deep_pictures_are_truncated():
    k = 3
    pictures = photographs(3, *SIZE).astype("float32") * 2**k
    pictures += np.floor(noise(*pictures.shape, high=2**k))
    codec = ks.codecs.JPEG(qstep=2)
    chain = through(codec, np.floor(pictures / 2**k)) * 2**k + 2 ** (k - 1)
    model = sandwich(bottleneck_channels=3, num_truncate_bits=k)
    outputs = ks.transport(model, pictures, codec)
    peak = 255.0 * 2**k
    reached, baseline = (decibels(pictures, p, peak) for p in (outputs["prediction"], chain))
    assert abs(reached - baseline) < MARGIN


def test_equal_channels_are_the_codec_alone():
    pictures = photographs(3, *SIZE)
    codec = ks.codecs.JPEG(quality=60, chroma_subsampling="4:2:0")
    outputs = ks.transport(sandwich(bottleneck_channels=3), pictures, codec)
    alone = decibels(pictures, through(codec, pictures))
    assert abs(decibels(pictures, outputs["prediction"]) - alone) < MARGIN


def test_other_channel_numbers_start_as_a_projection():
    # Five channels that live in two dimensions: a fitted projection loses nothing.
    base = noise(2, 16, 24, 2, low=40, high=210) - 128
    mix = np.random.default_rng(1).normal(size=(2, 5))
    pictures = (base @ (mix / np.abs(mix).sum(axis=0)) + 128).astype("float32")
    model = sandwich(bottleneck_channels=2, output_channels=5)
    model.build(pictures.shape)

    def error():
        return np.abs(run(lambda x: model.postprocess(model.preprocess(x)), pictures) - pictures)

    at_random = error().mean()
    assert at_random > 1
    model.fit_linear_start(pictures)
    assert error().max() < 0.1
    bottleneck = to_numpy(model.preprocess(pictures))
    assert bottleneck.min() >= 0
    assert bottleneck.max() <= 255


def test_a_fitted_start_needs_a_narrower_bottleneck_and_a_linear_one():
    pictures = noise(1, 8, 8, 3)
    with pytest.raises(
        ValueError, match=r"Only a bottleneck with fewer channels.*Received 3 for 3"
    ):
        sandwich(bottleneck_channels=3).fit_linear_start(pictures)
    model = ks.models.create_basic_model(
        2, encoder_filters=(4,), decoder_filters=(4, 4), start="published"
    )
    with pytest.raises(ValueError, match=r"start='linear'"):
        model.fit_linear_start(pictures)
