"""A saved sandwich is the sandwich, also in training that goes on (for other backends: test_other_backends.py)."""

import functools
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from small_models import assert_equal, full_sandwich, loaded, run_on, sandwich, weights_of

import keras_sandwich as ks

PICTURES = photographs(4, 16, 16).astype("float32")


def compiled(model):
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss="mae",
        metrics=[keras.metrics.MeanAbsoluteError(name="error")],
        run_eagerly=BACKEND == "tensorflow",
    )
    return model


def full():
    """With U-Nets, a loop filter, and noise that training draws."""
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2))
    return compiled(
        sandwich(networks=True, loop_filter=loop_filter, rounding="uniform_noise", seed=3)
    )


def train(model, epochs=1):
    """The loss of each epoch."""
    history = model.fit(PICTURES, batch_size=2, epochs=epochs, shuffle=False, verbose=0)
    return history.history["loss"]


def scramble(model):
    """Gives every weight another value."""
    generator = np.random.default_rng(7)
    for weight in model.weights:
        weight.assign(generator.uniform(0.1, 1.0, weight.shape).astype("float32"))
    return model


def test_a_loaded_model_evaluates_and_goes_on_training_like_the_saved_one(tmp_path):
    model = full()
    loop_filter = weights_of(model.loop_filter)
    train(model)
    model.gamma = 321.0
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    same = loaded(tmp_path / "m.keras")
    fresh = full()
    fresh.optimizer.build(fresh.trainable_variables)
    fresh.load_weights(tmp_path / "m.weights.h5")

    logs, logs_of_same = (
        m.evaluate(PICTURES, batch_size=2, verbose=0, return_dict=True) for m in (model, same)
    )
    assert "error" in logs
    assert logs_of_same == pytest.approx(logs, rel=1e-6)
    before = weights_of(model)
    for each in (same, fresh):
        assert float(to_numpy(each.gamma)) == 321.0
        assert_equal(weights_of(each), before)
        assert_equal(each.optimizer.variables, model.optimizer.variables)
    assert train(same) == pytest.approx(train(model), rel=1e-5)
    assert_equal(weights_of(same), weights_of(model), atol=1e-5)
    for side in ("preprocessor", "postprocessor"):
        assert float(to_numpy(getattr(same, side).unet_scale)) != pytest.approx(0.1, abs=1e-5)
    assert_equal(weights_of(same.loop_filter), loop_filter)  # frozen


def test_what_was_frozen_is_frozen_when_it_is_loaded(tmp_path):
    model = full_sandwich()
    model.preprocessor.unet.trainable = False
    model.postprocessor.trainable = False
    model.save(tmp_path / "m.keras")
    trainable = [[w.trainable for w in m.weights] for m in (model, loaded(tmp_path / "m.keras"))]
    assert trainable[0] == trainable[1]
    assert any(trainable[0])


def test_a_loop_filter_that_was_never_built_is_frozen():
    model = sandwich(loop_filter=ks.models.create_loop_filter_model((2,), (2, 2)))
    assert len(model.trainable_variables) == len(sandwich().trainable_variables)


def test_built_and_loaded_is_everything(tmp_path):
    saved = scramble(full())
    saved.save_weights(tmp_path / "m.weights.h5")
    fresh = ks.models.CompressIntraModel.from_config(saved.get_config())
    fresh.build((None, None, None, 3))
    fresh.load_weights(tmp_path / "m.weights.h5")
    assert_equal(weights_of(fresh), weights_of(saved))
    # Also one that is not compiled, from a file with an optimizer's state.
    saved.save(tmp_path / "m.keras")
    uncompiled = keras.saving.load_model(tmp_path / "m.keras", compile=False)
    assert_equal(weights_of(uncompiled), weights_of(saved))


@pytest.mark.parametrize("make", [keras.optimizers.Adam, keras.optimizers.AdamW, "scaled"])
@pytest.mark.parametrize("kind", ["sandwich", "network"])
def test_a_saved_optimizer_has_a_name_that_every_backend_knows(kind, make, tmp_path):
    inner = keras.optimizers.Adam if make == "scaled" else make
    optimizer = keras.optimizers.LossScaleOptimizer(inner(0.02)) if make == "scaled" else make(0.02)
    model = sandwich() if kind == "sandwich" else built(ks.models.UNet(1, (2,), (2, 2)))
    model.compile(optimizer, loss="mse", jit_compile=True if make == "scaled" else "auto")
    model.optimizer.build(model.trainable_variables)
    text = json.dumps(model.get_compile_config())
    assert "keras.src.backend" not in text
    config = json.loads(text)
    assert config["jit_compile"] is True if make == "scaled" else config["jit_compile"] == "auto"
    model.save(tmp_path / "m.keras")
    again = loaded(tmp_path / "m.keras").optimizer
    assert type(again) is type(optimizer)
    assert getattr(again, "inner_optimizer", again).get_config() == inner(0.02).get_config() | {
        "name": getattr(optimizer, "inner_optimizer", optimizer).name
    }


def test_loading_needs_no_more_than_the_import_of_the_package(tmp_path):
    model = compiled(sandwich())
    model.save(tmp_path / "m.keras")
    script = """
import sys
import keras_sandwich
import keras

model = keras.saving.load_model(sys.argv[1])
print(type(model).__name__, model.compiled, float(model.gamma))
"""
    assert run_on(BACKEND, script, str(tmp_path / "m.keras")).split()[-3:] == [
        "CompressIntraModel",
        "True",
        "100.0",
    ]


def built(model):
    model.build((None, None, None, 3))
    return model


def narrow(**options):
    return ks.models.create_basic_model(
        **{"encoder_filters": (4,), "decoder_filters": (4, 4), **options}
    )


OTHER_MODELS = {
    "wider": lambda: narrow(encoder_filters=(5,)),
    "deeper": lambda: narrow(encoder_filters=(4, 4), decoder_filters=(4, 4, 4)),
    "without a U-Net": lambda: narrow(use_unet_preprocessor=False),
    "more hidden layers": lambda: narrow(num_mlp_layers=4),
    "a loop filter": lambda: narrow(loop_filter=ks.models.create_loop_filter_model((2,), (2, 2))),
}


@functools.cache
def other_model(name):
    """Made once: whoever is refused stays as it is."""
    return built(narrow() if name is None else OTHER_MODELS[name]())


@pytest.mark.parametrize("kind", ["weights.h5", "keras"])
@pytest.mark.parametrize("direction", ["saved", "loaded"])
@pytest.mark.parametrize("other", OTHER_MODELS)
def test_the_weights_of_another_model_are_refused(other, direction, kind, tmp_path):
    saved, model = other_model(other), other_model(None)
    if direction == "loaded":
        saved, model = model, saved
    path = str(tmp_path / f"m.{kind}")
    (saved.save if kind == "keras" else saved.save_weights)(path)
    with pytest.raises(ValueError, match="make the model with the arguments") as refusal:
        model.load_weights(path)
    own, others = (f"{len(m.weights)} weights with {m.count_params():,}" for m in (model, saved))
    assert f"has {own} parameters" in str(refusal.value)
    assert f"a file with {others} parameters" in str(refusal.value)


def test_what_fits_can_be_asked_for(tmp_path):
    large, small = scramble(built(narrow())), built(narrow(use_unet_preprocessor=False))
    large.save_weights(tmp_path / "m.weights.h5")
    with pytest.warns(UserWarning, match="make the model with the arguments"):
        small.load_weights(tmp_path / "m.weights.h5", skip_mismatch=True)
    assert_equal(small.preprocessor.mlp.weights, large.preprocessor.mlp.weights)
    assert_equal(small.postprocessor.weights, large.postprocessor.weights)


def test_a_keras_file_whose_weights_are_more_than_its_model_is_refused(tmp_path):
    built(narrow()).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["preprocessor"]["config"]["unet"] = None
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "changed.keras", "w") as file:
        for name, content in parts.items():
            file.writestr(name, content)
    with pytest.raises(ValueError, match="make the model with the arguments"):
        keras.saving.load_model(tmp_path / "changed.keras")


def test_a_file_without_counts_is_loaded(tmp_path):
    saved, fresh = scramble(built(narrow())), built(narrow())
    path = str(tmp_path / "m.weights.h5")
    saved.save_weights(path)
    with h5py.File(path, "a") as file:
        found = []
        file.visit(lambda name: found.append(name) if name.endswith("vars/counts") else None)
        for name in found:
            del file[name]
    assert len(found) == 7  # the sandwich, its two sides, their linear paths and their U-Nets
    fresh.load_weights(path)
    assert_equal(weights_of(fresh), weights_of(saved))


def test_checkpoints_and_the_best_epoch(tmp_path):
    model = compiled(sandwich(networks=True))
    callbacks = [
        # The first two epochs train; those that follow throw everything about.
        keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3 if epoch < 2 else 0.3),
        keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "best.weights.h5", "loss", save_best_only=True, save_weights_only=True
        ),
    ]
    history = model.fit(
        PICTURES, batch_size=2, epochs=9, shuffle=False, callbacks=callbacks, verbose=0
    ).history
    assert len(history["loss"]) == 4
    assert np.argmin(history["loss"]) == 1
    epochs = [loaded(tmp_path / f"{epoch}.keras") for epoch in (1, 2, 3)]
    assert_equal(weights_of(model), weights_of(epochs[1]))
    for other in (epochs[0], epochs[2]):
        kernels = [m.preprocessor.mlp.linear.kernel for m in (model, other)]
        assert np.abs(np.subtract(*to_numpy(kernels))).max() > 1e-4
    best = scramble(sandwich(networks=True))
    best.load_weights(tmp_path / "best.weights.h5")
    assert_equal(weights_of(best), weights_of(model))


def test_tensorboard_shows_the_logs(tmp_path):
    pytest.importorskip("tensorflow", reason="Keras writes for TensorBoard with TensorFlow")
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard reads them"
    )
    from tensorboard.util.tensor_util import make_ndarray

    model = compiled(sandwich())
    history = model.fit(
        PICTURES,
        batch_size=4,
        epochs=2,
        callbacks=[keras.callbacks.TensorBoard(str(tmp_path))],
        verbose=0,
    ).history
    events = accumulator.EventAccumulator(str(tmp_path / "train")).Reload()
    for name in ("loss", "distortion", "psnr", "bpp", "qstep", "error"):
        shown = [float(make_ndarray(e.tensor_proto)) for e in events.Tensors(f"epoch_{name}")]
        assert shown == pytest.approx(history[name], rel=1e-6)
