"""What Keras does around a loss it does around ours: each compared with a plain Keras model of the same distortion."""

import json

import keras
import numpy as np
import pytest
from autodiff import BACKEND, to_numpy
from photographs import photographs
from small_models import run_on, sandwich

import keras_sandwich as ks
from keras_sandwich.models.model_keys import ModelKeys

PICTURES = photographs(4, 16, 24).astype("float32")
TARGET = PICTURES[:, ::-1].copy()
RANDOM = np.random.default_rng(0)
PIXELS = RANDOM.uniform(0, 2, (4, 16, 24)).astype("float32")
SAMPLES = np.float32([1.0, 0.0, 2.0, 0.5])


class Plain(keras.Model):
    """The predictions of a sandwich, trained by Keras alone."""

    def __init__(self, sandwich):
        super().__init__()
        self.sandwich = sandwich

    def call(self, x, training=None):
        return self.sandwich(x, training=training)["prediction"]


def masked():
    """The pixels that the codec decodes as black are masked."""
    return ks.models.CompressIntraModel(
        None, keras.layers.Masking(0.0), ks.layers.EncodeDecodeIntra(20.0, rate_model="gaussian"), 0
    )


def regularized():
    model = sandwich(gamma=0.0, rate_model="gaussian")
    model.preprocessor.mlp.linear.kernel.regularizer = keras.regularizers.L2(50.0)
    return model


def accumulating():
    return keras.optimizers.SGD(1e-7, gradient_accumulation_steps=2)


def loss_scaling():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-7), initial_scale=64.0)


# What our model is given, and what Keras' own is given for the same.
CASES = {
    "nothing": {},
    "samples": {"weights": (SAMPLES, SAMPLES[:, None, None])},
    "samples as a column": {"weights": (SAMPLES[:, None], SAMPLES[:, None, None])},
    "pixels": {"weights": (PIXELS, PIXELS)},
    "pixels of one channel": {"weights": (PIXELS[..., None], PIXELS)},
    "regularization": {"make": regularized},
    "mask": {"make": masked, "pictures": np.where(PIXELS[..., None] > 1, PICTURES, 0)},
    "accumulation": {"optimizer": accumulating},
    "loss scaling": {"optimizer": loss_scaling},
    "steps per execution": {"compile": {"steps_per_execution": 2, "run_eagerly": False}},
}


def without_rate():
    return sandwich(gamma=0.0, rate_model="gaussian")


@pytest.mark.parametrize("case", CASES)
def test_as_around_a_loss_of_keras(case):
    options = CASES[case]
    if case == "steps per execution" and BACKEND == "torch":
        pytest.skip("Keras has no steps_per_execution on PyTorch")
    x = options.get("pictures", PICTURES).astype("float32")
    results = []
    wrappers = (lambda model: model), Plain
    for wrap, weights in zip(wrappers, options.get("weights", (None, None)), strict=True):
        model = options.get("make", without_rate)()
        model.bottleneck_penalty = False
        if not model.built:
            model.build((None, None, None, 3))
        wrapped = wrap(model)
        wrapped.compile(
            options.get("optimizer", lambda: keras.optimizers.SGD(1e-7))(),
            loss="mse",
            **{"run_eagerly": BACKEND == "tensorflow", **options.get("compile", {})},
        )
        before = [to_numpy(v).copy() for v in model.trainable_variables]
        logs = wrapped.fit(
            x, TARGET, sample_weight=weights, batch_size=2, shuffle=False, verbose=0
        ).history
        after = [to_numpy(v) for v in model.trainable_variables]
        results.append((logs["loss"][0], [a - b for a, b in zip(after, before, strict=True)]))
    (ours, our_steps), (theirs, their_steps) = results
    assert ours == pytest.approx(theirs, rel=1e-4)
    assert max(np.abs(step).max() for step in their_steps) > 0
    for our, their in zip(our_steps, their_steps, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-2, atol=2e-2 * np.abs(their).max() + 1e-7)


def test_weights_of_other_shapes_are_refused():
    model = sandwich()
    model.compile("sgd", loss="mse")
    outputs = model(PICTURES)
    for weights in (PIXELS[:, :7], np.ones((4, 16, 24, 3), "float32")):
        with pytest.raises(ValueError, match=r"`sample_weight` must hold one number for each"):
            model.compute_loss(PICTURES, None, outputs, weights)
    model.compile("sgd", loss=ks.losses.StructuralSimilarity())
    with pytest.raises(ValueError, match=r"value of the loss, which has shape \(4,\)"):
        model.compute_loss(PICTURES, None, outputs, PIXELS)


def test_the_weights_of_pixels_weigh_the_rate_by_their_mean():
    model = sandwich(gamma=300.0)
    model.bottleneck_penalty = False
    model.compile("sgd", loss="mse")
    outputs = model(PICTURES)
    error = np.mean((to_numpy(outputs["prediction"]) - PICTURES) ** 2, axis=-1)
    rate = 300 * to_numpy(outputs["rate"]) / PICTURES[0].size
    expected = np.mean(PIXELS * error + PIXELS * rate[:, None, None])
    loss = model.compute_loss(PICTURES, None, outputs, PIXELS)
    assert float(to_numpy(loss)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("labels", [np.arange(4), np.eye(4)])
def test_labels_as_targets_are_refused(labels):
    model = sandwich()
    model.compile("sgd")
    with pytest.raises(ValueError, match=r"must be pictures of shape .*16, 24, 3.*labels=None"):
        model.fit(PICTURES, labels, verbose=0)


def test_a_step_computes_the_loss_once(monkeypatch):
    model = sandwich(rate_model="gaussian")
    model.compile(keras.optimizers.SGD(0.0), loss="mse", run_eagerly=True)
    model.train_on_batch(PICTURES)
    calls = []
    compute_loss = type(model).compute_loss

    def counted(self, *arguments, **options):
        calls.append(arguments)
        return compute_loss(self, *arguments, **options)

    monkeypatch.setattr(type(model), "compute_loss", counted)
    model.train_on_batch(PICTURES)
    model.test_on_batch(PICTURES)
    assert len(calls) == 2


def test_compiled_without_a_loss_after_one_it_is_the_squared_error():
    model = sandwich(rate_model="gaussian")
    expected = np.mean((to_numpy(model(PICTURES)["prediction"]) - PICTURES) ** 2)
    for loss in ("mae", None):
        model.compile("sgd", loss=loss, run_eagerly=BACKEND == "tensorflow")
        assert model.get_compile_config()["loss"] == loss
    logs = model.evaluate(PICTURES, verbose=0, return_dict=True)
    assert logs["distortion"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("given", [1, 2])
def test_the_keys_are_concatenated_once_a_step(given, monkeypatch):
    parts = sandwich(bottleneck_channels=4, output_channels=4, rate_model="gaussian")
    model = ks.models.CompressIntraModel(
        parts.preprocessor, parts.postprocessor, parts.codec_proxy, model_keys=("albedo", "depth")
    )
    model.compile("sgd", loss="mse", run_eagerly=True)
    data = ({"albedo": PICTURES, "depth": PICTURES[..., :1]},) * given
    calls = []
    concatenate = ModelKeys.concatenate

    def counted(keys, inputs):
        calls.append(isinstance(inputs, dict))
        return concatenate(keys, inputs)

    monkeypatch.setattr(ModelKeys, "concatenate", counted)
    model.fit(*data, verbose=0)  # Keras builds the model by calling it
    for run in (model.fit, model.evaluate):
        for steps in (1, 2):
            calls.clear()
            run(*data, batch_size=4 // steps, verbose=0)
            assert sum(calls) == steps * given


REPLICAS = """
import json
import keras
import numpy as np
import tensorflow as tf
from photographs import photographs
from small_models import sandwich
from keras_sandwich.models.training_checks import PeakPixel

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
pictures = photographs(4, 16, 16).astype("float32")
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        model = sandwich(rate_model="gaussian")
        model.preprocessor.mlp.linear.kernel.regularizer = keras.regularizers.L2(50.0)
        model.compile(keras.optimizers.SGD(1e-7), loss="mse")
    before = [keras.ops.convert_to_numpy(v).copy() for v in model.trainable_variables]
    logs = model.fit(
        pictures,
        sample_weight=np.float32([1, 2, 0.5, 3]),
        batch_size=4,
        shuffle=False,
        verbose=0,
    ).history
    logs = {name: values[0] for name, values in logs.items()}
    after = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
    logs["step"] = float(sum(np.sum((a - b) ** 2) for a, b in zip(after, before)) ** 0.5)
    logs["peak"] = float(np.max(model._peak_pixel.result()))
    print(json.dumps(logs))
"""


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.distribute is TensorFlow's")
def test_two_replicas_train_as_one():
    one, two = (json.loads(line) for line in run_on("tensorflow", REPLICAS).splitlines()[-2:])
    assert one["step"] > 0
    assert 0 < two.pop("peak") <= one.pop("peak")
    assert two == pytest.approx(one, rel=1e-3)


FLOATX = """
import json
import keras
import numpy as np
from photographs import photographs
from small_models import sandwich
import keras_sandwich as ks

pictures = photographs(2, 32, 48).astype("float32")
for floatx in ("float32", "bfloat16", "float16", "float64"):
    keras.config.set_floatx(floatx)
    model = sandwich(rate_model="gaussian")
    eager = keras.backend.backend() != "jax"
    model.compile(keras.optimizers.SGD(0.0), loss="mse", run_eagerly=eager)
    logs = model.evaluate(pictures, batch_size=1, verbose=0, return_dict=True)
    outputs = {name: keras.ops.convert_to_numpy(v) for name, v in model(pictures).items()}
    own = (model._distortion, model._qstep, model._psnr, model._bpp, model._peak_pixel)
    values = [*outputs.values(), *model.weights, *(v for metric in own for v in metric.variables)]
    logs = {name: float(value) for name, value in logs.items()}  # bfloat16 stays a tensor
    logs["dtypes"] = sorted({str(value.dtype) for value in values})
    logs["ssim"] = float(ks.losses.StructuralSimilarity()(pictures, outputs["prediction"]))
    print(json.dumps(logs))
"""


def test_floatx_changes_nothing():
    expected, *others = (json.loads(line) for line in run_on(BACKEND, FLOATX).splitlines()[-4:])
    for logs in others:
        assert logs["dtypes"] == ["float32"]
        for name in ("distortion", "psnr", "bpp", "qstep", "ssim"):
            assert logs[name] == pytest.approx(expected[name], rel=1e-3), name
        # The mean that Keras itself keeps of the loss is in its floatx.
        assert logs["loss"] == pytest.approx(expected["loss"], rel=1e-2)
