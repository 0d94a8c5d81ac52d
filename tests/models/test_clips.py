"""The trunk knows no rank: a model of clips on it, against float64 of its frames."""

import keras
import numpy as np
import pytest
from autodiff import BACKEND, run, to_numpy
from clip_model import ClipModel, clip_model
from photographs import photographs

import keras_sandwich as ks

CLIPS = photographs(6, 16, 24).astype("float32").reshape(2, 3, 16, 24, 3)
FRAMES = CLIPS.reshape(6, 16, 24, 3)


def frames_of(model):
    """What the stages make of the frames, each by itself, in float64."""
    bottleneck = run(model.preprocessor, FRAMES)
    decoded, rate = run(model.codec_proxy, np.clip(bottleneck, 0, 255))
    prediction = run(model.postprocessor, decoded)
    return [array.astype("float64") for array in (bottleneck, decoded, rate, prediction)]


def expected_logs(bottleneck, rate, prediction, gamma=100.0):
    clips = prediction.reshape(CLIPS.shape)
    elements = 3 * 16 * 24 * 3
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    distortion = np.mean((clips - CLIPS) ** 2, axis=(1, 2, 3, 4))
    bits = rate.reshape(2, 3).sum(axis=1)
    penalty = 255 / 26.5 * outside.reshape(2, -1).sum(axis=1)
    error = np.clip(np.round(clips), 0, 255) - CLIPS
    return {
        "loss": np.mean(distortion + (gamma * bits + penalty) / elements),
        "distortion": distortion.mean(),
        "psnr": np.mean(10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2, 3, 4)))),
        "bpp": bits.sum() / (2 * 3 * 16 * 24),
        "qstep": 11.0,
        "mae": np.mean(np.abs(clips - CLIPS)),
    }


@pytest.fixture(scope="module")
def model():
    model = clip_model()
    model.compile(
        keras.optimizers.SGD(0.0),
        loss="mse",
        metrics=[keras.metrics.MeanAbsoluteError(name="mae")],
        run_eagerly=BACKEND == "tensorflow",
    )
    return model


def test_what_it_returns_is_what_the_stages_make_of_the_frames(model):
    outputs = to_numpy(model(CLIPS))
    bottleneck, decoded, rate, prediction = frames_of(model)
    assert {n: v.shape for n, v in outputs.items()} == model.compute_output_shape(CLIPS.shape)
    for name, expected in (
        ("bottleneck", bottleneck),
        ("compressed_bottleneck", decoded),
        ("prediction", prediction),
        ("image", prediction),
    ):
        actual = outputs[name].reshape(expected.shape)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-2, err_msg=name)
    np.testing.assert_allclose(outputs["rate"], rate.reshape(2, 3).sum(axis=1), rtol=1e-4)


def test_loss_and_bar_are_the_formula(model):
    bottleneck, _, rate, prediction = frames_of(model)
    assert bottleneck.max() > 255
    expected = expected_logs(bottleneck, rate, prediction)
    history = model.fit(CLIPS, batch_size=1, shuffle=False, verbose=0).history
    logs = model.evaluate(CLIPS, batch_size=2, verbose=0, return_dict=True)
    assert set(history) == set(logs) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(history[name], [value], rtol=1e-3, err_msg=name)
        np.testing.assert_allclose(logs[name], value, rtol=1e-3, err_msg=name)
    with pytest.warns(UserWarning, match=r"look scaled to \[0, 1\]"):
        model.fit(CLIPS / 255, batch_size=2, verbose=0)


def test_gamma_and_weights_of_single_pixels(model):
    bottleneck, _, rate, prediction = frames_of(model)
    outputs = model(CLIPS)
    weights = np.random.default_rng(0).uniform(0, 2, (2, 3, 16, 24))
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    error = np.mean((prediction - FRAMES) ** 2, axis=-1).reshape(weights.shape)
    rest = 255 / 26.5 * outside.reshape(2, -1).sum(axis=1)
    for gamma in (0.0, 700.0):
        model.gamma = gamma
        added = (gamma * rate.reshape(2, 3).sum(axis=1) + rest) / CLIPS[0].size
        expected = np.mean(weights * (error + added[:, None, None, None]))
        loss = model.compute_loss(CLIPS, None, outputs, weights.astype("float32"))
        assert float(to_numpy(loss)) == pytest.approx(expected, rel=1e-4)
    model.gamma = 100.0


def test_keys():
    halves = {"left": CLIPS, "right": CLIPS[:, ::-1].copy()}
    model = clip_model(("left", "right"), channels=6)
    outputs = to_numpy(model(halves))
    whole = to_numpy(model(np.concatenate(list(halves.values()), axis=-1)))
    np.testing.assert_allclose(outputs["prediction"], whole["prediction"], atol=1e-3)
    assert np.array_equal(outputs["right"], outputs["prediction"][..., 3:])
    with pytest.raises(ValueError, match=r"\[batch, frames, height, width, channels\]"):
        clip_model().build((None, 16, 24, 3))


def test_presets(model, tmp_path):
    model.gamma = 123.0
    model.save_to_preset(tmp_path, "Clips.")
    again = ClipModel.from_preset(tmp_path)
    assert type(again) is ClipModel
    assert float(to_numpy(again.gamma)) == 123.0
    assert ks.presets.fingerprint(again) == ks.presets.fingerprint(model)
    model.gamma = 100.0
    assert ks.presets.fingerprint(again) != ks.presets.fingerprint(model)
    ours, theirs = (to_numpy(each(CLIPS)["prediction"]) for each in (model, again))
    np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"Expected a preset of .*CompressIntraModel"):
        ks.models.CompressIntraModel.from_preset(tmp_path)


def test_transport_makes_a_file_of_each_frame(model):
    codec = ks.codecs.JPEG(qstep=5)
    clips = CLIPS.astype("uint8")
    outputs = ks.transport(model, clips, codec)
    sent = np.clip(np.round(run(model.preprocessor, FRAMES)), 0, 255).astype("uint8")
    assert np.array_equal(outputs["bottleneck"].reshape(sent.shape), sent)
    files = [codec.encode(frame) for frame in sent]
    bits = np.reshape([8.0 * len(file) for file in files], (2, 3)).sum(axis=1)
    assert outputs["rate"].tolist() == bits.tolist()
    decoded = np.stack([codec.decode(file) for file in files])
    expected = run(model.postprocessor, decoded.astype("float32")).reshape(CLIPS.shape)
    np.testing.assert_allclose(outputs["prediction"], expected, atol=1e-3)
    listed = ks.transport(model, [clips[0], clips[1, :2, :15]], codec)
    assert np.array_equal(listed["prediction"][0], outputs["prediction"][0])
    assert listed["image"][1].shape == (2, 15, 24, 3)
    with pytest.raises(ValueError, match=r"images \[batch, frames, height, width, channels\]"):
        ks.transport(model, clips[0], codec)
