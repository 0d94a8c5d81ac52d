"""The proxy that is libjpeg: every pixel and every bit of the files that Pillow writes and reads."""

import io

import numpy as np
import pytest
from autodiff import BACKEND, differentiate, run, to_numpy
from jpeg_scan_reader import read_scan
from keras import ops
from photographs import noise, photographs
from PIL import Image

import keras_sandwich as ks
import keras_sandwich.ops.jpeg_libjpeg

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
GRAYSCALE = "grayscale"
KINDS = (GRAYSCALE, *SUBSAMPLINGS)
# Remainders by 8 and by 16, and the smallest pictures there are.
SIZES = ((33, 18), (1, 1), (9, 17), (1, 2), (2, 5), (3, 40), (7, 6), (8, 8), (16, 3), (31, 24))
if BACKEND == "jax":  # compiles each operation for each shape
    SIZES = SIZES[:3]
BATCH = 100  # whatever is tested, so that JAX can use again what it compiled
STEPS = (*range(1, 21), 31, 64, 99, 180, 255)


def pictures(height, width, channels):
    """A quarter of each kind: photographs, noise, saturated noise and flat colours."""
    shape = (BATCH // 4, height, width, channels)
    tops = range(0, 8 * len(STEPS), 8)
    crops = [photographs(1, height, width, top)[..., :channels] for top in tops]
    saturated = 255 * (noise(*shape, seed=1) > 128)
    flat = np.broadcast_to(noise(BATCH // 4, 1, 1, channels), shape)
    return np.concatenate([*crops, noise(*shape), saturated, flat]).astype("uint8")


def proxy_of(kind, **options):
    colour = {} if kind == GRAYSCALE else {"convert_to_yuv": True, "chroma_subsampling": kind}
    return ks.layers.JpegProxy(**colour, arithmetic="libjpeg", **options)


def file_of(picture, kind, **options):
    """Pillow's file, written without this package."""
    if kind == GRAYSCALE:
        picture = picture[..., 0]
    else:
        options["subsampling"] = kind
    if "qstep" in options:
        options["qtables"] = [[options.pop("qstep")] * 64]
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def pixels_of(file):
    pixels = np.array(Image.open(io.BytesIO(file)))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def batch(kind, size):
    return pictures(*size, 1 if kind == GRAYSCALE else 3)


def assert_decoded_as_pillow_does(images, kind, settings, **call):
    """One image and one dict of Pillow's options for each."""
    decoded = to_numpy(proxy_of(kind)(images.astype("float32"), **call)[0])
    for image, ours, options in zip(images, decoded, settings, strict=True):
        assert np.array_equal(ours, pixels_of(file_of(image, kind, **options))), options


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_flat_tables(kind, size):
    steps = STEPS * 4
    settings = [{"qstep": step} for step in steps]
    assert_decoded_as_pillow_does(batch(kind, size), kind, settings, qstep=np.float32(steps))


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_every_quality(kind):
    images = batch(kind, SIZES[0])
    np.random.default_rng(0).shuffle(images)
    settings = [{"quality": quality} for quality in range(1, 101)]
    assert_decoded_as_pillow_does(images, kind, settings, quality=list(range(1, 101)))


def test_pixels_of_one_quality_for_all():
    settings = [{"quality": 42}] * BATCH
    assert_decoded_as_pillow_does(batch("4:2:0", SIZES[0]), "4:2:0", settings, quality=42)


def test_accelerators_multiply_no_matrices(monkeypatch):
    """Products are not exact there: the transforms are sums of integers."""
    module = keras_sandwich.ops.jpeg_libjpeg
    monkeypatch.setattr(module, "products_are_float32", lambda x: False)
    monkeypatch.setattr(module, "product", None)
    settings = [{"qstep": step} for step in STEPS * 4]
    images = batch("4:2:0", SIZES[0])
    assert_decoded_as_pillow_does(images, "4:2:0", settings, qstep=np.float32(STEPS * 4))


def test_indices_are_those_in_the_file():
    for kind in KINDS:
        images = batch(kind, SIZES[0])
        _, indices = proxy_of(kind)(images.astype("float32"), quality=60)
        for number, image in enumerate(images[::7]):
            written = read_scan(file_of(image, kind, quality=60)).indices
            for ours, theirs in zip(indices, written, strict=True):
                assert np.array_equal(to_numpy(ours)[7 * number], theirs)


@pytest.mark.parametrize("huffman", ["standard", "optimized"])
@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_the_file(kind, huffman):
    chroma = "4:4:4" if kind == GRAYSCALE else kind
    for size in SIZES[:2]:
        images = batch(kind, size)
        _, indices = proxy_of(kind)(images.astype("float32"), quality=70)
        bits = to_numpy(ks.ops.jpeg_scan_bits(indices, size, chroma, huffman))
        whole = to_numpy(ks.ops.jpeg_file_bits(indices, size, chroma, huffman))
        for image, scan_bits, file_bits in zip(images, bits, whole, strict=True):
            file = file_of(image, kind, quality=70, optimize=huffman == "optimized")
            scan = read_scan(file)
            assert scan_bits == scan.bits
            assert file_bits == 8 * (len(file) - scan.stuffed_bytes)


def test_rate_of_the_layer_is_that_of_the_file():
    images = batch("4:2:0", SIZES[0])
    layer = ks.layers.EncodeDecodeIntra(
        train_qstep=False,
        rate_model=ks.layers.JpegRate("standard", interleaved=True, chroma_subsampling="4:2:0"),
        convert_to_yuv=True,
        chroma_subsampling="4:2:0",
        arithmetic="libjpeg",
    )
    qualities = [30, 60, 90, 100] * (BATCH // 4)
    decoded, bits = (to_numpy(x) for x in layer(images, quality=qualities))
    for image, ours, count, quality in zip(images, decoded, bits, qualities, strict=True):
        file = file_of(image, "4:2:0", quality=quality)
        assert np.array_equal(ours, pixels_of(file))
        # The rate is a·n with a = R·n/(n² + 1): R up to a part that matters to nearly empty pictures.
        assert count == pytest.approx(read_scan(file).bits, rel=1e-2 if count > 300 else 1)


def test_bits_stay_those_of_the_file_where_noise_stands_for_rounding():
    images = batch("4:4:4", SIZES[0])
    layer = ks.layers.EncodeDecodeIntra(
        7.0,
        rate_model=ks.layers.JpegRate("standard", interleaved=True),
        convert_to_yuv=True,
        rounding="uniform_noise",
        seed=0,
        arithmetic="libjpeg",
    )
    noisy, bits = (to_numpy(x) for x in layer(images, training=True))
    still = to_numpy(layer(images, training=False)[0])
    for image, ours, decoded, count in zip(images[:20], still, noisy, bits, strict=False):
        file = file_of(image, "4:4:4", qstep=8)
        assert np.array_equal(ours, pixels_of(file))
        assert 0.5 < np.abs(decoded - pixels_of(file)).mean() < 8
        assert count == pytest.approx(read_scan(file).bits, rel=1e-3)


@pytest.mark.parametrize("kind", [GRAYSCALE, "4:2:0"])
def test_pixels_and_bits_compiled(kind):
    images = np.concatenate([photographs(2, 131, 98), photographs(2, 131, 98, 90, 100)])
    images = images[..., :1] if kind == GRAYSCALE else images
    chroma = "4:4:4" if kind == GRAYSCALE else kind
    proxy = proxy_of(kind)

    def loss(x, q):
        decoded, indices = proxy(x, qstep=q)
        bits = ks.ops.jpeg_scan_bits(indices, (131, 98), chroma)
        return ops.sum(ops.square(decoded)), (decoded, bits)

    arrays = [images.astype("float32"), np.float32([2, 5, 11, 40])]
    if BACKEND == "torch" and kind != GRAYSCALE:
        # PyTorch traces for minutes, and as long again for the gradient: of the larger graph the values alone.
        decoded, bits = run(lambda *given: loss(*given)[1], *arrays, compile=True)
    else:
        (decoded, bits), _, _ = differentiate(loss, arrays, compile=True)
    for image, ours, count, qstep in zip(images, decoded, bits, (2, 5, 11, 40), strict=True):
        file = file_of(image, kind, qstep=qstep)
        assert np.array_equal(ours, pixels_of(file))
        assert count == read_scan(file).bits


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are tensors")
def test_sizes_known_only_when_the_graph_runs():
    import tensorflow as tf

    for kind in KINDS:
        proxy = proxy_of(kind)
        channels = 1 if kind == GRAYSCALE else 3
        function = tf.function(
            lambda x, proxy=proxy: proxy(x, qstep=5)[0],
            input_signature=[tf.TensorSpec([None, None, None, channels])],
        )
        for size in SIZES:
            images = batch(kind, size)[::9]
            for image, ours in zip(images, to_numpy(function(images)), strict=True):
                assert np.array_equal(ours, pixels_of(file_of(image, kind, qstep=5)))


def test_without_conversion_each_channel_is_coded_as_libjpeg_codes_ycc():
    """Pillow's mode YCbCr passes libjpeg's conversion by, both ways."""
    images = batch("4:2:0", SIZES[0])
    proxy = ks.layers.JpegProxy(chroma_subsampling="4:2:0", arithmetic="libjpeg")
    decoded = to_numpy(proxy(images.astype("float32"), qstep=6)[0])
    for image, ours in zip(images, decoded, strict=True):
        buffer = io.BytesIO()
        picture = Image.frombytes("YCbCr", image.shape[1::-1], image.tobytes())
        picture.save(buffer, "JPEG", qtables=[[6] * 64], subsampling="4:2:0")
        read = Image.open(buffer)
        read.draft("YCbCr", read.size)
        assert np.array_equal(ours, np.array(read))


def test_pictures_are_rounded_and_clipped_first():
    images = np.float32([-40.0, 0.4, 100.5, 254.6, 300.0]).reshape(1, 1, 5, 1)
    decoded = proxy_of(GRAYSCALE)(images, qstep=1)[0]
    file = file_of(np.uint8([0, 0, 100, 255, 255]).reshape(1, 5, 1), GRAYSCALE, qstep=1)
    assert np.array_equal(to_numpy(decoded)[0], pixels_of(file))


def test_gradient_is_that_of_the_float_form_at_the_same_indices():
    """By the images and by the step; odd sizes, so that both grids are cut."""
    images = photographs(2, 19, 22).astype("float32")
    cotangent = noise(2, 19, 22, 3)
    options = {"convert_to_yuv": True, "chroma_subsampling": "4:2:0"}

    def gradients(arithmetic):
        proxy = ks.layers.JpegProxy(**options, arithmetic=arithmetic)

        def loss(x, q):
            decoded, indices = proxy(x, qstep=q)
            return ops.sum(ops.multiply(decoded, cotangent)), indices

        return differentiate(loss, [images, np.float32([1, 1])])

    _, exact, _ = gradients("libjpeg")
    _, floating, _ = gradients("float")
    # At step 1 the two arithmetics have nearly the same indices; libjpeg's chroma is a little other.
    np.testing.assert_allclose(exact[0], floating[0], atol=1.0)
    assert np.mean(np.abs(exact[0] - floating[0]) > 1e-2 * np.abs(floating[0]).max()) < 0.02


def test_a_trained_step_is_rounded_straight_through():
    images = photographs(1, 24, 16).astype("float32")
    layer = ks.layers.EncodeDecodeIntra(6.3, arithmetic="libjpeg", convert_to_yuv=True)
    layer.build(images.shape)

    def loss(x):
        decoded, bits = layer(x)
        return ops.mean(bits), decoded

    decoded, _, (by_step,) = differentiate(loss, [images], [layer.qstep])
    assert np.array_equal(
        decoded[0], pixels_of(file_of(images[0].astype("uint8"), "4:4:4", qstep=7))
    )
    assert by_step < 0  # a larger step costs fewer bits


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_max": 1023.0}, r"image_max=255 .* Received image_max=1023"),
        ({"clip_to_image_max": False}, "clip_to_image_max=True"),
        ({"luma_table": np.full((8, 8), 256.0)}, "`luma_table` must be made of whole numbers"),
        ({"chroma_table": np.full((8, 8), 1.5)}, "`chroma_table` must be made of whole numbers"),
    ],
)
def test_options_that_libjpeg_does_not_have(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.JpegProxy(arithmetic="libjpeg", **options)


@pytest.mark.parametrize("qstep", [0.5, 2.5, 256, [3, 300], np.float32(7.1)])
def test_steps_that_libjpeg_does_not_have(qstep):
    with pytest.raises(ValueError, match="`qstep` must be made of whole numbers from 1 to 255"):
        proxy_of(GRAYSCALE)(np.zeros((2, 8, 8, 1)), qstep=qstep)
    layer = ks.layers.EncodeDecodeIntra(train_qstep=False, min_qstep=0.0, arithmetic="libjpeg")
    with pytest.raises(ValueError, match=r"`qstep \+ min_qstep` must be made of whole numbers"):
        layer(np.zeros((2, 8, 8, 1)), qstep=qstep)


def test_a_step_that_brings_a_table_out_of_range():
    proxy = proxy_of(GRAYSCALE, luma_table=ks.ops.ANNEX_K_LUMA)
    with pytest.raises(ValueError, match="qstep=3 with tables that it brings to 363"):
        proxy(np.zeros((1, 8, 8, 1)), qstep=3)
