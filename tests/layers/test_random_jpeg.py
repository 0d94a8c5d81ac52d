"""RandomJpeg: against Pillow's files of each quality that it may draw."""

import contextlib
import copy
import io

import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, to_numpy
from keras import ops
from photographs import photographs
from PIL import Image

import keras_sandwich as ks

SIDE = 20  # not a multiple of 8 or 16
BATCH = 40
# Red, green and blue of three photographs: at the coarsest quality there are luma and chroma left.
PICTURE = np.stack(
    [photographs(3, SIDE, SIDE, 100, 60)[number, ..., number] for number in range(3)], -1
)
COLOUR = np.repeat(PICTURE[None], BATCH, axis=0).astype("float32")
GRAY = COLOUR[..., 1:2]
LOW, HIGH = 5, 8  # so coarse that each gives other pixels


def pillow(image, quality, subsampling="4:2:0"):
    """Decoded from Pillow's file, written without this package."""
    options = {"subsampling": subsampling} if image.shape[-1] == 3 else {}
    picture = image.astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(picture if image.shape[-1] == 3 else picture[..., 0]).save(
        buffer, "JPEG", quality=quality, **options
    )
    return np.array(Image.open(buffer)).reshape(image.shape)


def stateless():
    """Where JAX lets a plain function draw: the state of the seed is not kept."""
    return keras.StatelessScope() if BACKEND == "jax" else contextlib.nullcontext()


def coded(layer, images=COLOUR):
    return to_numpy(layer(images, training=True))


def drawn(decoded, images=COLOUR, subsampling="4:2:0"):
    """The quality of each image: the only one at which Pillow's file has its pixels."""
    qualities = range(LOW - 2, HIGH + 3)
    files = [pillow(images[0], quality, subsampling) for quality in qualities]
    found = []
    for ours in decoded:
        (quality,) = [
            q for q, file in zip(qualities, files, strict=True) if np.array_equal(ours, file)
        ]
        found.append(quality)
    return found


KINDS = {
    "grayscale": (GRAY, {}),
    "4:2:0": (COLOUR, {}),
    "4:4:4": (COLOUR, {"chroma_subsampling": "4:4:4"}),
}
if BACKEND == "jax":  # compiles each operation for each shape; 4:4:4 has shapes of its own
    del KINDS["4:4:4"]


@pytest.mark.parametrize(("images", "options"), KINDS.values(), ids=KINDS.keys())
def test_pixels_are_those_of_files_and_every_quality_occurs(images, options):
    layer = ks.layers.RandomJpeg((LOW, HIGH), **options, seed=1)
    qualities = drawn(coded(layer, images), images, *options.values())
    counts = [qualities.count(quality) for quality in range(LOW, HIGH + 1)]
    assert sum(counts) == BATCH
    assert min(counts) >= 3  # of 10 expected


@pytest.mark.parametrize("quality", [HIGH, (HIGH, HIGH), [HIGH, np.int64(HIGH)]])
def test_one_quality(quality):
    assert set(drawn(coded(ks.layers.RandomJpeg(quality)))) == {HIGH}


def test_defaults():
    config = ks.layers.RandomJpeg().get_config()
    assert (config["quality"], config["value_range"]) == ((30, 95), (0, 255))
    assert (config["chroma_subsampling"], config["arithmetic"]) == ("4:2:0", "libjpeg")


def test_seed():
    layer = ks.layers.RandomJpeg((LOW, HIGH), seed=3)
    first, second = drawn(coded(layer)), drawn(coded(layer))
    assert first != second  # drawn anew
    again = ks.layers.RandomJpeg.from_config(layer.get_config())
    assert [drawn(coded(again)), drawn(coded(again))] == [first, second]
    assert drawn(coded(ks.layers.RandomJpeg((LOW, HIGH), seed=4))) != first


def test_a_resumed_training_goes_on_with_its_draws(tmp_path):
    def model(seed):
        inputs = keras.Input((SIDE, SIDE, 3))
        layer = ks.layers.RandomJpeg((LOW, HIGH), seed=seed)
        return keras.Model(inputs, layer(inputs))

    ours, theirs = model(3), model(99)  # PyTorch adds seed and count: 4 would be 3's next
    coded(ours)
    ours.save_weights(tmp_path / "draws.weights.h5")
    theirs.load_weights(tmp_path / "draws.weights.h5")
    assert drawn(coded(theirs)) == drawn(coded(ours))


def saved_as_keras_file(layer, folder):
    keras.Sequential([keras.Input((SIDE, SIDE, 1)), layer]).save(folder / "augment.keras")
    return keras.saving.load_model(folder / "augment.keras")


def from_its_configuration(layer, _):
    return type(layer).from_config(layer.get_config())


COPIES = {
    "deepcopy": (lambda layer, _: copy.deepcopy(layer), True),
    ".keras": (saved_as_keras_file, True),
    "get_config": (from_its_configuration, False),  # as Keras' own layers: the seed alone
}


@pytest.mark.parametrize(("copied", "goes_on"), COPIES.values(), ids=COPIES.keys())
def test_a_copy_draws_by_itself_what_the_layer_draws(copied, goes_on, tmp_path):
    layer = ks.layers.RandomJpeg((LOW, HIGH), seed=3)
    first = coded(layer, GRAY)
    again = copied(layer, tmp_path)
    following = [coded(layer, GRAY) for _ in range(2)]
    expected = following if goes_on else [first, *following[:1]]
    assert not np.array_equal(*expected)
    assert np.array_equal([coded(again, GRAY) for _ in range(2)], expected)


@pytest.mark.parametrize("training", [{}, {"training": False}, {"training": None}])
def test_inference_changes_nothing(training):
    images = COLOUR[:2] / 3 - 40  # also what no file can hold
    layer = ks.layers.RandomJpeg((1, 5))
    assert np.array_equal(to_numpy(layer(images, **training)), images)
    integers = to_numpy(layer(COLOUR[:2].astype("uint8")))
    assert integers.dtype == np.float32
    assert np.array_equal(integers, COLOUR[:2])


@pytest.mark.parametrize("value_range", [(0, 1), (-1, 1), [0.0, 51.0]])
def test_value_range(value_range):
    low, high = value_range
    images = low + COLOUR / 255 * (high - low)
    layer = ks.layers.RandomJpeg((LOW, HIGH), value_range=value_range, seed=1)
    expected = coded(ks.layers.RandomJpeg((LOW, HIGH), seed=1))
    expected = low + expected / 255 * (high - low)
    np.testing.assert_allclose(coded(layer, images), expected, atol=1e-5 * (high - low))


@pytest.mark.parametrize(("arithmetic", "value_range"), [("libjpeg", (0, 255)), ("float", (-1, 1))])
def test_values_and_gradient_are_the_proxy_s(arithmetic, value_range):
    """Rescaled on the way in and back on the way out, so that the gradient is the same in any unit."""
    low, high = value_range
    images = low + GRAY / 255 * (high - low)
    weights = np.random.default_rng(0).normal(size=GRAY.shape).astype("float32")
    layer = ks.layers.RandomJpeg(LOW, arithmetic=arithmetic, value_range=value_range)
    proxy = ks.layers.JpegProxy(arithmetic=arithmetic)
    for each in (layer, proxy):
        each.build(GRAY.shape)

    def gradient(function, images):
        def loss(images):
            decoded = function(images)
            return ops.sum(ops.multiply(decoded, weights)), decoded

        decoded, (by_images,), _ = differentiate(loss, [images])
        return decoded, by_images

    expected, by_expected = gradient(lambda x: proxy(x, quality=LOW)[0], GRAY)
    with stateless():
        decoded, by_images = gradient(lambda x: layer(x, training=True), images)
    expected = low + expected / 255 * (high - low)
    np.testing.assert_allclose(decoded, expected, rtol=0, atol=1e-5 * (high - low))
    np.testing.assert_allclose(by_images, by_expected, rtol=0, atol=1e-4)
    assert np.abs(by_images).mean() > 0.1


def test_fit_draws_in_each_compiled_step_and_trains_what_stands_before():
    before = keras.layers.EinsumDense(
        "bhwc,cd->bhwd", (None, None, 3), kernel_initializer="identity"
    )
    layer = ks.layers.RandomJpeg((LOW, HIGH), seed=2)
    model = keras.Sequential([keras.Input((None, None, 3)), before, layer])
    # Steps so small that 8 bits are the same after them.
    model.compile(keras.optimizers.SGD(1e-7), "mse", jit_compile=BACKEND != "torch")
    losses = model.fit(COLOUR, COLOUR, batch_size=BATCH, epochs=3, verbose=0).history["loss"]
    errors = [np.mean((pillow(COLOUR[0], q) - COLOUR[0]) ** 2) for q in range(LOW, HIGH + 1)]
    assert min(errors) < min(losses) < max(losses) < max(errors)
    assert len(set(losses)) == 3
    assert np.abs(to_numpy(before.kernel) - np.eye(3)).max() > 1e-6
    assert model.evaluate(COLOUR, COLOUR, batch_size=BATCH, verbose=0) < 0.1


@pytest.mark.parametrize("training", [True, False])
def test_in_a_pipeline_of_tensorflow(training):
    """On every backend: Pillow's pixels, qualities drawn anew for each batch, shapes known."""
    tf = pytest.importorskip("tensorflow")
    layer = ks.layers.RandomJpeg((LOW, HIGH), seed=1)
    data = tf.data.Dataset.from_tensor_slices(COLOUR).repeat(2).batch(BATCH, drop_remainder=True)
    data = data.map(lambda images: layer(images, training=training))
    assert data.element_spec.shape == (BATCH, SIDE, SIDE, 3)
    batches = [batch.numpy() for batch in data]
    if not training:
        assert np.array_equal(batches, [COLOUR, COLOUR])
        return
    first, second = (drawn(batch) for batch in batches)
    assert first != second
    assert {*first, *second} == set(range(LOW, HIGH + 1))


@pytest.mark.parametrize("training", [True, False])
def test_dtype_is_the_compute_dtype(training):
    layer = ks.layers.RandomJpeg(95, arithmetic="float", value_range=(0, 1), dtype="mixed_bfloat16")
    decoded = layer(COLOUR / 255, training=training)
    assert keras.backend.standardize_dtype(decoded.dtype) == "bfloat16"
    symbolic = layer(keras.Input((None, None, 3)), training=training)
    assert symbolic.dtype == "bfloat16"
    assert symbolic.shape == (None, None, None, 3)
    # Rounded once, at the end: the codec itself had all the bits.
    proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")
    expected = (proxy(COLOUR, quality=95)[0] if training else COLOUR) / 255
    expected = to_numpy(ops.cast(ops.cast(expected, "bfloat16"), "float32"))
    ours = to_numpy(ops.cast(decoded, "float32"))
    assert np.mean(ours != expected) < 0.01  # where float32 itself was between two


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quality": 0}, r"`quality` .* whole number from 1 to 100 .* quality=0"),
        ({"quality": 101}, "quality=101"),
        ({"quality": 50.5}, "quality=50.5"),
        ({"quality": True}, "quality=True"),
        ({"quality": (60, 40)}, r"low ≤ high. Received quality=\(60, 40\)"),
        ({"quality": (0, 40)}, "`quality`"),
        ({"quality": (30, 101)}, "`quality`"),
        ({"quality": (30, 60.5)}, "`quality`"),
        ({"quality": (30, 60, 90)}, "`quality`"),
        ({"quality": None}, "quality=None"),
        ({"value_range": (1, 1)}, r"`value_range` .* low < high. Received value_range=\(1, 1\)"),
        ({"value_range": (0, float("inf"))}, "`value_range`"),
        ({"value_range": (0, float("nan"))}, "`value_range`"),
        ({"value_range": (0,)}, "`value_range`"),
        ({"value_range": 255}, "`value_range`"),
        ({"chroma_subsampling": "4:1:1"}, "`chroma_subsampling` must be one of"),
        ({"arithmetic": "fixed"}, "`arithmetic` must be one of 'float', 'libjpeg'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.RandomJpeg(**options)


@pytest.mark.parametrize("shape", [(2, 8, 8, 2), (2, 8, 8, 4), (8, 8, 3), (2, 8, 8, None)])
def test_images_that_cannot_be(shape):
    with pytest.raises(ValueError, match=r"1 channel \(grayscale\) or 3 \(RGB\).*Received shape"):
        ks.layers.RandomJpeg().build(shape)
