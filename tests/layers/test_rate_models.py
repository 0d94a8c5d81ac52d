import numpy as np
import pytest
from autodiff import differentiate, finite_differences, run, to_numpy
from keras import ops
from photographs import noise

import keras_sandwich as ks


def quantized(*shape, scale=3.0, seed=0):
    return np.random.default_rng(seed).laplace(0, scale, shape).round().astype("float32")


def gaussian_bits(indices, qstep):
    """The sum of the specification, over dequantized coefficients, in float64; one image."""
    bits = 0.0
    for component in indices:
        values = np.asarray(component, "float64") * qstep
        deviation = values.std(axis=0)
        nats = np.log(np.maximum(deviation, 1e-300) / qstep + 2.2e-16)
        nats += 0.5 * np.log(2 * np.pi * np.e)
        bits += len(values) * np.sum(np.maximum(nats, 0)) / np.log(2)
    return bits


def test_gaussian_rate_and_its_gradient():
    indices = [quantized(2, 5, 3, 64, seed=s) for s in range(2)]
    indices[0][:, :, 1, 5:20] = 3.0  # the same in all blocks of a column: no deviation

    def loss(*components):
        rate = ks.layers.GaussianRate()(list(components), list(components), qstep=7.0)
        return ops.sum(rate * ops.convert_to_tensor(np.float32([1.0, 2.0]))), rate

    rate, gradients, _ = differentiate(loss, indices)
    expected = [gaussian_bits([c[i] for c in indices], 7.0) for i in range(2)]
    np.testing.assert_allclose(rate, expected, rtol=1e-5)
    assert np.all(gradients[0][:, :, 1, 5:20] == 0)
    varied = np.flatnonzero(np.broadcast_to(indices[0][1].std(axis=0) > 0.4, (5, 3, 64)))[::23]
    slopes = finite_differences(
        lambda first: 2 * gaussian_bits([first, indices[1][1]], 7.0), indices[0][1], 1e-5, varied
    )
    np.testing.assert_allclose(gradients[0][1].ravel()[varied], slopes, rtol=1e-3, atol=1e-3)
    assert np.abs(slopes).max() > 0.1


def test_gaussian_rate_of_equal_blocks_is_nothing():
    flat = np.full((1, 4, 4, 64), 5.0, "float32")

    def loss(x):
        rate = ks.layers.GaussianRate()([x], [x], qstep=1.0)
        return ops.sum(rate), rate

    rate, (gradient,), _ = differentiate(loss, [flat])
    assert rate.tolist() == [0.0]
    assert np.array_equal(gradient, np.zeros_like(flat))


@pytest.mark.parametrize("gradient", ["quantized", "unrounded"])
@pytest.mark.parametrize("huffman", ["entropy", "optimized", "standard"])
def test_jpeg_rate_is_the_count_with_a_gradient(gradient, huffman):
    unrounded = [noise(2, 3, 4, 64, low=-3, high=3, seed=s) for s in range(3)]
    indices = [np.rint(c) for c in unrounded]
    layer = ks.layers.JpegRate(huffman, gradient=gradient, interleaved=True)
    count = to_numpy(ks.ops.jpeg_scan_bits(indices, (24, 32), huffman=huffman)).astype(float)

    def loss(*tensors):
        rate = layer(list(tensors[:3]), list(tensors[3:]), qstep=1.0, image_size=(24, 32))
        return ops.sum(rate), rate

    rate, slopes, _ = differentiate(loss, [*indices, *unrounded])
    carriers = indices if gradient == "quantized" else unrounded

    def n(components):
        return sum(
            np.sum(np.log1p(np.abs(c.astype("float64"))), axis=(1, 2, 3)) for c in components
        )

    slope = count * n(carriers) / (n(carriers) ** 2 + 1)
    np.testing.assert_allclose(rate, slope * n(carriers), rtol=1e-5)
    np.testing.assert_allclose(rate, count, rtol=1e-4)
    for place in range(3):
        expected = np.sign(carriers[place]) / (1 + np.abs(carriers[place]))
        expected = slope[:, None, None, None] * expected
        np.testing.assert_allclose(slopes[place + 3], expected, rtol=1e-4, atol=1e-6)
        assert not np.any(slopes[place])  # the decoder's indices, which may hold noise


def test_the_count_is_the_real_codec_s_where_training_has_noise():
    unrounded = [noise(1, 3, 4, 64, low=-3, high=3)]
    noisy = [unrounded[0] + noise(1, 3, 4, 64, low=-0.5, high=0.5, seed=1)]
    rate = ks.layers.JpegRate("standard")(noisy, unrounded, qstep=1.0, image_size=(24, 32))
    count = ks.ops.jpeg_scan_bits([np.rint(unrounded[0])], (24, 32))
    np.testing.assert_allclose(to_numpy(rate), to_numpy(count), rtol=1e-4)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_channels_are_scans_of_their_own(subsampling):
    # The grid of the padded picture, 32 × 48, for a picture of 17 × 33.
    down, across = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}[subsampling]
    indices = []
    for channel in range(4):
        v, h = (down, across) if channel % 3 else (1, 1)
        indices.append(quantized(2, 4 // v, 6 // h, 64, seed=channel))
    total = 0.0
    for channel, component in enumerate(indices):
        v, h = (down, across) if channel % 3 else (1, 1)
        size = (-(-17 // v), -(-33 // h))
        total = total + to_numpy(ks.ops.jpeg_scan_bits(component, size, huffman="standard"))
    layer = ks.layers.JpegRate("standard", chroma_subsampling=subsampling)
    rate = layer(indices, indices, qstep=1.0, image_size=(17, 33))
    np.testing.assert_allclose(to_numpy(rate), total, rtol=1e-4)


def test_headers_are_counted_on_demand():
    indices = [quantized(2, 3, 4, 64)]
    rate = ks.layers.JpegRate("standard", include_header=True)(
        indices, indices, qstep=1.0, image_size=(24, 32)
    )
    expected = to_numpy(ks.ops.jpeg_file_bits(indices, (24, 32)))
    np.testing.assert_allclose(to_numpy(rate), expected, rtol=1e-4)
    assert np.all(expected > to_numpy(ks.ops.jpeg_scan_bits(indices, (24, 32))) + 8 * 150)


def test_an_empty_picture_costs_nothing_and_pulls_nowhere():
    zeros = np.zeros((1, 2, 2, 64), "float32")

    def loss(x):
        rate = ks.layers.JpegRate()([x], [x], qstep=1.0, image_size=(16, 16))
        return ops.sum(rate), rate

    rate, (slope,), _ = differentiate(loss, [zeros])
    assert rate.tolist() == [0.0]
    assert not np.any(slope)


def test_compiled_rates_are_the_same():
    indices = quantized(2, 3, 4, 64)
    gaussian, jpeg = ks.layers.GaussianRate(), ks.layers.JpegRate()

    def rates(x):
        return gaussian([x], [x], qstep=2.0), jpeg([x], [x], qstep=2.0, image_size=(24, 32))

    alone = run(rates, indices, compile=False)  # first: a compiled call cannot build the layers
    for together, eager in zip(run(rates, indices, compile=True), alone, strict=True):
        np.testing.assert_allclose(together, eager, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"huffman": "arithmetic"}, "`huffman` must be one of .*Received huffman='arithmetic'"),
        ({"gradient": "none"}, "`gradient` must be one of 'quantized', 'unrounded'"),
        ({"chroma_subsampling": "4:1:1"}, "`chroma_subsampling` must be one of"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.JpegRate(**options)


@pytest.mark.parametrize("gradient", ["quantized", "unrounded"])
def test_noise_in_the_decoder_s_indices_is_not_counted(gradient):
    unrounded = noise(1, 2, 3, 64, low=-4, high=4)
    noisy = unrounded + noise(1, 2, 3, 64, low=-0.5, high=0.5, seed=1)
    model = ks.layers.JpegRate(gradient=gradient)

    def loss(x, decoded):
        rate = model([decoded], [x], qstep=1.0, image_size=(16, 24))
        return ops.sum(rate), rate

    (clean, with_noise) = (
        differentiate(loss, [unrounded, decoded]) for decoded in (np.round(unrounded), noisy)
    )
    np.testing.assert_allclose(with_noise[0], clean[0], rtol=1e-6)
    np.testing.assert_allclose(with_noise[1][0], clean[1][0], rtol=1e-5, atol=1e-6)
    assert np.abs(clean[1][0]).max() > 0.1
