"""The postprocessor alone is trained, on real files, and these get better for it."""

import signal

import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import decibels, photographs
from small_models import sandwich

import keras_sandwich as ks
from keras_sandwich.training import finetune_postprocessor, finetuning
from keras_sandwich.training.decoded_crops import decoded_pictures
from keras_sandwich.training.finetuning import PostprocessorTraining

PICTURES = photographs(3, 64, 64)
CODEC = ks.codecs.WebP(quality=30)


def finetune(model, codec=CODEC, **options):
    defaults = {
        "strengths": (codec.strength,),
        "epochs": 3,
        "steps_per_epoch": 4,
        "crop_size": 32,
        "batch_size": 4,
        "verbose": 0,
    }
    return finetune_postprocessor(model, PICTURES, codec, **{**defaults, **options})


def through_files(model, codec=CODEC):
    return decibels(PICTURES, ks.transport(model, PICTURES.astype("float32"), codec)["prediction"])


def snapshot(model):
    return {weight.path: to_numpy(weight).copy() for weight in model.weights}


def changed(model, before):
    return {path for path, value in snapshot(model).items() if np.any(value != before[path])}


@pytest.mark.once
def test_files_decode_better_and_nothing_else_changes():
    model = sandwich(networks=True)
    model.compile(keras.optimizers.Adam(1e-3), loss="mse")
    model.train_on_batch(PICTURES.astype("float32"))  # the optimizer has a state to be kept
    model.preprocessor.unet.trainable = False
    optimizer, before = model.optimizer, snapshot(model)
    state = [to_numpy(variable).copy() for variable in optimizer.variables]
    trainable = [weight.path for weight in model.trainable_weights]
    bits = ks.transport(model, PICTURES.astype("float32"), CODEC)["rate"]
    start = through_files(model)

    history = finetune(model, epochs=20, learning_rate=3e-3)

    assert through_files(model) > start + 0.5
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert changed(model, before) == {
        weight.path for weight in model.postprocessor.trainable_weights
    }
    np.testing.assert_array_equal(
        ks.transport(model, PICTURES.astype("float32"), CODEC)["rate"], bits
    )
    assert [weight.path for weight in model.trainable_weights] == trainable
    assert model.optimizer is optimizer
    assert model.compiled
    for ours, theirs in zip(optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), theirs)


def test_the_loss_is_the_models_distortion():
    model = sandwich()
    options = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 64, "crop_size": 64}
    logs = finetune(model, learning_rate=1e-12, **options).history
    sent = ks.transport(model, PICTURES.astype("float32"), CODEC)["prediction"].astype("float64")
    errors = np.mean((sent - PICTURES) ** 2, axis=(1, 2, 3))
    # Whole pictures, drawn at random.
    assert errors.min() < logs["loss"][0] < errors.max()
    model.compile(loss=lambda y, y_pred: keras.ops.mean(0.0 * y_pred + 7.0, axis=-1))
    assert finetune(model, learning_rate=1e-12, **options).history["loss"] == [pytest.approx(7.0)]


def test_loss_and_psnr_against_numpy():
    model = sandwich()
    training = PostprocessorTraining(model)
    training.compile()
    decoded = photographs(2, 32, 32)[..., :1].astype("float32")
    targets = photographs(2, 32, 32).astype("float32")
    inputs = {"decoded": decoded, "qstep": np.ones(2, "float32")}
    logs = training.test_on_batch(inputs, targets, return_dict=True)
    restored = to_numpy(model.postprocess(decoded))
    assert logs["loss"] == pytest.approx(np.mean((restored - targets) ** 2), rel=1e-4)
    assert logs["psnr"] == pytest.approx(decibels(targets, restored), abs=1e-3)


def test_low_resolution_and_several_strengths():
    model = sandwich(bottleneck_channels=3, downsample_factor=2, convert_to_yuv=True)
    pictures = [photographs(1, 71, 67)[0], photographs(2, 66, 90)[1]]  # odd ones lose a row
    before = snapshot(model)
    options = {"crop_size": 64, "epochs": 2, "steps_per_epoch": 2, "verbose": 0}
    finetune_postprocessor(model, pictures, ks.codecs.JPEG(qstep=1), **options)
    assert changed(model, before) == {weight.path for weight in model.postprocessor.weights}


def test_augmented_pictures_are_coded_turned_and_mirrored(monkeypatch):
    seen = []

    def note(model, pictures, *arguments):
        seen.extend(pictures)
        return decoded_pictures(model, pictures, *arguments)

    monkeypatch.setattr(finetuning, "decoded_pictures", note)
    picture = photographs(1, 32, 48)[0]
    options = {"strengths": (70,), "epochs": 1, "steps_per_epoch": 1, "crop_size": 32, "verbose": 0}
    finetune_postprocessor(sandwich(), [picture], CODEC, augment=True, **options)
    assert len({turned.tobytes() + bytes(turned.shape) for turned in seen}) == 8
    for turned in seen:
        ways = (turned, turned[::-1], turned[:, ::-1], turned[::-1, ::-1])
        upright = [way if way.shape == picture.shape else way.transpose(1, 0, 2) for way in ways]
        assert any(np.array_equal(way, picture) for way in upright)


def test_learning_rates():
    seen = []

    class Note(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(float(to_numpy(self.model.optimizer.learning_rate)))

    options = {"epochs": 100, "steps_per_epoch": 1, "batch_size": 1, "callbacks": Note()}
    finetune(sandwich(), learning_rate=1e-3, **options)
    budget = ks.callbacks.TrainingBudget(1e-3)
    expected = [budget.learning_rate_at(epoch / 100) for epoch in range(100)]
    np.testing.assert_allclose(seen, expected, rtol=1e-4)

    seen.clear()
    options = {**options, "epochs": 3}
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [1e-3, 1e-4])
    finetune(sandwich(), learning_rate=schedule, **options)
    np.testing.assert_allclose(seen, [1e-3, 1e-3, 1e-4], rtol=1e-4)

    seen.clear()
    own = ks.callbacks.TrainingBudget(2e-3, warmup=0.0, final=1.0)
    finetune(sandwich(), **{**options, "callbacks": [own, Note()]})
    np.testing.assert_allclose(seen, [2e-3] * 3, rtol=1e-4)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 1):
            signal.raise_signal(signal.SIGINT)


@pytest.mark.usefixtures("ctrl_c")
def test_interrupted_and_resumed_is_as_never_interrupted(tmp_path):
    unbroken = sandwich()
    finetune(unbroken)

    first = sandwich()
    before = snapshot(first)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        finetune(first, callbacks=[Interrupt(), backup])
    assert changed(first, before)
    assert np.isfinite(through_files(first))

    resumed = sandwich()
    history = finetune(resumed, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")])
    assert history.epoch == [1, 2]
    for ours, theirs in zip(resumed.weights, unbroken.weights, strict=True):
        np.testing.assert_allclose(to_numpy(ours), to_numpy(theirs), rtol=0, atol=1e-5)


def test_callbacks_see_a_system_and_save_the_sandwich(tmp_path):
    model = sandwich()
    evaluation = ks.callbacks.CodecEvaluation(
        PICTURES.astype("float32"), ks.codecs.JPEG(qstep=1), (4, 16, 64), bits_per_pixel=2.0
    )
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "best.keras")
    history = finetune(model, callbacks=[evaluation, checkpoint], epochs=1)
    assert history.history["codec_psnr"][0] > 10
    saved = keras.saving.load_model(tmp_path / "best.keras")
    assert isinstance(saved, ks.models.CompressIntraModel)
    np.testing.assert_allclose(through_files(saved), through_files(model), atol=1e-3)


@pytest.mark.skipif(BACKEND != "torch", reason="one backend is enough for a policy")
def test_mixed_precision():
    model = sandwich(networks=True, dtype="mixed_bfloat16")
    start = through_files(model)
    finetune(model, epochs=20, learning_rate=3e-3)
    assert through_files(model) > start + 0.5
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        (photographs(1, 24, 64), {}, r"at least 32×32.*\(24, 64, 3\), picture 0"),
        ([], {}, "at least one picture"),
        (photographs(1, 64, 64)[0], {}, r"Received shape \(64, 64, 3\)"),
        (np.full((1, 64, 64, 3), np.nan), {}, "finite"),
        ([PICTURES[0], PICTURES[0, ..., :1]], {}, r"3 as in the first.*, 1\), picture 1"),
        (PICTURES, {"crop_size": 33}, "multiple of the downsample factor 2.*33"),
        (PICTURES, {"crop_size": 32.0}, "`crop_size` must be a positive integer.*32.0"),
        (PICTURES, {"batch_size": 0}, "`batch_size` must be a positive integer.*0"),
        (PICTURES, {"steps_per_epoch": 0}, "`steps_per_epoch` must be a positive integer.*0"),
        (PICTURES * 16.0, {}, r"in \[0, 255\], for num_truncate_bits=0.* to \d{4}"),
        (PICTURES - 300.0, {}, r"in \[0, 255\].*from -"),
    ],
)
def test_bad_arguments(images, options, message):
    model = sandwich(bottleneck_channels=3, downsample_factor=2)
    with pytest.raises(ValueError, match=message):
        finetune_postprocessor(model, images, CODEC, **{"crop_size": 32, "verbose": 0, **options})


def test_nothing_to_train():
    model = sandwich()
    model.postprocessor.trainable = False
    with pytest.raises(ValueError, match="no postprocessor with weights to train"):
        finetune(model)
