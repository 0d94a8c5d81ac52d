"""The sandwich for clips: against its parts in float64, and against the sandwich for pictures."""

import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, run, to_numpy
from photographs import photographs
from small_models import assert_equal, loaded, sandwich, weights_of

import keras_sandwich as ks

FRAMES, HEIGHT, WIDTH = 2, 24, 40
QUICK = {"search_radius": 2, "precision": 2, "rate_model": "gaussian"}


def moving_clips(number=2, frames=FRAMES, channels=3):
    """Windows on photographs that move by (1, 2) pixels a frame: whole ones, so the flow is exact."""
    large = photographs(number, HEIGHT + frames, WIDTH + 2 * frames).astype("float32")
    windows = [large[:, t : t + HEIGHT, 2 * t : 2 * t + WIDTH, :channels] for t in range(frames)]
    return np.stack(windows, axis=1)


CLIPS = moving_clips()


def moving_flow(frames=FRAMES):
    """A frame is found in the one before where its window was: (1, 2) further."""
    return np.broadcast_to(np.float32([1, 2]), (2, frames - 1, HEIGHT, WIDTH, 2)).copy()


FLOW = moving_flow()


def called(model, clips, flow=None, bit_depth=None):
    """What a model returns, as one program where a backend compiles."""
    if not model.built:
        model.build(clips.shape)
    keys = {} if bit_depth is None else {"bit_depth": bit_depth}
    if flow is None:
        return run(lambda c: dict(model({"image": c, **keys})), clips)
    return run(lambda c, f: dict(model({"image": c, "flow": f, **keys})), clips, flow)


def clips_model(networks=False, bottleneck_penalty=False, codec=QUICK, **options):
    """The linear paths alone, or with two tiny U-Nets, around a video codec's proxy."""
    pictures = sandwich(networks=networks, **options)
    return ks.models.CompressVideoModel.from_image_model(pictures, bottleneck_penalty, **codec)


def compiled(model, optimizer=None, **options):
    model.compile(
        optimizer or keras.optimizers.SGD(0.0),
        loss="mse",
        run_eagerly=BACKEND == "tensorflow",
        **options,
    )
    return model


def flat(clips):
    return clips.reshape(-1, *clips.shape[2:])


def parts_of(model, clips, flow, levels=None):
    """What the stages make of clips, the networks frame by frame, in float64."""
    bottleneck = run(model.preprocessor, flat(clips)).reshape(*clips.shape[:-1], -1)
    coded = run(lambda b, f: model.codec_proxy(b, f), bottleneck, flow)
    prediction = run(model.postprocessor, flat(coded["recons_bottleneck"])).reshape(clips.shape)
    return {"sent": bottleneck, "prediction": prediction, **coded}


def expected_logs(parts, clips, gamma, penalty):
    elements = clips[0].size
    error = np.mean((parts["prediction"].astype("float64") - clips) ** 2, axis=(1, 2, 3, 4))
    outside = np.maximum(parts["sent"] - 255.0, 0) + np.maximum(-parts["sent"], 0)
    outside = 255 / 26.5 * outside.reshape(len(clips), -1).sum(axis=1) * penalty
    levels = np.clip(np.round(parts["prediction"]), 0, 255) - clips
    return {
        "loss": np.mean(error + (gamma * parts["rate"] + outside) / elements),
        "distortion": error.mean(),
        "bpp": parts["rate"].sum() / (clips.size / clips.shape[-1]),
        "psnr": np.mean(10 * np.log10(255**2 / np.mean(levels**2, axis=(1, 2, 3, 4)))),
    }


@pytest.mark.parametrize("penalty", [False, True])
def test_result_and_loss_are_those_of_the_parts(penalty):
    model = compiled(clips_model(bottleneck_penalty=penalty))
    model.preprocessor.mlp.linear.bias.assign([0.6, 0.0, 0.2, 0.0])  # leaves the codec's range
    clips, flow = moving_clips(frames=3), moving_flow(3)
    parts = parts_of(model, clips, flow)
    assert parts["sent"][:, 1:].max() > 256
    inputs = {"image": clips, "flow": flow}
    outputs = called(model, clips, flow)
    shapes = model.compute_output_shape({name: value.shape for name, value in inputs.items()})
    assert {name: value.shape for name, value in outputs.items()} == shapes
    for name in ("prediction", "recons_bottleneck", "errors", "compressed_errors", "bottleneck"):
        # A tie may be rounded the other way.
        assert np.mean(np.abs(outputs[name] - parts[name]) > 5e-2) < 2e-3, name
    assert np.array_equal(outputs["image"], outputs["prediction"])
    np.testing.assert_allclose(outputs["rate"], parts["rate"], rtol=1e-3)
    expected = expected_logs(parts, clips, 100.0, penalty)
    trained = model.fit(inputs, batch_size=2, verbose=0).history
    evaluated = model.evaluate(inputs, batch_size=1, verbose=0, return_dict=True)
    for name, value in expected.items():
        np.testing.assert_allclose(trained[name], [value], rtol=1e-3, err_msg=name)
        np.testing.assert_allclose(evaluated[name], value, rtol=1e-3, err_msg=name)


def test_a_clip_of_one_frame_is_a_picture():
    pictures = sandwich(networks=True, bottleneck_channels=3, downsample_factor=2)
    # Video codecs' proxies do not clip; these bottlenecks stay within their range.
    images = 60 + CLIPS[:, 0] / 2
    model = ks.models.CompressVideoModel.from_image_model(pictures)
    ours, theirs = called(model, images[:, None]), run(lambda x: dict(pictures(x)), images)
    for ours_name, name in (
        ("prediction", "prediction"),
        ("bottleneck", "bottleneck"),
        ("recons_bottleneck", "compressed_bottleneck"),
    ):
        np.testing.assert_allclose(ours[ours_name][:, 0], theirs[name], atol=2e-3, err_msg=name)
    np.testing.assert_allclose(ours["rate"], theirs["rate"], rtol=1e-5)
    assert not ours["motion_bits"].any()
    losses = [
        compiled(m).evaluate(x, verbose=0, return_dict=True)
        for m, x in ((model, images[:, None]), (pictures, images))
    ]
    penalty = np.maximum(theirs["bottleneck"] - 255, 0) + np.maximum(-theirs["bottleneck"], 0)
    assert not penalty.any()
    assert set(losses[0]) == set(losses[1])
    for name, value in losses[1].items():
        assert losses[0][name] == pytest.approx(value, rel=1e-4), name


def test_motion_is_worth_its_bits():
    model = bare()  # no chroma on carriers, which change their phase as things move

    def bits(clips, flow=None):
        outputs = called(model, clips, flow)
        return outputs["rate"], outputs["motion_bits"]

    first, _ = bits(CLIPS[:, :1])
    still, motion = bits(np.repeat(CLIPS[:, :1], FRAMES, axis=1))
    blocks = (FRAMES - 1) * 2 * 3
    # Nothing moves or is new: about a bit for each component of each block, and what the first frame's rounding left.
    assert np.all(motion < 3 * blocks)
    assert np.all(still - first - motion < 0.1 * (FRAMES - 1) * first)
    moved, motion = bits(CLIPS)
    told, none = bits(CLIPS, FLOW)
    unmoved, _ = bits(CLIPS, np.zeros_like(FLOW))
    assert not none.any()
    assert np.all(motion > 2 * blocks)
    assert np.all(told < 0.95 * unmoved)
    assert np.all(moved < 0.95 * unmoved)


@pytest.mark.once
def test_the_flow_of_a_smaller_bottleneck():
    """Half as far in pixels half as fine."""
    model = clips_model(bottleneck_channels=3, downsample_factor=2)
    bottleneck = run(model.preprocess, CLIPS)
    assert bottleneck.shape == (2, FRAMES, HEIGHT // 2, WIDTH // 2, 3)
    own = run(lambda b, f: model.codec_proxy(b, f), bottleneck, FLOW[:, :, ::2, ::2])
    outputs = called(model, CLIPS, 2 * FLOW)
    np.testing.assert_allclose(outputs["rate"], own["rate"], rtol=1e-5)


def test_depths_of_their_own():
    """The networks see 8 bits, the codec what the clip has, which reaches penalty and decibels."""
    model = compiled(clips_model(gamma=0.0, bottleneck_penalty=True))
    model.preprocessor.mlp.linear.bias.assign([0.6, 0.0, 0.2, 0.0])
    clips = CLIPS.copy()
    clips[1] = np.round((CLIPS[1] - 128) * 1023 / 255 + 512)
    depths = np.array([[8], [10]])
    outputs = called(model, clips, FLOW, depths)
    alone = called(model, clips[:1], FLOW[:1])
    for name in ("prediction", "rate", "range_penalty"):
        np.testing.assert_allclose(outputs[name][:1], alone[name], rtol=1e-4, atol=1e-2)
    sent = run(model.preprocess, (clips[1:] - 512) * 255 / 1023 + 128)
    sent = ((sent - 128) * 1023 / 255 + 512).astype("float32")
    coded = run(lambda b, f: model.codec_proxy(b, f, bit_depth=10), sent, FLOW[1:])
    restored = run(model.postprocess, (coded["recons_bottleneck"] - 512) * 255 / 1023 + 128)
    restored = (restored - 128) * 1023 / 255 + 512
    assert np.mean(np.abs(outputs["prediction"][1:] - restored) > 0.2) < 2e-3
    np.testing.assert_allclose(outputs["rate"][1:], coded["rate"], rtol=1e-3)
    outside = np.maximum(sent - 1023, 0) + np.maximum(-sent, 0)
    np.testing.assert_allclose(outputs["range_penalty"][1], 255 / 26.5 * outside.sum(), rtol=1e-4)
    logs = model.evaluate(
        {"image": clips, "flow": FLOW, "bit_depth": depths}, verbose=0, return_dict=True
    )
    peaks = np.array([255.0, 1023.0])
    decoded = np.clip(np.round(outputs["prediction"]), 0, peaks.reshape(2, 1, 1, 1, 1))
    errors = np.mean((decoded.astype("float64") - clips) ** 2, axis=(1, 2, 3, 4))
    assert logs["psnr"] == pytest.approx(np.mean(10 * np.log10(peaks**2 / errors)), rel=1e-3)


def test_each_clip_has_its_step_in_all_its_frames():
    model = clips_model(networks=True, qstep_range=(4.0, 60.0), seed=3)
    for side in (model.preprocessor, model.postprocessor):
        side.unet.output_convolution.kernel.assign_add(
            np.random.default_rng(0).normal(0, 0.1, side.unet.output_convolution.kernel.shape)
        )
    steps = np.float32([5.0, 40.0])
    together = to_numpy(model.preprocess(CLIPS, steps))
    for number in range(2):
        frames = to_numpy(model.preprocess(CLIPS[number], steps[number]))  # as pictures
        np.testing.assert_allclose(together[number], frames, atol=1e-3)
    assert np.abs(together - to_numpy(model.preprocess(CLIPS, steps[::-1].copy()))).max() > 0.1
    outputs = run(lambda c, f: dict(model({"image": c, "flow": f}, training=True)), CLIPS, FLOW)
    drawn = outputs["qstep"]
    assert drawn.shape == (2,)
    assert np.all((drawn >= 4) & (drawn <= 60))
    assert len(set(drawn.tolist())) == 2
    sent = to_numpy(model.preprocess(CLIPS, drawn))
    coded = run(lambda b, f: model.codec_proxy(b, f, qstep=drawn), sent, FLOW)
    np.testing.assert_allclose(outputs["rate"], coded["rate"], rtol=1e-3)
    restored = to_numpy(model.postprocess(coded["recons_bottleneck"], (HEIGHT, WIDTH), drawn))
    assert np.mean(np.abs(outputs["prediction"] - restored) > 5e-2) < 2e-3


def test_every_weight_learns():
    model = clips_model(networks=True)

    def loss(clips, flow):
        inputs = {"image": clips, "flow": flow}
        outputs = model(inputs)
        return model.compute_loss(inputs, None, outputs), ()

    weights = model.trainable_variables
    _, _, gradients = differentiate(loss, [CLIPS, FLOW], weights)
    names = [weight.path for weight, g in zip(weights, gradients, strict=True) if not g.any()]
    assert not names
    assert {weight.path.rpartition("/")[2] for weight in weights} >= {"qstep", "unet_scale"}
    assert sum(weight.name == "qstep" for weight in weights) == 2


def test_weights_of_an_image_model_are_copied():
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2))
    pictures = sandwich(networks=True, loop_filter=loop_filter, num_truncate_bits=1)
    pictures.gamma = 321.0
    pictures.codec_proxy.qstep.assign(17.0)
    model = ks.models.CompressVideoModel.from_image_model(pictures, qstep_inter=3.0)
    for name in ("preprocessor", "postprocessor"):
        assert_equal(weights_of(getattr(model, name)), weights_of(getattr(pictures, name)))
    assert_equal(weights_of(model.codec_proxy.loop_filter), weights_of(loop_filter))
    assert not model.codec_proxy.loop_filter.trainable_weights
    assert float(to_numpy(model.gamma)) == 321.0
    steps = [float(to_numpy(p.qstep)) for p in (model.codec_proxy.intra, model.codec_proxy.inter)]
    assert steps == [17.0, 3.0]
    model.preprocessor.unet_scale.assign(5.0)
    assert float(to_numpy(pictures.preprocessor.unet_scale)) != 5.0
    fresh = ks.models.CompressVideoModel.from_image_model(
        ks.models.create_basic_model(use_unet_preprocessor=False, use_unet_postprocessor=False)
    )
    assert not fresh.built
    with pytest.raises(ValueError, match=r"flat tables.* Received an image model .* arithmetic"):
        ks.models.CompressVideoModel.from_image_model(sandwich(arithmetic="libjpeg"))


def test_saved_and_loaded_it_goes_on_training_like_itself(tmp_path):
    model = compiled(
        clips_model(networks=True, codec={**QUICK, "loop_filter": Brighter()}),
        keras.optimizers.Adam(1e-3),
    )
    inputs = {"image": CLIPS, "flow": FLOW}
    model.fit(inputs, verbose=0)
    model.gamma = 77.0
    model.save(tmp_path / "m.keras")
    model.save_to_preset(tmp_path / "preset", "Clips.")
    again = loaded(tmp_path / "m.keras")
    preset = ks.models.CompressVideoModel.from_preset(tmp_path / "preset")
    assert ks.presets.fingerprint(preset) == ks.presets.fingerprint(model)
    for other in (again, preset):
        assert type(other) is ks.models.CompressVideoModel
        assert_equal(weights_of(other), weights_of(model))
    losses = [each.fit(inputs, verbose=0).history["loss"] for each in (model, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert_equal(weights_of(again), weights_of(model), atol=1e-6)


@keras.saving.register_keras_serializable(package="tests")
class Brighter(keras.layers.Layer):
    """A loop filter."""

    def build(self, input_shape):
        self.level = self.add_weight(shape=(), initializer="ones", name="level")

    def call(self, pictures):
        return pictures + 0.5 * self.level


def test_half_precision_is_the_networks_alone():
    model = clips_model(networks=True, dtype="mixed_bfloat16")
    outputs = called(model, CLIPS, FLOW)
    assert {value.dtype for value in outputs.values()} == {np.dtype("float32")}
    full = clips_model(networks=True)
    expected = called(full, CLIPS, FLOW)
    assert 0 < np.abs(outputs["bottleneck"] - expected["bottleneck"]).max() < 3


@pytest.mark.once
def test_staged_training_and_steps_for_each_batch():
    model = compiled(clips_model(networks=True), keras.optimizers.SGD(1e-6))
    stages = ks.callbacks.TrainingSchedule(mlps_only=0.5, mlps_and_unet_post=0.5)
    varying = ks.callbacks.VaryingQstep(9.0, 25.0)
    before = weights_of(model.preprocessor.unet)
    seen = []

    def note(epoch, logs):
        seen.append(all(map(np.array_equal, weights_of(model.preprocessor.unet), before)))

    callbacks = [stages, varying, keras.callbacks.LambdaCallback(on_epoch_begin=note)]
    model.fit(
        {"image": CLIPS, "flow": FLOW}, batch_size=1, epochs=2, callbacks=callbacks, verbose=0
    )
    seen.append(all(map(np.array_equal, weights_of(model.preprocessor.unet), before)))
    assert seen == [True, True, False]
    steps = [
        to_numpy(p.effective_qstep()) for p in (model.codec_proxy.intra, model.codec_proxy.inter)
    ]
    np.testing.assert_allclose(steps, 15.0, rtol=1e-5)


def bare(**options):
    """A codec without networks."""
    return ks.models.CompressVideoModel(
        None, None, ks.layers.VideoCodecProxy(9.0, 9.0, **QUICK), 700.0, **options
    )


def test_keys_beside_a_flow():
    model = compiled(bare(model_keys=("luma", "chroma")))
    inputs = {"luma": CLIPS[..., :1], "chroma": CLIPS[..., 1:], "flow": FLOW}
    bits = model.evaluate(inputs, verbose=0, return_dict=True)["bpp"]
    names = list(inputs)
    outputs = run(
        lambda *parts: dict(model(dict(zip(names, parts, strict=True)))), *inputs.values()
    )
    whole = called(bare(), CLIPS, FLOW)
    assert bits == pytest.approx(whole["rate"].sum() / (2 * FRAMES * HEIGHT * WIDTH), rel=1e-3)
    assert np.array_equal(outputs["chroma"], outputs["prediction"][..., 1:])
    np.testing.assert_allclose(outputs["prediction"], whole["prediction"], atol=1e-3)


@pytest.mark.once
def test_bad_calls():
    model = clips_model()
    with pytest.raises(ValueError, match=r"\[batch, frames, height, width, channels\]"):
        bare().build((None, HEIGHT, WIDTH, 3))
    with pytest.raises(ValueError, match=r"`flow` must be \[batch, 1, height, width, 2\]"):
        model({"image": CLIPS, "flow": moving_flow(3)})
    with pytest.raises(ValueError, match=r"must be different names, and none of .* flow"):
        bare(model_keys=("image", "flow"))
    with pytest.raises(ValueError, match=r"The input lacks \['image'\]"):
        model({"clip": CLIPS})
    deep = clips_model(num_truncate_bits=2)
    with pytest.raises(ValueError, match="num_truncate_bits=2; leave one of them out"):
        deep({"image": CLIPS, "bit_depth": np.array([10, 10])})
