"""Networks that are told the quantizer step: one model for all rates."""

import math

import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from PIL import Image
from small_models import sandwich, weights_of

import keras_sandwich as ks
from keras_sandwich.evaluation import comparison
from keras_sandwich.files.payload import Payload
from keras_sandwich.inference.tiling import postprocess_picture, preprocess_picture
from keras_sandwich.training.decoded_crops import decoded_pictures
from keras_sandwich.training.finetuning import PostprocessorTraining

RANGE = (8.0, 96.0)
PICTURES = photographs(3, 48, 64)


@pytest.fixture(scope="module")
def model():
    model = sandwich(networks=True, qstep_range=RANGE)
    for side in (model.preprocessor, model.postprocessor):  # so that it shows
        side.unet.output_convolution.kernel.assign(
            np.random.default_rng(1).normal(0, 0.5, side.unet.output_convolution.kernel.shape)
        )
        pairs = side.unet.modulation.pairs.kernel
        pairs.assign(np.random.default_rng(2).normal(0, 1.0, pairs.shape))
    return model


def test_scales_and_shifts_are_those_of_the_formula():
    modulation = ks.models.StepModulation([2, 3])
    modulation.build()
    generator = np.random.default_rng(0)
    weights = [generator.normal(size=weight.shape) for weight in modulation.weights]
    modulation.set_weights(weights)
    steps = np.array([8.0, 28.0, 96.0])
    found = [to_numpy(pair) for pair in modulation(steps.astype("float32"))]
    octaves = np.log2(steps / 28.0)[:, None] / 1.8
    hidden = octaves @ weights[0] + weights[1]
    hidden = hidden / (1.0 + np.exp(-hidden))
    expected = hidden @ weights[2] + weights[3]
    flat = np.concatenate([part.reshape(3, -1) for pair in found for part in pair], axis=1)
    np.testing.assert_allclose(flat, expected, atol=1e-5)
    assert [pair[0].shape for pair in found] == [(3, 1, 1, 2), (3, 1, 1, 3)]


def test_it_starts_as_the_network_that_is_told_nothing():
    plain = ks.models.UNet(2, (3,), (4, 3))
    told = ks.models.UNet(2, (3,), (4, 3), conditioned=True)
    for network in (plain, told):
        network.build((None, None, None, 3))
    shared = {weight.path.split("/", 1)[-1]: weight for weight in plain.weights}
    for weight in told.weights:
        other = shared.get(weight.path.split("/", 1)[-1])
        if other is not None:
            weight.assign(other)
    images = np.random.default_rng(0).normal(size=(1, 9, 12, 3)).astype("float32")
    np.testing.assert_allclose(
        to_numpy(told(images, qstep=50.0)), to_numpy(plain(images)), atol=1e-6
    )
    with pytest.raises(ValueError, match=r"unet\(images, qstep=…\)"):
        told(images)


def test_each_picture_is_told_its_own_step(model):
    images = PICTURES.astype("float32")
    steps = np.array([9.0, 30.0, 90.0], "float32")
    together = to_numpy(model.preprocess(images, steps))
    for number, step in enumerate(steps):
        alone = to_numpy(model.preprocess(images[number : number + 1], step))
        np.testing.assert_allclose(together[number], alone[0], atol=1e-3)
    assert np.abs(together - to_numpy(model.preprocess(images, 30.0)))[0].max() > 1.0
    own = to_numpy(model.codec_proxy.effective_qstep())
    assert own == pytest.approx(math.sqrt(8 * 96), rel=1e-5)
    np.testing.assert_array_equal(
        to_numpy(model.preprocess(images)), to_numpy(model.preprocess(images, own))
    )


@pytest.mark.once
def test_training_draws_steps_evenly_in_their_logarithm(model):
    tiny = np.zeros((400, 8, 8, 3), "float32")
    steps = to_numpy(model(tiny, training=True)["qstep"])
    assert steps.min() >= 8.0
    assert steps.max() <= 96.0 * (1 + 1e-6)
    octaves = np.sort(np.log(steps / 8.0) / np.log(12.0))
    assert np.abs(octaves - (np.arange(400) + 0.5) / 400).max() < 0.085  # Kolmogorov–Smirnov, 1 %
    again = to_numpy(model(tiny, training=True)["qstep"])
    assert np.abs(steps - again).max() > 1.0
    fixed = to_numpy(model(tiny[:2])["qstep"])
    np.testing.assert_allclose(fixed, [math.sqrt(8 * 96)] * 2, rtol=1e-5)


def test_a_picture_is_coded_at_the_step_that_it_is_told(model):
    images = PICTURES[:1].astype("float32")
    outputs = to_numpy(model(images, training=True))
    step = float(outputs["qstep"][0])
    bottleneck = np.clip(to_numpy(model.preprocess(images, step)), 0, 255)
    proxy = ks.layers.EncodeDecodeIntra(train_qstep=False, min_qstep=0.0)
    decoded, bits = (to_numpy(part) for part in proxy(bottleneck, qstep=step))
    np.testing.assert_allclose(outputs["rate"], bits, rtol=1e-3)
    restored = to_numpy(model.postprocess(outputs["compressed_bottleneck"], (48, 64), step))
    np.testing.assert_allclose(outputs["prediction"], restored, atol=1e-2)
    assert np.mean(np.abs(decoded - outputs["compressed_bottleneck"]) > 0.1) < 0.01


@pytest.mark.once
def test_the_loss_weighs_the_rates_alike(model):
    images = PICTURES.astype("float32")
    outputs = model(images, training=True)
    model.compile("sgd", loss="mse")
    loss = float(to_numpy(model.compute_loss(images, None, outputs)))
    found = {name: np.float64(to_numpy(value)) for name, value in outputs.items()}
    coarseness = found["qstep"] / math.sqrt(8 * 96)
    distortion = np.mean((found["prediction"] - images) ** 2, axis=(1, 2, 3))
    outside = np.maximum(found["bottleneck"] - 255, 0) + np.maximum(-found["bottleneck"], 0)
    penalty = 255 / 26.5 * outside.sum(axis=(1, 2, 3))
    elements = images[0].size
    cost = distortion + (100.0 * coarseness**2 * found["rate"] + penalty) / elements
    assert loss == pytest.approx(np.mean(cost / coarseness), rel=1e-4)


def test_transport_tells_the_networks_the_codecs_step(model):
    for codec, step in ((ks.codecs.JPEG(qstep=12), 12.0), (ks.codecs.WebP(quality=50), 26.38)):
        sent = ks.transport(model, PICTURES[:1], codec)
        bottleneck = np.clip(np.round(to_numpy(model.preprocess(PICTURES[:1], step))), 0, 255)
        assert np.mean(np.abs(bottleneck - sent["bottleneck"])) < 0.01
        decoded = sent["compressed_bottleneck"].astype("float32")
        restored = to_numpy(model.postprocess(decoded, (48, 64), step))
        np.testing.assert_allclose(sent["prediction"], restored, atol=1e-2)


def test_curves_and_comparisons_tell_it_too(model):
    codec = ks.codecs.JPEG(qstep=1)
    curve = ks.evaluation.rd_curve(model, PICTURES[:2], codec, strengths=(10, 60), verbose=0)
    for row, step in enumerate((10, 60)):
        sent = ks.transport(model, PICTURES[:2], ks.codecs.JPEG(qstep=step))
        np.testing.assert_allclose(curve.bpp[row], sent["rate"] / (48 * 64))
        errors = np.square(np.clip(np.round(sent["prediction"]), 0, 255) - PICTURES[:2])
        psnr = 10 * np.log10(255**2 / errors.mean(axis=(1, 2, 3)))
        np.testing.assert_allclose(curve.quality["psnr-rgb"][row], psnr, atol=0.01)
    at = ks.evaluation.compare_at({"one": model}, PICTURES[0], codec, float(curve.bpp[1, 0]))
    assert at.psnr("one") == pytest.approx(curve.quality["psnr-rgb"][1, 0], abs=0.01)


def test_files_say_which_step_they_were_written_for(model, tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "a.png")
    ks.encode_file(tmp_path / "a.png", tmp_path / "a.jpg", model, bits_per_pixel=4.0)
    step = ks.files.read_info(tmp_path / "a.jpg").settings["qstep"]
    ks.decode_file(tmp_path / "a.jpg", tmp_path / "b.png", model)
    sent = ks.transport(model, PICTURES[:1], ks.codecs.JPEG(qstep=step))
    restored = np.clip(np.round(sent["prediction"][0]), 0, 255)
    assert np.abs(restored - np.array(Image.open(tmp_path / "b.png"))).max() <= 1
    payload = Payload("0" * 32, (48, 64), {"class": "JPEG"}, "", qstep=26.38)
    assert Payload.from_xmp(payload.to_xmp()).qstep == 26.38
    damaged = Payload("0" * 32, (48, 64), {"class": "JPEG"}, "", qstep=float("inf"))
    with pytest.raises(ValueError, match="'qstep'"):
        Payload.from_xmp(damaged.to_xmp())


@pytest.mark.once
def test_tiles_are_the_whole(model):
    picture = photographs(1, 90, 70)[0]
    for step in (8.0, 80.0):
        bottleneck = to_numpy(model.preprocess(picture[None], step))[0]
        tiles = preprocess_picture(model, picture, 32, step)
        np.testing.assert_allclose(tiles, bottleneck, atol=1e-2)
        whole = to_numpy(model.postprocess(bottleneck[None], (90, 70), step))[0]
        tiles = postprocess_picture(model, bottleneck, (90, 70), 32, step)
        np.testing.assert_allclose(tiles, whole, atol=1e-2)


def test_trained_saved_and_loaded(tmp_path):
    model = sandwich(networks=True, qstep_range=RANGE, seed=3)
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    images = PICTURES[:2, :32, :32].astype("float32")
    before = weights_of(model)
    logs = model.fit(images, batch_size=2, epochs=2, verbose=0).history
    assert all(8.0 <= step <= 96.0 for step in logs["qstep"])
    assert len(set(logs["qstep"])) == 2
    modulation = model.postprocessor.unet.modulation.pairs.kernel
    moved = [a for a, b in zip(before, weights_of(model), strict=True) if np.any(a != b)]
    assert any(part.shape == modulation.shape for part in moved)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    assert again.qstep_range == RANGE
    assert again.seed == 3
    assert again.conditioned
    one, other = (to_numpy(m(images, training=True)) for m in (model, again))
    np.testing.assert_allclose(one["qstep"], other["qstep"], rtol=1e-6)  # the draws go on
    np.testing.assert_allclose(one["prediction"], other["prediction"], atol=1e-2)


def test_the_second_network_is_finetuned_for_each_step(model):
    codec = ks.codecs.JPEG(qstep=1)
    decoded, qsteps = decoded_pictures(model, [PICTURES[0]], codec, (9, 70), None, 0, None)
    assert qsteps == [9.0, 70.0]
    for step, of_strength in zip((9, 70), decoded, strict=True):
        sent = ks.transport(model, PICTURES[:1], ks.codecs.JPEG(qstep=step))
        np.testing.assert_array_equal(of_strength[0], sent["compressed_bottleneck"][0])
    given = {"decoded": np.float32(decoded[0]), "qstep": np.full(1, 9.0, "float32")}
    expected = to_numpy(model.postprocess(given["decoded"], (48, 64), 9.0))
    np.testing.assert_allclose(to_numpy(PostprocessorTraining(model)(given)), expected, atol=1e-3)


def test_a_codec_of_no_known_step_is_told_the_models_own(model):
    own = math.sqrt(8 * 96)
    codec = ks.codecs.PNG()
    decoded, qsteps = decoded_pictures(model, [PICTURES[0]], codec, None, None, 0, None)
    assert qsteps == [pytest.approx(own, rel=1e-5)]
    sent = ks.transport(model, PICTURES[:1], codec)
    np.testing.assert_array_equal(decoded[0][0], sent["compressed_bottleneck"][0])
    restored = to_numpy(model.postprocess(np.float32(decoded[0]), (48, 64), own))
    np.testing.assert_allclose(sent["prediction"], restored, atol=1e-2)


def test_a_comparison_runs_the_first_network_once_for_each_step(monkeypatch):
    seen = []

    def note(system, picture, tile_size, qstep):
        seen.append(qstep)
        return preprocess_picture(system, picture, tile_size, qstep)

    monkeypatch.setattr(comparison, "preprocess_picture", note)
    codecs = ks.codecs.every_subsampling(ks.codecs.JPEG(qstep=8))
    for options, once in (({}, True), ({"qstep_range": RANGE}, False)):
        seen.clear()
        plain = sandwich(networks=True, bottleneck_channels=3, **options)
        ks.evaluation.compare_at({"one": plain}, PICTURES[0], codecs, 4.0)
        assert len(seen) == len(set(seen))
        assert (seen == [None]) == once


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"qstep_range": (96.0, 8.0)}, "lowest ≤ highest"),
        ({"qstep_range": (8.0, math.inf)}, "finite"),
        ({"qstep_range": RANGE, "train_qstep": True}, "train_qstep=False"),
    ],
)
def test_ranges_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        ks.models.create_basic_model(1, encoder_filters=(2,), decoder_filters=(2, 2), **options)


def test_equivalent_steps_lose_as_much():
    gray = photographs(2, 128, 128)[..., 1:2].astype("float32")
    proxy = ks.layers.EncodeDecodeIntra(train_qstep=False, min_qstep=0.0)
    proxy.build((None, None, None, 1))
    for codec in (ks.codecs.JPEG(quality=40), ks.codecs.WebP(quality=35)):
        measured = ks.training.calibrate_qstep(proxy, gray, codec)
        assert ks.inference.equivalent_qstep(codec) == pytest.approx(measured, rel=0.35)
    luma, chroma = ks.ops.quality_to_tables(50)
    assert ks.inference.equivalent_qstep(ks.codecs.JPEG(tables=(luma, chroma))) == pytest.approx(
        np.exp(np.mean(np.log(np.float64(to_numpy(luma))))), abs=0.01
    )
    assert ks.inference.equivalent_qstep(ks.codecs.PNG()) is None


def test_a_cost_in_decibels_is_each_picture_s():
    """The loss is the mean of the costs' decibels, by NumPy from what the model returns."""
    model = sandwich(networks=True, qstep_range=(8, 40), seed=3, cost_in_decibels=True)
    model.compile(keras.optimizers.SGD(0.0), loss="mse", run_eagerly=BACKEND == "tensorflow")
    pictures = photographs(2, 32, 48).astype("float32")
    logs = model.evaluate(pictures, batch_size=2, verbose=0, return_dict=True)
    outputs = {name: to_numpy(value).astype("float64") for name, value in model(pictures).items()}
    error = np.mean((outputs["prediction"] - pictures) ** 2, axis=(1, 2, 3))
    outside = np.maximum(outputs["bottleneck"] - 255, 0) - np.minimum(outputs["bottleneck"], 0)
    penalty = 255 / 26.5 * outside.sum(axis=(1, 2, 3))
    gamma = float(to_numpy(model.gamma)) * outputs["qstep"] ** 2 / (8 * 40)
    cost = error + (gamma * outputs["rate"] + penalty) / pictures[0].size
    assert logs["loss"] == pytest.approx(np.mean(10 * np.log10(cost)), rel=1e-5)
    assert logs["distortion"] == pytest.approx(error.mean(), rel=1e-5)
