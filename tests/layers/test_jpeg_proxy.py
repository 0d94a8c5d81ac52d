import float64_codec
import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, finite_differences, run, to_numpy
from keras import ops
from photographs import noise, photographs

import keras_sandwich as ks

# A step like the published tests': far from ties between float32 and float64.
QSTEP = 19.02
TABLES = {"luma_table": ks.ops.ANNEX_K_LUMA, "chroma_table": ks.ops.ANNEX_K_CHROMA}
OPTIONS = [
    {},
    {"clip_to_image_max": False},
    {"chroma_subsampling": "4:2:0"},
    {"convert_to_yuv": True, **TABLES},
    {"convert_to_yuv": True, "chroma_subsampling": "4:2:2"},
    {"convert_to_yuv": True, "chroma_subsampling": "4:2:0", **TABLES},
    {"image_max": 130.0, "luma_table": ks.ops.ANNEX_K_CHROMA},
]


def brief(options):
    """A test's id: the options without the numbers of the tables."""
    return (
        "-".join(k if isinstance(v, np.ndarray) else str(v) for k, v in options.items()) or "plain"
    )


def assert_nearly_all_close(actual, expected, atol):
    """Equal but for the odd coefficient that float32 rounds the other way."""
    assert actual.shape == expected.shape
    assert np.mean(np.abs(actual - expected) > atol) <= 0.002


@pytest.mark.parametrize("options", OPTIONS, ids=brief)
def test_values_are_those_of_float64(options):
    images = np.concatenate([photographs(1, 17, 35), noise(1, 17, 35, 3)]).astype("float32")
    qstep = 1.03 if "luma_table" in options else QSTEP
    expected = float64_codec.code(images, qstep, **options)
    decoded, indices = run(lambda x: ks.layers.JpegProxy(**options)(x, qstep=qstep), images)
    assert_nearly_all_close(decoded, expected.decoded, 2e-2)
    assert len(indices) == 3
    for component, expected_component in zip(indices, expected.indices, strict=True):
        assert_nearly_all_close(component, expected_component, 1e-3)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_any_number_of_channels_is_coded_alone(channels):
    images = noise(1, 9, 12, channels)
    options = {"chroma_subsampling": "4:2:0", **TABLES}
    expected = float64_codec.code(images, 1.03, **options)
    decoded, indices = run(lambda x: ks.layers.JpegProxy(**options)(x, qstep=1.03), images)
    assert_nearly_all_close(decoded, expected.decoded, 2e-2)
    for component, expected_component in zip(indices, expected.indices, strict=True):
        assert_nearly_all_close(component, expected_component, 1e-3)


def test_each_image_has_its_own_step():
    images = photographs(3, 16, 16).astype("float32")
    steps = np.float32([3.02, 11.02, 40.02])
    proxy = ks.layers.JpegProxy(convert_to_yuv=True)
    decoded, indices = run(lambda x, q: proxy(x, qstep=q), images, steps)
    for i, step in enumerate(steps):
        alone = run(lambda x, q=step: proxy(x, qstep=float(q)), images[i : i + 1])
        np.testing.assert_allclose(decoded[i], alone[0][0], rtol=0, atol=1e-3)
        assert all(np.array_equal(a[i], b[0]) for a, b in zip(indices, alone[1], strict=True))


@pytest.mark.parametrize(
    "options",
    [
        {"convert_to_yuv": True, "chroma_subsampling": "4:2:0", **TABLES},
        {"chroma_subsampling": "4:2:2"},
    ],
    ids=brief,
)
def test_gradients_are_finite_differences_of_the_smooth_chain(options):
    images = np.concatenate([photographs(1, 9, 18), noise(1, 9, 18, 3, low=-20, high=275)])
    images = images.astype("float32")
    cotangent = noise(*images.shape, low=-1, high=1, seed=5)
    steps = np.float32([2.03, 1.07])
    here = float64_codec.code(images, steps, **options)

    def smooth(images, steps):
        free = {**options, "clip_to_image_max": False, "residuals": here.residuals}
        return np.sum(cotangent * here.inside * float64_codec.code(images, steps, **free).decoded)

    def loss(x, q):
        return ops.sum(ops.multiply(cotangent, ks.layers.JpegProxy(**options)(x, qstep=q)[0])), ()

    _, (by_images, by_steps), _ = differentiate(loss, [images, steps])
    assert 0 < np.mean(here.inside == 0) < 0.5  # some pixels are clipped
    places = np.random.default_rng(1).choice(images.size, 40, replace=False)
    expected = finite_differences(lambda x: smooth(x, steps), images, 0.5, places)
    np.testing.assert_allclose(by_images.ravel()[places], expected, rtol=0, atol=5e-3)
    expected = finite_differences(lambda q: smooth(images, q), steps, 1e-4, range(2))
    np.testing.assert_allclose(by_steps, expected, rtol=1e-2, atol=0.05)


def test_noise_takes_the_place_of_rounding_while_training():
    images = noise(2, 64, 64, 1, low=40, high=200)

    def difference(seed, training):
        proxy = ks.layers.JpegProxy(rounding="uniform_noise", seed=seed)
        indices, unrounded = proxy.encode(images, proxy.quantizer.steps(5.0), training)
        return to_numpy(indices[0]) - to_numpy(unrounded[0])

    first = difference(7, True)
    assert np.array_equal(first, difference(7, True))
    assert not np.array_equal(first, difference(8, True))
    assert np.abs(first).max() <= 0.5 + 1e-5
    assert abs(first.mean()) < 0.02
    assert abs(first.var() - 1 / 12) < 0.005
    still = ks.layers.JpegProxy(rounding="uniform_noise", seed=7)(images, qstep=5.0)[1][0]
    assert np.array_equal(to_numpy(still), np.rint(to_numpy(still)))


def test_bytes_are_pictures():
    images = photographs(1, 8, 16)
    proxy = ks.layers.JpegProxy(convert_to_yuv=True)
    decoded, floating = (to_numpy(proxy(x, qstep=4.0)[0]) for x in (images, images.astype("f4")))
    assert np.array_equal(decoded, floating)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_everything_is_float32_under_any_policy(policy):
    images = noise(1, 16, 16, 3)
    expected = to_numpy(ks.layers.JpegProxy(convert_to_yuv=True)(images, qstep=QSTEP))
    keras.config.set_dtype_policy(policy)
    result = to_numpy(ks.layers.JpegProxy(convert_to_yuv=True)(images, qstep=QSTEP))
    for actual, exact in zip(*map(keras.tree.flatten, (result, expected)), strict=True):
        assert actual.dtype == np.float32
        # A product's last bits depend on where its operands lie; bfloat16 would be off by whole levels.
        np.testing.assert_allclose(actual, exact, rtol=0, atol=1e-4)


def test_saved_within_a_functional_model(tmp_path):
    inputs = keras.Input((None, None, 3))
    options = {"convert_to_yuv": True, "chroma_subsampling": "4:2:0", **TABLES}
    decoded, indices = ks.layers.JpegProxy(**options)(inputs, qstep=2.0)
    model = keras.Model(inputs, [decoded, *indices])
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    images = photographs(1, 20, 36).astype("float32")
    expected = float64_codec.code(images, 2.0, **options)
    for result in (model(images), again(images)):
        assert_nearly_all_close(to_numpy(result[0]), expected.decoded, 2e-2)
        for component, shape in zip(result[1:], ((4, 6), (2, 3), (2, 3)), strict=True):
            assert tuple(component.shape) == (1, *shape, 64)


def test_one_program_without_callbacks():
    images = noise(2, 17, 20, 3)
    proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")

    def loss(x, q):
        decoded, indices = proxy(x, qstep=q)
        return ops.sum(ops.square(decoded - x)) / 1000, (decoded, indices)

    arrays = [images, np.float32(QSTEP)]
    together, eager = (differentiate(loss, arrays, compile=how) for how in (True, False))
    for actual, expected in zip(*map(keras.tree.flatten, (together, eager)), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=5e-3)
    program = program_text(lambda x: proxy(x, qstep=QSTEP), images)
    assert "callback" not in program.lower()
    assert "pyfunc" not in program.lower()


def program_text(function, array):
    """What the backend compiles, in its own words; PyTorch has nothing but one whole graph."""
    if BACKEND == "jax":
        import jax

        return jax.jit(function).lower(array).as_text()
    if BACKEND == "tensorflow":
        import tensorflow as tf

        program = tf.function(function, jit_compile=True, autograph=False)
        return program.experimental_get_compiler_ir(tf.constant(array))(stage="hlo")
    return ""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has sizes that are tensors")
def test_unknown_sizes_give_the_same():
    import tensorflow as tf

    proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")
    function = tf.function(
        lambda x: proxy(x, qstep=QSTEP), input_signature=[tf.TensorSpec([None, None, None, 3])]
    )
    for size in ((1, 1), (17, 40)):
        images = noise(2, *size, 3)
        for actual, expected in zip(
            *map(keras.tree.flatten, (function(images), proxy(images, qstep=QSTEP))), strict=True
        ):
            assert_nearly_all_close(to_numpy(actual), to_numpy(expected), 1e-2)


def test_cubic_rounding_has_the_slope_of_its_polynomial():
    """By finite differences of x + … of the smoothed function, for the indices and what becomes of them."""
    images = noise(2, 16, 16, 1, low=60, high=190)
    cotangent = noise(2, 2, 2, 64, low=-1, high=1)

    def loss(x):
        indices = ks.layers.JpegProxy(rounding="cubic")(x, qstep=QSTEP)[1][0]
        return ops.sum(ops.multiply(indices, cotangent)), indices

    indices, (by_images,), _ = differentiate(loss, [images])
    assert np.array_equal(indices, np.rint(indices))

    def smooth(x):
        unrounded = float64_codec.code(x, QSTEP, residuals=[0.0]).indices[0]
        return np.sum((indices + (unrounded - indices) ** 3) * cotangent)

    places = np.random.default_rng(1).choice(images.size, 40, replace=False)
    expected = finite_differences(smooth, images, 1e-3, places)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(by_images.ravel()[places], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("per_image", [False, True])
def test_quality_is_its_tables(per_image):
    images = photographs(2, 20, 36).astype("float32")
    proxy = ks.layers.JpegProxy(convert_to_yuv=True, chroma_subsampling="4:2:0")
    qualities = [30, 85]
    result = to_numpy(proxy(images, quality=qualities)[0]) if per_image else None
    for number, quality in enumerate(qualities):
        luma, chroma = to_numpy(ks.ops.quality_to_tables(quality))
        tabled = ks.layers.JpegProxy(luma, chroma, True, "4:2:0")
        expected = to_numpy(tabled(images[number : number + 1])[0])[0]
        decoded = result if per_image else to_numpy(proxy(images, quality=quality)[0])
        # A product's last bits depend on how many rows it has.
        np.testing.assert_allclose(decoded[number], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("arithmetic", ["float", "libjpeg"])
def test_trained_tables(arithmetic, tmp_path):
    """Their gradient, their whole numbers, and the file they come back from."""
    images = photographs(2, 24, 32).astype("float32")
    options = {"convert_to_yuv": True, "train_tables": True, "arithmetic": arithmetic, **TABLES}
    proxy = ks.layers.JpegProxy(**options)
    proxy.build(images.shape)
    (weight,) = proxy.trainable_weights
    annex_k = np.stack([ks.ops.ANNEX_K_LUMA, ks.ops.ANNEX_K_CHROMA])
    assert np.array_equal(proxy.tables(), annex_k)
    assert np.array_equal(proxy.tables(qstep=0.61), np.rint(0.61 * annex_k))
    assert np.array_equal(proxy.tables(qstep=4.0), np.minimum(4 * annex_k, 255))

    cotangent = noise(*images.shape, low=-1, high=1)

    def loss(x):
        decoded, indices = proxy(x)
        return ops.sum(ops.multiply(decoded, cotangent)), indices

    _, _, (by_weight,) = differentiate(loss, [images], [weight])
    if arithmetic == "float":
        here = float64_codec.code(images, 1.0, convert_to_yuv=True, **TABLES)

        def smooth(logarithms):
            luma, chroma = np.exp(logarithms)
            free = {"clip_to_image_max": False, "residuals": here.residuals}
            coded = float64_codec.code(images, 1.0, luma, chroma, True, **free)
            return np.sum(cotangent * here.inside * coded.decoded)

        places = np.random.default_rng(1).choice(128, 24, replace=False)
        expected = finite_differences(smooth, np.log(annex_k), 1e-4, places)
        np.testing.assert_allclose(by_weight.ravel()[places], expected, rtol=1e-2, atol=0.5)
    weight.assign(weight + 0.4)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, proxy(inputs)[0])
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert np.array_equal(to_numpy(again(images)), to_numpy(model(images)))
    assert np.array_equal(again.layers[-1].tables(), proxy.tables())
    assert proxy.tables()[0, 0, 0] == 24  # 16·e^0.4 = 23.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chroma_subsampling": "4:1:1"}, "`chroma_subsampling` must be one of '4:4:4'"),
        ({"rounding": "stochastic"}, "`rounding` must be one of 'straight_through'"),
        ({"arithmetic": "int"}, "`arithmetic` must be one of 'float', 'libjpeg'"),
        ({"image_max": 0}, "`image_max` must be positive. Received image_max=0"),
        ({"luma_table": np.ones((4, 4))}, "`luma_table` must be an 8×8 table"),
        ({"chroma_table": np.zeros((8, 8))}, "`chroma_table` must be an 8×8 table"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.JpegProxy(**options)


@pytest.mark.parametrize("qstep", [0, -1.0, np.float32(-2), [4.0, 0.0], float("nan"), np.inf])
def test_bad_steps(qstep):
    with pytest.raises(ValueError, match="`qstep` must be positive and finite"):
        ks.layers.JpegProxy()(np.zeros((2, 8, 8, 1)), qstep=qstep)


@pytest.mark.parametrize("quality", [0, 101, 50.5, [50, 0], np.float32(-3)])
def test_bad_quality(quality):
    with pytest.raises(ValueError, match="`quality` must be made of whole numbers from 1 to 100"):
        ks.layers.JpegProxy()(np.zeros((2, 8, 8, 1)), quality=quality)


def test_values_of_tensors_are_brought_into_range():
    """They cannot be refused, as a graph has no values yet."""
    images = photographs(2, 16, 16).astype("float32")
    proxy = ks.layers.JpegProxy(convert_to_yuv=True)
    ours = to_numpy(proxy(images, quality=ops.convert_to_tensor([-5.0, 300.0]))[0])
    for number, quality in enumerate((1, 100)):
        expected = to_numpy(proxy(images, quality=quality)[0])[number]
        np.testing.assert_allclose(ours[number], expected, rtol=0, atol=1e-3)
    for arithmetic, least in (("float", 1e-3), ("libjpeg", 1.0)):
        proxy = ks.layers.JpegProxy(arithmetic=arithmetic)
        ours = to_numpy(proxy(images, qstep=ops.convert_to_tensor([0.0, -3.0]))[0])
        np.testing.assert_allclose(ours, to_numpy(proxy(images, qstep=least)[0]), atol=1e-2)
        assert np.abs(ours - images).max() < 2.0


def test_quality_beside_something_else():
    for options, call in (({}, {"qstep": 3.0}), (TABLES, {}), ({"train_tables": True}, {})):
        with pytest.raises(ValueError, match=r"Give either a quality or a qstep"):
            ks.layers.JpegProxy(**options)(np.zeros((2, 8, 8, 1)), quality=50, **call)
    with pytest.raises(ValueError, match=r"`quality` was given, but this layer trains its own"):
        ks.layers.EncodeDecodeIntra()(np.zeros((2, 8, 8, 1)), quality=50)


def test_steps_for_another_number_of_images():
    for call in ({"qstep": np.ones(3)}, {"quality": [50, 60, 70]}):
        with pytest.raises(ValueError, match="Received 3 of them for 2 images"):
            ks.layers.JpegProxy()(np.zeros((2, 8, 8, 1)), **call)


def test_bad_images():
    with pytest.raises(ValueError, match=r"Received shape \(8, 8, 3\)"):
        ks.layers.JpegProxy()(np.zeros((8, 8, 3)))
    with pytest.raises(ValueError, match=r"exactly 3 channels\. Received 4 channels"):
        ks.layers.JpegProxy(convert_to_yuv=True)(np.zeros((1, 8, 8, 4)))
    with pytest.raises(ValueError, match=r"scalar or have one value per image.*\(2, 1\)"):
        ks.layers.JpegProxy()(np.zeros((2, 8, 8, 1)), qstep=np.ones((2, 1)))
