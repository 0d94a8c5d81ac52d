"""Training with real files in every step: against a loop of the test's own, killed and resumed, and to some avail."""

import signal

import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from small_models import sandwich, weights_of

import keras_sandwich as ks
from keras_sandwich.training import train_through_codec
from keras_sandwich.training.codec_in_the_loop import CodecInTheLoop

PICTURES = photographs(4, 32, 32).astype("float32")
BATCHES = [PICTURES[:2], PICTURES[2:]]
JPEG = ks.codecs.JPEG(qstep=30)


def compiled(model=None, optimizer=None, **options):
    model = sandwich() if model is None else model
    model.compile(
        optimizer or keras.optimizers.Adam(1e-3),
        loss="mse",
        run_eagerly=BACKEND == "tensorflow",
        **options,
    )
    return model


def train(model, dataset=BATCHES, codec=JPEG, **options):
    return train_through_codec(model, dataset, codec, **{"verbose": 0, **options})


def qstep_of(model):
    return float(to_numpy(model.codec_proxy.effective_qstep()))


@pytest.mark.parametrize(
    "codec", [JPEG, pytest.param(ks.codecs.WebP(quality=20), marks=pytest.mark.once)]
)
def test_every_step_sees_the_files_of_the_present_weights(codec):
    model = compiled(optimizer=keras.optimizers.SGD(1e-4))
    history = train(model, codec=codec, epochs=2)

    by_hand = compiled(optimizer=keras.optimizers.SGD(1e-4))
    step = CodecInTheLoop(by_hand)
    for epoch in range(2):
        bits, errors = [], []
        for images in BATCHES:
            real = ks.transport(by_hand, images, codec)
            empty = 8 * len(codec.encode(np.full((32, 32, 1), 128, "uint8")))
            if images is BATCHES[0]:
                qstep = ks.training.calibrate_qstep(by_hand.codec_proxy, real["bottleneck"], codec)
            by_hand.codec_proxy.qstep.assign(qstep - 1)
            step.train_on_batch(
                {
                    "images": images,
                    "qstep": np.ones(2, "float32"),
                    "decoded": real["compressed_bottleneck"].astype("float32"),
                    "bits": real["rate"],
                    "empty_bits": np.full(2, empty, "float32"),
                }
            )
            bits.append(real["rate"].mean())
            errors.append(np.mean((real["prediction"] - images) ** 2))
        by_hand.codec_proxy.qstep.assign(qstep - 1)
        # A pixel of a bottleneck at a tie may be rounded the other way.
        assert history.history["bpp"][epoch] == pytest.approx(np.mean(bits) / 32**2, rel=2e-3)
        assert history.history["distortion"][epoch] == pytest.approx(np.mean(errors), rel=2e-3)
        assert history.history["qstep"][epoch] == pytest.approx(qstep, rel=0.02)
    start = weights_of(sandwich())
    moved = max(np.abs(a - b).max() for a, b in zip(weights_of(model), start, strict=True))
    assert moved > 1e-3
    for ours, theirs in zip(weights_of(model), weights_of(by_hand), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.02 * max(moved, np.abs(theirs).max()))
    assert qstep_of(model) == pytest.approx(qstep, rel=0.02)


@pytest.mark.once
def test_files_get_better():
    pictures = photographs(4, 64, 64).astype("float32")
    codec = ks.codecs.WebP(quality=30)
    model = compiled(sandwich(networks=True, gamma=300.0), keras.optimizers.Adam(3e-3))

    def cost():
        sent = ks.transport(model, pictures, codec)
        error = np.mean((np.clip(np.round(sent["prediction"]), 0, 255) - pictures) ** 2)
        return error + 300.0 * sent["rate"].mean() / pictures[0].size

    before = cost()
    history = train(model, [pictures], codec, epochs=25)
    assert cost() < 0.9 * before
    assert len(history.history["loss"]) == 25


def test_logs_are_those_of_fit():
    metrics = [keras.metrics.MeanSquaredError(name="again")]
    model = compiled(metrics=metrics)
    history = train(model, epochs=2)
    assert history is model.history
    assert set(history.history) == {"loss", "distortion", "psnr", "bpp", "qstep", "again"}
    assert history.history["again"] == pytest.approx(history.history["distortion"], rel=1e-5)
    assert int(to_numpy(model.optimizer.iterations)) == 4


class Note(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.qsteps, self.begun, self.rates = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.begun.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.qsteps.append(round(qstep_of(self.model), 3))
        self.rates.append(float(to_numpy(self.model.optimizer.learning_rate)))


@pytest.mark.once
def test_strengths_come_in_an_order_that_the_seed_draws():
    def drawn(seed, **options):
        note, batches = Note(), [PICTURES[:1]] * 6
        options = {"strengths": (20, 30, 45), "epochs": 3, "callbacks": [note], **options}
        train(compiled(), batches, seed=seed, **options)
        return note.qsteps

    first = drawn(0)
    assert len(first) == 18
    turns = [tuple(first[start : start + 3]) for start in range(0, 18, 3)]
    assert all(set(turn) == {20.0, 30.0, 45.0} for turn in turns)
    assert len(set(turns)) > 2
    assert drawn(0) == first
    assert drawn(1) != first
    assert drawn(0, initial_epoch=1) == first[6:]


@pytest.mark.once
def test_the_proxy_stays_at_the_middle_of_the_strengths():
    model = compiled()
    train(model, [PICTURES] * 3, strengths=(20, 30, 45))
    assert qstep_of(model) == pytest.approx(30.0)


def test_callbacks_rule_as_in_fit(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert set(logs) >= {"loss", "bpp"}
            self.model.stop_training = self.epoch == 2

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    model, note = compiled(), Note()
    callbacks = [
        ks.callbacks.TrainingBudget(1e-3, warmup=0.0, final=0.5),
        keras.callbacks.ModelCheckpoint(tmp_path / "model.keras"),
        note,
        Stop(),
    ]
    history = train(model, epochs=10, callbacks=callbacks)
    assert history.epoch == note.begun == [0, 1, 2]
    assert len(note.rates) == 5
    budget = callbacks[0]
    expected = [budget.learning_rate_at(epoch / 10) for epoch in (0, 0, 1, 1, 2)]
    np.testing.assert_allclose(note.rates, expected, rtol=1e-4)
    saved = keras.saving.load_model(tmp_path / "model.keras")
    assert type(saved) is ks.models.CompressIntraModel
    for ours, theirs in zip(weights_of(saved), weights_of(model), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert saved.optimizer.name == model.optimizer.name
    saved.fit(PICTURES, batch_size=2, verbose=0)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == (1, 0):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("rounding", ["straight_through", "uniform_noise"])
@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_and_resumed_is_as_never_interrupted(rounding, tmp_path):
    def run(model, *callbacks):
        dataset = ks.datasets.image_folder(
            list(photographs(4, 40, 40)), crop_size=16, batch_size=2, steps_per_epoch=2, seed=1
        )
        synchronize = ks.callbacks.SynchronizeEpoch(dataset)
        return train(
            model,
            dataset,
            ks.codecs.WebP(quality=20),
            strengths=(70, 90),
            epochs=3,
            callbacks=[*callbacks, synchronize],
        )

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup")

    unbroken = compiled(sandwich(rounding=rounding, seed=4))
    run(unbroken)
    interrupted = compiled(sandwich(rounding=rounding, seed=4))
    with pytest.raises(KeyboardInterrupt):
        run(interrupted, backup(), Interrupt())
    assert int(to_numpy(interrupted.optimizer.iterations)) == 3  # that step was done
    assert np.all(np.isfinite(ks.transport(interrupted, PICTURES, JPEG)["prediction"]))
    # Another seed: the noise must go on from the state that was saved.
    resumed = compiled(sandwich(rounding=rounding, seed=9))
    assert run(resumed, backup()).epoch == [1, 2]
    for ours, theirs in zip(weights_of(resumed), weights_of(unbroken), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5)
    assert int(to_numpy(resumed.optimizer.iterations)) == 6
    # What was resumed once is not resumed again.
    assert run(resumed).epoch == [0, 1, 2]


@pytest.mark.once
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.usefixtures("ctrl_c")
def test_an_interruption_leaves_the_middle_step(seed):
    model = compiled()
    strengths, batches = (20, 30, 45), [*BATCHES, PICTURES[1:3]]
    with pytest.raises(KeyboardInterrupt):
        train(model, batches, strengths=strengths, epochs=2, callbacks=[Interrupt()], seed=seed)
    assert int(to_numpy(model.optimizer.iterations)) == 4
    assert qstep_of(model) == pytest.approx(30.0)


@pytest.mark.once
def test_an_error_before_the_first_step_leaves_the_weights():
    class Broken(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            raise OSError("no space left")

    model = compiled(optimizer=keras.optimizers.Adam(1e-3, use_ema=True))
    before = weights_of(model)
    with pytest.raises(OSError, match="no space left"):
        train(model, callbacks=[Broken()])
    for ours, theirs in zip(weights_of(model), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_steps_that_are_not_the_codec_s_are_refused():
    with pytest.raises(ValueError, match="pass several `strengths` instead of VaryingQstep"):
        train(compiled(), callbacks=[ks.callbacks.VaryingQstep(10, 40)])


@pytest.mark.once
def test_a_proxy_whose_least_step_is_above_the_codec_s():
    model = sandwich()
    parts = (model.preprocessor, model.postprocessor, ks.layers.EncodeDecodeIntra(min_qstep=5.0))
    model = compiled(ks.models.CompressIntraModel(*parts))
    train(model, codec=ks.codecs.JPEG(qstep=2))
    assert qstep_of(model) == pytest.approx(5.0)


def test_dicts_targets_and_weights():
    def two_keys():
        model = sandwich(output_channels=4, bottleneck_channels=2)
        return ks.models.CompressIntraModel(
            model.preprocessor, model.postprocessor, model.codec_proxy, 100.0,
            model_keys=("colour", "depth"),
        )  # fmt: skip

    images = {"colour": PICTURES, "depth": PICTURES[..., :1]}
    target = {"colour": PICTURES[..., ::-1].copy(), "depth": PICTURES[..., 1:2]}
    weights = np.array([1.0, 0.0, 0.0, 3.0], "float32")
    model = compiled(two_keys(), keras.optimizers.SGD(0.0))
    history = train(model, [(images, target, weights)], codec=JPEG, workers=1)
    # A bottleneck of two channels takes two files.
    sent = ks.transport(model, images, JPEG.for_channels(2))
    wanted = np.concatenate([target["colour"], target["depth"]], axis=-1)
    error = np.mean((sent["prediction"].astype("float64") - wanted) ** 2, axis=(1, 2, 3))
    bottleneck = to_numpy(model.preprocess(images))
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    cost = error + (100 * sent["rate"] + 255 / 26.5 * outside.sum(axis=(1, 2, 3))) / wanted[0].size
    assert history.history["loss"][0] == pytest.approx(np.mean(cost * weights), rel=1e-3)
    assert history.history["bpp"][0] == pytest.approx(sent["rate"].mean() / 32**2, rel=1e-3)


def test_a_proxy_of_the_users_own_is_left_alone():
    class Halve(keras.layers.Layer):
        def call(self, images, training=None):
            return images / 2, keras.ops.sum(images, axis=(1, 2, 3))

    model = sandwich()
    model = ks.models.CompressIntraModel(model.preprocessor, model.postprocessor, Halve(), 100.0)
    history = train(compiled(model))
    assert "bpp" in history.history


@pytest.mark.once
def test_pictures_that_look_scaled_to_one():
    with pytest.warns(UserWarning, match=r"look scaled to \[0, 1\].*multiply them by 255"):
        train(compiled(optimizer=keras.optimizers.SGD(0.0)), [PICTURES / 255])


@pytest.mark.once
@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (sandwich, {}, "must be compiled"),
        (compiled, {"strengths": ()}, "at least one strength"),
        (compiled, {"dataset": PICTURES}, "must give batches"),
    ],
)
def test_bad_arguments(model, options, message):
    with pytest.raises(ValueError, match=message):
        train(model(), **options)
