"""Training with Keras: from any source of data, in any precision, and after it was killed."""

import warnings

import keras
import numpy as np
import pytest
from autodiff import BACKEND, run, to_numpy
from photographs import photographs
from small_models import sandwich, weights_of

import keras_sandwich as ks

PICTURES = photographs(4, 16, 16).astype("float32")


def compiled(model, **options):
    model.compile(
        **{
            "optimizer": keras.optimizers.Adam(1e-3),
            "loss": "mse",
            "metrics": [keras.metrics.MeanSquaredError(name="again")],
            "run_eagerly": BACKEND == "tensorflow",
            **options,
        }
    )
    return model


def saved_start(model, folder):
    """Brings the model back to here, the optimizer and the noise too, without compiling it anew."""
    model.optimizer.build(model.trainable_variables)
    path = str(folder / "start.weights.h5")
    model.save_weights(path)
    rate = float(to_numpy(model.optimizer.learning_rate))

    def restart():
        model.load_weights(path)
        model.optimizer.learning_rate = rate

    return restart


def distance(some, others):
    return max(np.abs(a - b).max() for a, b in zip(some, others, strict=True))


# Killed and resumed


class Killed(Exception):
    pass


class Kill(keras.callbacks.Callback):
    """Ends the training in the middle of its second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == (1, 0):
            raise Killed


@pytest.mark.parametrize("rounding", ["straight_through", "uniform_noise"])
def test_killed_and_resumed_is_as_never_killed(rounding, tmp_path):
    def train(model, *callbacks):
        dataset = ks.datasets.image_folder(
            list(photographs(4, 40, 40)), crop_size=16, batch_size=2, steps_per_epoch=2, seed=1
        )
        synchronize = ks.callbacks.SynchronizeEpoch(dataset)
        model.fit(dataset, epochs=3, callbacks=[*callbacks, synchronize], verbose=0)
        return weights_of(model)

    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    model = compiled(sandwich(rounding=rounding, seed=4))
    restart = saved_start(model, tmp_path)
    unbroken = train(model)
    restart()
    with pytest.raises(Killed):
        train(model, backup(), Kill())
    # Another seed: the noise must go on from the state that was saved.
    resumed = compiled(sandwich(rounding=rounding, seed=9))
    for ours, theirs in zip(train(resumed, backup()), unbroken, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert int(to_numpy(resumed.optimizer.iterations)) == 6
    assert distance(unbroken, weights_of(sandwich())) > 1e-3


# Data


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    """A model that is compiled once, and what brings it back to its start."""
    model = compiled(sandwich())
    return model, saved_start(model, tmp_path_factory.mktemp("trainer"))


@pytest.fixture(scope="module")
def trained_by_hand(trainer):
    model, restart = trainer
    restart()
    for start in (0, 2, 0, 2):
        model.train_on_batch(PICTURES[start : start + 2])
    return weights_of(model)


def arrays():
    return PICTURES, {"batch_size": 2}


def uint8_dicts():
    return {"image": PICTURES.astype("uint8")}, {"batch_size": 2}


def tf_data():
    tf = pytest.importorskip("tensorflow", reason="tf.data needs TensorFlow")
    return tf.data.Dataset.from_tensor_slices(PICTURES).batch(2), {}


def py_dataset():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return PICTURES[2 * index : 2 * index + 2]

    return Batches(), {}


def torch_data_loader():
    data = pytest.importorskip("torch.utils.data", reason="a DataLoader needs PyTorch")
    from torch import from_numpy

    # Keras asks for tuples here: a loader of bare tensors trains on PyTorch alone.
    return data.DataLoader(data.TensorDataset(from_numpy(PICTURES)), batch_size=2), {}


@pytest.mark.parametrize("source", [arrays, uint8_dicts, tf_data, py_dataset, torch_data_loader])
def test_every_source_trains_the_same(source, trainer, trained_by_hand):
    data, options = source()
    model, restart = trainer
    restart()
    model.fit(data, epochs=2, shuffle=False, verbose=0, **options)
    assert distance(weights_of(model), trained_by_hand) < 1e-5
    assert distance(weights_of(model), weights_of(sandwich())) > 1e-3


def test_pictures_that_look_scaled_to_one(trainer):
    model, _ = trainer
    with pytest.warns(UserWarning, match=r"look scaled to \[0, 1\].*multiply them by 255"):
        model.fit(PICTURES / 255, batch_size=2, verbose=0)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="No pixel of the training pictures")
        model.fit(PICTURES, batch_size=2, verbose=0)


def test_what_fit_shows(trainer):
    model, restart = trainer
    restart()
    model.optimizer.learning_rate = 0.0
    history = model.fit(
        PICTURES, batch_size=2, validation_data=(PICTURES,), validation_batch_size=2, verbose=0
    ).history
    logs = {name: values[0] for name, values in history.items()}
    names = {"loss", "distortion", "psnr", "bpp", "qstep", "again"}
    assert set(logs) == names | {f"val_{name}" for name in names}
    for name in names:
        assert logs[f"val_{name}"] == pytest.approx(logs[name], rel=1e-4)
    assert logs["again"] == pytest.approx(logs["distortion"], rel=1e-5)
    # Per element of three channels.
    bottleneck = to_numpy(model.preprocess(PICTURES))
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    penalty = 255 / 26.5 * np.sum(outside) / PICTURES.size
    expected = logs["distortion"] + 100 * logs["bpp"] / 3 + penalty
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)
    assert logs["qstep"] == pytest.approx(11.0)


# How it is compiled


def trained(jit_compile):
    # The cheapest program: run without a compiler, JAX compiles each of its operations.
    model = compiled(sandwich(rate_model="gaussian"), jit_compile=jit_compile, run_eagerly=False)
    model.fit(PICTURES, batch_size=2, epochs=2, shuffle=False, verbose=0)
    if jit_compile != "auto":  # which Keras resolves by backend and device
        assert model.jit_compile is jit_compile
    return weights_of(model)


def test_compiled_or_not_it_trains_the_same():
    theirs = trained(jit_compile=False)
    # On PyTorch a compiled step takes minutes to trace; tests/layers compile the layers.
    for jit_compile in ("auto",) if BACKEND == "torch" else ("auto", True):
        assert distance(trained(jit_compile), theirs) < 1e-4
    assert distance(theirs, weights_of(sandwich())) > 1e-3


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_the_networks_around_an_exact_codec(policy):
    model = compiled(sandwich(networks=True, dtype=policy))
    # Float16's loss scale must first come down to where nothing overflows.
    epochs = 14 if policy == "mixed_float16" else 4
    losses = model.fit(PICTURES, batch_size=4, epochs=epochs, verbose=0).history["loss"]
    assert np.all(np.isfinite(losses))
    assert losses[-1] < 0.98 * losses[0]
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.preprocessor.unet.compute_dtype == policy.removeprefix("mixed_")
    outputs = run(model, PICTURES)
    exact = ks.layers.EncodeDecodeIntra(qstep_init=10.0)
    exact.build((None, None, None, 1))
    exact.qstep.assign(model.codec_proxy.qstep)
    decoded, rate = run(exact, np.clip(outputs["bottleneck"], 0, 255))
    # In bfloat16 whole pixels would be off; a coefficient at a tie may be rounded the other way.
    assert np.mean(np.abs(outputs["compressed_bottleneck"] - decoded) > 1e-3) < 0.03
    np.testing.assert_allclose(outputs["rate"], rate, rtol=2e-3)
