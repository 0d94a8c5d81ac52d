"""The steps that are drawn, and that the compiled training step uses them."""

import keras
import numpy as np
import pytest
from photographs import photographs
from small_models import sandwich

from keras_sandwich.callbacks import VaryingQstep
from keras_sandwich.models import create_basic_model

LOWEST, HIGHEST = 12.0, 48.0


class Steps(keras.callbacks.Callback):
    """Each batch's step, as the model has it when the batch begins, and its bits."""

    def __init__(self):
        super().__init__()
        self.qsteps, self.bpp = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.qsteps.append(step_of(self.model))

    def on_train_batch_end(self, batch, logs=None):
        self.bpp.append((batch + 1) * logs["bpp"])  # the log is the epoch's mean until now


def step_of(model):
    return float(keras.ops.convert_to_numpy(model.codec_proxy.effective_qstep()))


def train(
    varying, learning_rate=0.0, batches=6, epochs=1, initial_epoch=0, min_qstep=1.0, **options
):
    model = sandwich(**options)
    model.codec_proxy.min_qstep = min_qstep
    model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
    steps = Steps()
    model.fit(
        np.repeat(photographs(1, 32, 32), batches, axis=0),
        batch_size=1,
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=[varying, steps],
        verbose=0,
    )
    return model, steps


@pytest.mark.parametrize("train_qstep", [True, False])
def test_each_batch_is_coded_at_its_own_step(train_qstep):
    model, steps = train(VaryingQstep(LOWEST, HIGHEST), train_qstep=train_qstep)
    assert len(set(steps.qsteps)) == 6
    bits = np.diff(steps.bpp, prepend=0.0)
    for qstep, bpp in zip(steps.qsteps, bits, strict=True):
        model.codec_proxy.set_effective_qstep(qstep)
        alone = model.test_on_batch(photographs(1, 32, 32), return_dict=True)
        assert bpp == pytest.approx(float(alone["bpp"]), rel=1e-3)


def test_steps_are_even_in_their_logarithm():
    model, varying, qsteps = sandwich(), VaryingQstep(LOWEST, HIGHEST), []
    model.build((None, None, None, 3))
    model.codec_proxy.min_qstep = 1.0
    varying.set_model(model)  # what `fit` does with the step that is set, the other tests see
    varying.on_train_begin()
    varying.on_epoch_begin(0)
    for batch in range(200):
        varying.on_train_batch_begin(batch)
        qsteps.append(step_of(model))
    varying.on_epoch_end(0)
    places = np.sort(np.log(np.array(qsteps) / LOWEST) / np.log(HIGHEST / LOWEST))
    assert np.abs(places - (np.arange(200) + 0.5) / 200).max() < 0.115  # Kolmogorov–Smirnov, 1 %
    assert step_of(model) == pytest.approx(np.sqrt(LOWEST * HIGHEST))


def test_a_resumed_training_draws_the_same():
    _, whole = train(VaryingQstep(LOWEST, HIGHEST), learning_rate=1e-6, epochs=2)
    _, resumed = train(VaryingQstep(LOWEST, HIGHEST), learning_rate=1e-6, epochs=2, initial_epoch=1)
    assert whole.qsteps[6:] == pytest.approx(resumed.qsteps)
    assert set(whole.qsteps[:6]).isdisjoint(whole.qsteps[6:])
    _, other = train(VaryingQstep(LOWEST, HIGHEST, seed=1))
    assert set(other.qsteps).isdisjoint(whole.qsteps)


class Looking(keras.callbacks.Callback):
    """The step when the model is validated, and when it could be saved."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_test_batch_begin(self, batch, logs=None):
        self.seen.append(step_of(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(step_of(self.model))


def test_validation_and_checkpoints_are_of_the_middle_step():
    model = sandwich()
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    pictures, looking = photographs(2, 32, 32), Looking()
    history = model.fit(
        pictures,
        batch_size=1,
        epochs=2,
        validation_data=(pictures, pictures),
        callbacks=[VaryingQstep(LOWEST, HIGHEST), looking],
        verbose=0,
    )
    assert looking.seen == pytest.approx([24.0] * len(looking.seen), rel=1e-4)
    assert len(looking.seen) >= 4
    model.codec_proxy.set_effective_qstep(24.0)
    alone = model.evaluate(pictures, pictures, verbose=0, return_dict=True)
    assert history.history["val_bpp"] == pytest.approx([float(alone["bpp"])] * 2, rel=1e-3)


def test_a_model_that_is_not_built():
    model = create_basic_model(use_unet_preprocessor=False, use_unet_postprocessor=False)
    assert not model.codec_proxy.built
    model.compile(keras.optimizers.SGD(0.0), loss="mse")
    qsteps = []

    # The log is the epoch's mean until now.
    noted = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: qsteps.append((batch + 1) * float(logs["qstep"]))
    )
    pictures = np.repeat(photographs(1, 32, 32), 4, axis=0)
    callbacks = [VaryingQstep(LOWEST, HIGHEST), noted]
    model.fit(pictures, batch_size=1, callbacks=callbacks, verbose=0)
    drawn = np.diff(qsteps)  # the first batch may have the model's own step
    assert np.all((drawn >= LOWEST - 1e-3) & (drawn <= HIGHEST + 1e-3))
    assert len(set(np.round(drawn, 2))) == 3
    assert step_of(model) == pytest.approx(24.0)


def test_a_single_step():
    # exp(log 5) is less than 5, which here is the least that the proxy can have.
    model, steps = train(VaryingQstep(5.0, 5.0), batches=2, min_qstep=5.0)
    assert [*steps.qsteps, step_of(model)] == pytest.approx([5.0] * 3)


@pytest.mark.parametrize(
    ("lowest", "highest"), [(0.0, 9.0), (9.0, 8.0), (9.0, np.inf), (np.nan, 9.0)]
)
def test_bad_ranges(lowest, highest):
    with pytest.raises(ValueError, match="0 < lowest ≤ highest"):
        VaryingQstep(lowest, highest)


@pytest.mark.parametrize("seed", [None, -1, 0.5])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="an integer of at least 0"):
        VaryingQstep(9.0, 10.0, seed=seed)


def test_a_range_below_the_proxy_s():
    with pytest.raises(ValueError, match=r"at least its min_qstep, 1\. Received lowest=0.5"):
        train(VaryingQstep(0.5, 9.0), batches=1)


def test_a_proxy_without_a_step():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", loss="mse")
    with pytest.raises(ValueError, match="an EncodeDecodeIntra"):
        model.fit(np.ones((1, 2)), np.ones((1, 1)), callbacks=[VaryingQstep(2, 9)], verbose=0)
