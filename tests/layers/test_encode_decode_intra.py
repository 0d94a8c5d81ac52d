import float64_codec
import keras
import numpy as np
import pytest
from autodiff import differentiate, run, to_numpy
from keras import ops
from photographs import noise, photographs

import keras_sandwich as ks


def elu(q):
    return q if q > 0 else 0.01 * np.expm1(q)


class WeightedRate(keras.layers.Layer):
    """A user's rate model with a weight, and no `build` of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.price = self.add_weight(shape=(), initializer="ones", name="price")

    def call(self, indices, unrounded, qstep):
        return self.price * sum(ops.sum(ops.abs(c), axis=(1, 2, 3)) for c in unrounded) * qstep


@pytest.mark.parametrize("q", [7.07, 0.3, -2.0])
def test_the_step_and_what_is_decoded(q):
    images = noise(2, 9, 20, 1)
    codec = ks.layers.EncodeDecodeIntra(min_qstep=1.0)
    codec.build(images.shape)
    codec.qstep.assign(q)
    step = elu(q) + 1.0
    np.testing.assert_allclose(to_numpy(codec.effective_qstep()), step, rtol=1e-6)
    expected = float64_codec.code(np.rint(images), step)  # pictures are rounded first
    decoded, rate = run(codec, images)
    assert np.mean(np.abs(decoded - expected.decoded) > 2e-2) <= 0.002
    indices = [component.astype("float32") for component in expected.indices]
    counted = ks.ops.jpeg_scan_bits(indices, (9, 20), huffman="entropy")
    np.testing.assert_allclose(rate, to_numpy(counted), rtol=1e-2)


def test_the_step_s_gradient_is_elu_s():
    images = noise(1, 8, 8, 1)
    slopes = {}
    for q in (3.0, -0.5):
        codec = ks.layers.EncodeDecodeIntra(rate_model=WeightedRate(), min_qstep=2.0)
        codec.build(images.shape)
        codec.qstep.assign(q)

        def loss(x, codec=codec):
            return ops.sum(codec.effective_qstep()) + 0 * ops.sum(x), ()

        slopes[q] = differentiate(loss, [images], [codec.qstep])[2][0]
    np.testing.assert_allclose(slopes[3.0], 1.0)
    np.testing.assert_allclose(slopes[-0.5], 0.01 * np.exp(-0.5), rtol=1e-5)


def test_the_effective_step_can_be_set():
    codec = ks.layers.EncodeDecodeIntra(min_qstep=2.0)
    codec.build((None, None, None, 1))
    for qstep in (2.0, 24.5):
        codec.set_effective_qstep(qstep)
        assert float(to_numpy(codec.effective_qstep())) == pytest.approx(qstep)
    for qstep in (1.9, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"at least `min_qstep` \(2 here\)"):
            codec.set_effective_qstep(qstep)
    with pytest.raises(ValueError, match=r"Call `layer\.build"):
        ks.layers.EncodeDecodeIntra().set_effective_qstep(9.0)
    exact = ks.layers.EncodeDecodeIntra(arithmetic="libjpeg")
    exact.build((None, None, None, 1))
    exact.set_effective_qstep(255.0)
    with pytest.raises(ValueError, match="at most 255"):
        exact.set_effective_qstep(256.0)
    free = ks.layers.EncodeDecodeIntra(min_qstep=0.0)
    free.build((None, None, None, 1))
    with pytest.raises(ValueError, match=r"\(0.01 here\)"):
        free.set_effective_qstep(0.0)


def test_a_trained_step_stays_positive_and_can_come_back():
    codec = ks.layers.EncodeDecodeIntra(min_qstep=0.0)
    codec.build((None, None, None, 1))
    codec.qstep.assign(-3.0)

    def loss(x):
        return codec.effective_qstep() + 0 * ops.sum(x), codec.effective_qstep()

    step, _, (slope,) = differentiate(loss, [np.zeros(1, "float32")], [codec.qstep])
    assert step == pytest.approx(0.01)
    assert slope == pytest.approx(0.01 * np.exp(-3.0), rel=1e-4)


def test_given_steps_go_through_the_same_formula():
    images = photographs(2, 16, 24).astype("float32")
    codec = ks.layers.EncodeDecodeIntra(
        train_qstep=False, qstep_init=9.0, min_qstep=0.5, convert_to_yuv=True
    )
    assert not codec.trainable_variables
    q = np.float32([4.3, 17.1])
    decoded, rate = to_numpy(codec(images, qstep=q))
    assert codec.trainable_variables == []
    for i in range(2):
        expected = float64_codec.code(images[i : i + 1], q[i] + 0.5, convert_to_yuv=True)
        assert np.mean(np.abs(decoded[i] - expected.decoded[0]) > 2e-2) <= 0.002
        alone, bits = to_numpy(codec(images[i : i + 1], qstep=float(q[i])))
        np.testing.assert_allclose(alone[0], decoded[i], rtol=0, atol=1e-3)
        np.testing.assert_allclose(bits[0], rate[i], rtol=1e-5)
    default = to_numpy(codec(images)[0])
    np.testing.assert_allclose(default, to_numpy(codec(images, qstep=9.0)[0]), rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "interleaved"),
    [({"convert_to_yuv": True, "chroma_subsampling": "4:2:0"}, True), ({}, False)],
)
def test_the_named_rate_models_count_what_the_codec_would_write(options, interleaved):
    images = np.rint(photographs(1, 17, 40).astype("float32"))
    codec = ks.layers.EncodeDecodeIntra(qstep_init=11.02, **options)
    _, rate = run(codec, images)
    indices = [c.astype("float32") for c in float64_codec.code(images, 12.02, **options).indices]
    scans = [indices] if interleaved else [[component] for component in indices]
    subsampling = options.get("chroma_subsampling", "4:4:4") if interleaved else "4:4:4"
    expected = sum(
        to_numpy(ks.ops.jpeg_scan_bits(scan, (17, 40), subsampling, "entropy")) for scan in scans
    )
    np.testing.assert_allclose(rate, expected, rtol=5e-3)
    gaussian = ks.layers.EncodeDecodeIntra(qstep_init=11.02, rate_model="gaussian", **options)
    direct = ks.layers.GaussianRate()(indices, indices, qstep=12.02)
    np.testing.assert_allclose(run(gaussian, images)[1], to_numpy(direct), rtol=5e-3)


def test_a_rate_model_of_the_user_s(tmp_path):
    images = noise(2, 12, 12, 2)
    inputs = keras.Input((None, None, 2))
    codec = ks.layers.EncodeDecodeIntra(qstep_init=5.0, rate_model=WeightedRate(name="mine"))
    model = keras.Model(inputs, codec(inputs))
    assert [v.name for v in model.trainable_variables] == ["qstep", "price"]
    codec.rate_model.price.assign(2.5)
    coefficients = float64_codec.code(np.rint(images), 6.0)
    expected = 2.5 * sum(
        np.sum(np.abs(c - r.reshape(c.shape)), axis=(1, 2, 3)) * 6.0
        for c, r in zip(coefficients.indices, coefficients.residuals, strict=True)
    )
    np.testing.assert_allclose(to_numpy(model(images)[1]), expected, rtol=1e-4)
    model.save(tmp_path / "m.keras")
    custom = {"WeightedRate": WeightedRate}
    again = keras.saving.load_model(tmp_path / "m.keras", custom_objects=custom)
    np.testing.assert_allclose(to_numpy(again(images)[1]), expected, rtol=1e-4)


def test_a_resumed_training_goes_on_with_its_noise(tmp_path):
    images = noise(1, 16, 16, 1)

    def draw(codec):
        return to_numpy(codec(images, training=True)[0])

    codec, again = (
        ks.layers.EncodeDecodeIntra(rounding="uniform_noise", seed=seed, qstep_init=20.0)
        for seed in (3, 4)
    )
    first = draw(codec)
    draw(again)
    wrap(codec).save_weights(tmp_path / "w.weights.h5")
    wrap(again).load_weights(tmp_path / "w.weights.h5")
    second = draw(codec)
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(draw(again), second, rtol=0, atol=1e-4)


def wrap(layer):
    inputs = keras.Input((16, 16, 1))
    return keras.Model(inputs, layer(inputs))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_everything_is_float32_under_any_policy(policy):
    images = noise(1, 16, 16, 1)
    expected = run(ks.layers.EncodeDecodeIntra(), images)
    keras.config.set_dtype_policy(policy)
    codec = ks.layers.EncodeDecodeIntra()
    for actual, exact in zip(run(codec, images), expected, strict=True):
        assert actual.dtype == np.float32
        assert np.array_equal(actual, exact)
    assert codec.qstep.dtype == "float32"


def test_one_program_is_the_same():
    images = noise(2, 16, 24, 1)
    codec = ks.layers.EncodeDecodeIntra(qstep_init=8.02)
    codec.build(images.shape)

    def loss(x):
        decoded, rate = codec(x)
        return ops.sum(ops.square(decoded - 100)) / 1000 + ops.sum(rate), (decoded, rate)

    together, eager = (
        differentiate(loss, [images], [codec.qstep], compile=how) for how in (True, False)
    )
    for actual, expected in zip(*map(keras.tree.flatten, (together, eager)), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=2e-4, atol=1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"qstep_init": 0.0}, "`qstep_init` must be positive and finite"),
        ({"qstep_init": -3}, "`qstep_init` must be positive and finite. Received qstep_init=-3"),
        ({"min_qstep": -1}, "`min_qstep` must not be negative"),
        (
            {"rate_model": ks.layers.JpegRate(), "convert_to_yuv": True},
            r"expected JpegRate\(interleaved=True, chroma_subsampling='4:4:4'\)",
        ),
        ({"rate_model": "arithmetic"}, "`rate_model` must be 'jpeg', 'gaussian' or a keras"),
        ({"chroma_subsampling": "4:1:1"}, "`chroma_subsampling` must be one of"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        ks.layers.EncodeDecodeIntra(**options)


def test_bad_calls():
    images = np.zeros((2, 8, 8, 1), "float32")
    with pytest.raises(ValueError, match="`qstep` was given, but this layer trains its own"):
        ks.layers.EncodeDecodeIntra()(images, qstep=2.0)
    with pytest.raises(ValueError, match="`qstep` must be positive and finite"):
        ks.layers.EncodeDecodeIntra(train_qstep=False)(images, qstep=[3.0, -1.0])
    with pytest.raises(ValueError, match="Received shape"):
        ks.layers.EncodeDecodeIntra()(images[0])
    with pytest.raises(ValueError, match="exactly 3 channels"):
        ks.layers.EncodeDecodeIntra(convert_to_yuv=True)(images)
