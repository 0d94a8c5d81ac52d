"""Forward it is the real codec's, backward the proxy's: both put together here from the stages, one by one."""

import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, to_numpy
from photographs import photographs
from small_models import full_sandwich, sandwich, weights_of

import keras_sandwich as ks
from keras_sandwich.losses import distortion_per_sample, range_penalty
from keras_sandwich.training.codec_in_the_loop import CodecInTheLoop, Preprocessing

ops = keras.ops
GAMMA = 100.0
IMAGES = photographs(2, 32, 48).astype("float32")
# What no codec would decode, and bits that no proxy would count: neither may come from anywhere else.
RANDOM = np.random.default_rng(0)
BITS = np.array([5000.0, 9000.0], "float32")
EMPTY = np.array([1000.0, 2000.0], "float32")
GIVEN = {"images": IMAGES, "qstep": np.ones(2, "float32")}


def compiled(model, learning_rate=1e-3):
    model.compile(
        keras.optimizers.SGD(learning_rate), loss="mse", run_eagerly=BACKEND == "tensorflow"
    )
    return model


def inputs_for(model):
    shape = to_numpy(model.preprocess(IMAGES)).shape
    decoded = RANDOM.uniform(0, 255, shape).round().astype("float32")
    return {**GIVEN, "decoded": decoded, "bits": BITS, "empty_bits": EMPTY}


def test_forward_it_is_the_real_codec():
    model = compiled(sandwich(networks=True))
    codec = ks.codecs.JPEG(qstep=30)
    real = ks.transport(model, IMAGES, codec)
    assert real["rate"].shape == (2,)
    inputs = {
        **GIVEN,
        "decoded": real["compressed_bottleneck"].astype("float32"),
        "bits": real["rate"],
        "empty_bits": EMPTY,
    }
    outputs = to_numpy(CodecInTheLoop(model)(inputs, training=True))
    np.testing.assert_array_equal(outputs["compressed_bottleneck"], real["compressed_bottleneck"])
    np.testing.assert_array_equal(outputs["rate"], real["rate"])
    np.testing.assert_allclose(outputs["prediction"], real["prediction"], atol=1e-3)


def test_the_bottlenecks_are_the_models():
    model = compiled(sandwich(networks=True))
    for _ in range(2):  # and follow its weights
        bottlenecks = Preprocessing(model).predict_on_batch(GIVEN)
        np.testing.assert_allclose(bottlenecks, to_numpy(model.preprocess(IMAGES)), atol=1e-3)
        model.preprocessor.mlp.weights[0].assign_add(
            0.1 * to_numpy(model.preprocessor.mlp.weights[0])
        )


def expected_gradients(model, inputs):
    """By the chain rule, in two parts: through the postprocessor at what was decoded, then through the proxy."""
    elements = IMAGES[0].size

    def after(decoded):
        prediction = model.postprocess(decoded, IMAGES.shape[1:3])
        return ops.mean(distortion_per_sample("mse", IMAGES, prediction)), ()

    _, (cotangent,), of_post = differentiate(
        after, [inputs["decoded"]], model.postprocessor.trainable_variables
    )
    _, proxy_rate = model.codec_proxy(np.clip(to_numpy(model.preprocess(IMAGES)), 0, 255))
    scale = ops.convert_to_tensor(GAMMA * (BITS - EMPTY) / to_numpy(proxy_rate))

    def before(images):
        bottleneck = model.preprocess(images)
        proxy, rate = model.codec_proxy(ks.ops.clip(bottleneck, 0.0, 255.0), training=True)
        if model.loop_filter is not None:
            proxy = model.loop_filter(proxy)
        cost = (scale * rate + range_penalty(bottleneck)) / elements
        return ops.sum(proxy * ops.convert_to_tensor(cotangent)) + ops.mean(cost), ()

    _, _, of_pre = differentiate(before, [IMAGES], model.preprocessor.trainable_variables)
    return of_pre, of_post


@pytest.mark.parametrize("make", [lambda: sandwich(networks=True), full_sandwich])
def test_backward_it_is_the_proxy(make):
    learning_rate = 1e-3
    model = compiled(make(), learning_rate)
    inputs = inputs_for(model)
    pre, post = model.preprocessor.trainable_variables, model.postprocessor.trainable_variables
    of_pre, of_post = expected_gradients(model, inputs)
    before = [to_numpy(weight).copy() for weight in (*pre, *post)]
    logs = CodecInTheLoop(model).train_on_batch(inputs, return_dict=True)
    gradients = [*of_pre, *of_post]
    assert sum(np.abs(gradient).max() > 1e-3 for gradient in of_pre) >= 2
    for weight, old, gradient in zip((*pre, *post), before, gradients, strict=True):
        change = (old - to_numpy(weight)) / learning_rate
        # Differences of float32 weights: as exact as these are.
        tolerance = 2e-4 * np.abs(gradient).max() + 3e-7 * np.abs(old).max() / learning_rate
        np.testing.assert_allclose(change, gradient, rtol=2e-3, atol=tolerance)
    assert logs["bpp"] == pytest.approx(np.mean(BITS) / (32 * 48), rel=1e-5)


def test_the_logs_are_those_of_an_epoch_of_the_sandwich():
    model = compiled(sandwich(), learning_rate=0.0)
    step = CodecInTheLoop(model)
    inputs = inputs_for(model)
    step.begin_epoch()
    half = {key: value[:1] for key, value in inputs.items()}
    step.train_on_batch(half, return_dict=True)
    logs = step.train_on_batch({k: v[1:] for k, v in inputs.items()}, return_dict=True)
    assert set(logs) == {"loss", "distortion", "psnr", "bpp", "qstep"}
    whole = CodecInTheLoop(model)
    whole.begin_epoch()
    for name, value in whole.train_on_batch(inputs, return_dict=True).items():
        assert logs[name] == pytest.approx(value, rel=1e-4), name
    prediction = to_numpy(model.postprocess(inputs["decoded"]))
    bottleneck = to_numpy(model.preprocess(IMAGES))
    outside = np.maximum(bottleneck - 255, 0) + np.maximum(-bottleneck, 0)
    distortion = np.mean((prediction.astype("float64") - IMAGES) ** 2)
    loss = distortion + (GAMMA * BITS.sum() + 255 / 26.5 * outside.sum()) / IMAGES.size
    assert logs["distortion"] == pytest.approx(distortion, rel=1e-4)
    assert logs["loss"] == pytest.approx(loss, rel=1e-4)


def test_a_flat_picture_whose_proxy_has_no_bits():
    model = compiled(sandwich())
    flat = np.full_like(IMAGES, 128.0)  # of a size for which JAX has compiled every operation
    inputs = {
        "images": flat,
        "decoded": flat[..., :1],
        "bits": np.full(2, 1300.0, "float32"),
        "empty_bits": np.full(2, 1300.0, "float32"),
    }
    outputs = CodecInTheLoop(model)(inputs)
    np.testing.assert_array_equal(to_numpy(outputs["rate"]), [1300.0, 1300.0])
    CodecInTheLoop(model).train_on_batch(inputs)
    assert all(np.all(np.isfinite(weight)) for weight in weights_of(model))
