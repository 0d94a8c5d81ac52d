"""The proxy's float32 under each of Keras' global float types."""

import keras
import numpy as np
import pytest
from autodiff import differentiate, to_numpy
from keras import ops
from photographs import noise, photographs

import keras_sandwich as ks

# Wider than what 8 bits of a mantissa can number.
IMAGES = photographs(2, 40, 300).astype("float32")
ARRAYS = IMAGES[..., :1] + np.float32(1 / 3)
INTEGERS = (1001 * IMAGES[..., :1]).astype("int32")
OF_ARRAYS = (
    lambda x: ks.ops.space_to_depth(x, 2),
    lambda x: ks.ops.depth_to_space(x, 1),
    lambda x: ks.ops.blocks_to_image(x.reshape(2, 3, 5, 9, 8, 8)),
    ks.ops.bilinear_upsample_2x,
    ks.ops.round_straight_through,
    ks.ops.round_cubic,
    ks.ops.floor_straight_through,
    lambda x: ks.ops.clip(x, 20.3, 255.0),
    lambda x: ks.ops.straight_through(x, 3 * x),
)


@pytest.fixture(params=["bfloat16", "float16", "float64"])
def floatx(request):
    before = keras.config.floatx()
    yield request.param
    keras.config.set_floatx(before)


def measured(metric, *arguments):
    metric.update_state(*arguments)
    return metric.result()


def results():
    colour = {"convert_to_yuv": True, "chroma_subsampling": "4:2:0"}
    codec = ks.layers.EncodeDecodeIntra(7.3, train_qstep=False, **colour)
    gaussian = ks.layers.EncodeDecodeIntra(rate_model="gaussian")
    indices = [noise(1, 3, 40, 64, low=-3, high=3, seed=3)]
    return {
        "float": ks.layers.JpegProxy(**colour)(IMAGES, qstep=19.02),
        "step of the call": codec(IMAGES, qstep=8.3),
        "quality of the call": codec(IMAGES, quality=60),
        "gaussian": gaussian(IMAGES),
        "libjpeg": ks.layers.RandomJpeg((40, 90), seed=1, dtype="float32")(IMAGES, training=True),
        "bits": [
            ks.ops.jpeg_scan_bits(indices, (24, 320), huffman=huffman)
            for huffman in ("standard", "optimized")  # the codecs count by entropy
        ],
        "padding": ks.ops.pad_to_multiple(IMAGES, 32),
        "resampling": [
            ks.ops.resize(IMAGES, (20, 333), method)
            for method in ("nearest", "bilinear", "bicubic", "lanczos3")
        ],
        "chroma": ks.ops.yuv_420_to_444(ks.ops.yuv_444_to_420(IMAGES)),
        "pixels in a list": ks.ops.rgb_to_yuv([[[[1.003, 200.7, 33.33]]]]),
        "similarity": ks.ops.ssim(IMAGES, 0.9 * IMAGES),
        "arrays": [function(ARRAYS) for function in OF_ARRAYS],
        "integers": [function(INTEGERS) for function in OF_ARRAYS[:3]],
        "distortion": ks.losses.distortion_per_sample("mse", ARRAYS, ARRAYS[::-1]),
        "penalty": ks.losses.range_penalty(3 * ARRAYS),
        "metrics": [
            measured(ks.metrics.PSNR(), ARRAYS, ARRAYS + 3),
            measured(ks.metrics.BitsPerPixel(), np.float32([1000001]), (8, 8)),
        ],
        "codec alone": ks.evaluation.CodecAlone().preprocess(ARRAYS),
    }


@pytest.fixture(scope="module")
def expected():
    return to_numpy(results())


def test_every_number_is_that_of_float32(floatx, expected):
    keras.config.set_floatx(floatx)
    for (path, ours), theirs in zip(
        keras.tree.flatten_with_path(to_numpy(results())),
        keras.tree.flatten(expected),
        strict=True,
    ):
        assert ours.dtype == theirs.dtype, path
        assert np.array_equal(ours, theirs), path


@pytest.mark.parametrize("floatx", ["bfloat16", "float64"], indirect=True)
def test_gradients_are_those_of_float32(floatx):
    def gradients():
        codec = ks.layers.EncodeDecodeIntra(7.3)
        codec.build(IMAGES.shape)

        def loss(x):
            decoded, bits = codec(x)
            return ops.sum(decoded * decoded) / 1000.0 + ops.sum(bits), ()

        return differentiate(loss, [IMAGES[:, :16, :264]], [codec.qstep])[1:]

    expected = gradients()
    keras.config.set_floatx(floatx)
    for ours, theirs in zip(*map(keras.tree.flatten, (gradients(), expected)), strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
