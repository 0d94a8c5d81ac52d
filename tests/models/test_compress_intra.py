import keras
import numpy as np
import pytest
from autodiff import BACKEND, differentiate, run, to_numpy
from jpeg_scan_reader import read_scan
from keras import ops
from photographs import decibels, noise, photographs
from small_models import sandwich

import keras_sandwich as ks

PICTURES = photographs(4, 16, 24).astype("float32")


def cost(outputs, target, gamma, penalty=True):
    """The specification's loss, per sample, in float64."""
    outputs = {name: to_numpy(value).astype("float64") for name, value in outputs.items()}
    elements = np.prod(outputs["prediction"].shape[1:])
    b = outputs["bottleneck"]
    outside = np.maximum(b - 255, 0) + np.maximum(-b, 0)
    distortion = np.mean((target - outputs["prediction"]) ** 2, axis=(1, 2, 3))
    return (
        distortion
        + gamma * outputs["rate"] / elements
        + penalty * 255 / 26.5 * outside.sum(axis=(1, 2, 3)) / elements
    )


def compiled(model, **options):
    model.compile(**{"optimizer": "sgd", "loss": "mse", "run_eagerly": BACKEND != "jax", **options})
    return model


def test_what_the_model_returns():
    model = sandwich(networks=True)
    outputs = to_numpy(model(PICTURES))
    bottleneck = run(model.preprocessor, PICTURES)
    decoded, rate = run(model.codec_proxy, np.clip(bottleneck, 0, 255))
    np.testing.assert_allclose(outputs["bottleneck"], bottleneck, rtol=0, atol=1e-3)
    np.testing.assert_allclose(outputs["compressed_bottleneck"], decoded, rtol=0, atol=1e-2)
    np.testing.assert_allclose(outputs["rate"], rate, rtol=1e-4)
    expected = run(model.postprocessor, decoded)
    np.testing.assert_allclose(outputs["prediction"], expected, rtol=0, atol=2e-2)
    assert outputs["image"] is outputs["prediction"] or np.array_equal(
        outputs["image"], outputs["prediction"]
    )


def test_the_forward_pass_is_one_program():
    model = sandwich(networks=True, arithmetic="libjpeg")  # with the float form in it
    together, eager = (run(model, PICTURES, compile=compile) for compile in (True, False))
    for name, expected in eager.items():
        np.testing.assert_allclose(together[name], expected, rtol=2e-3, atol=1e-2)


def test_the_codec_s_range_stops_gradients_beyond_it():
    model = sandwich()
    model.preprocessor.mlp.linear.bias.assign(np.full(4, 3.0, "float32"))  # far above white
    bias = model.preprocessor.mlp.linear.bias

    def distortion(x):
        return ops.sum(model(x)["prediction"]), ()

    assert not np.any(differentiate(distortion, [PICTURES], [bias])[2][0])

    def loss(x):
        return model.compute_loss(x, None, model(x)), ()

    model.compile("sgd")
    assert np.all(differentiate(loss, [PICTURES], [bias])[2][0] > 0)  # the penalty calls back


@pytest.mark.parametrize("penalty", [True, False])
def test_evaluation_is_the_formula(penalty):
    model = sandwich()
    model.bottleneck_penalty = penalty
    model.preprocessor.mlp.linear.bias.assign(np.float32([0.6, 0, 0.2, 0]))  # leaves the range
    compiled(model, metrics=[keras.metrics.MeanAbsoluteError(name="mae")])
    logs = model.evaluate(PICTURES, batch_size=2, verbose=0, return_dict=True)
    outputs = model(PICTURES)
    assert to_numpy(outputs["bottleneck"]).max() > 255
    prediction = to_numpy(outputs["prediction"])
    expected = {
        "loss": cost(outputs, PICTURES, 100.0, penalty).mean(),
        "distortion": np.mean((prediction - PICTURES) ** 2),
        "mae": np.mean(np.abs(prediction - PICTURES)),
        "psnr": decibels(PICTURES, prediction),
        "bpp": to_numpy(outputs["rate"]).mean() / (16 * 24),
        "qstep": 11.0,
    }
    assert set(logs) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(logs[name], value, rtol=1e-3, err_msg=name)


def test_weights_of_samples_and_targets_of_their_own():
    model = compiled(sandwich())
    target = PICTURES[:, ::-1].copy()
    weights = np.float32([1.0, 0.0, 2.0, 0.5])
    logs = model.evaluate(
        PICTURES, target, sample_weight=weights, batch_size=4, verbose=0, return_dict=True
    )
    costs = cost(model(PICTURES), target, 100.0)
    np.testing.assert_allclose(logs["loss"], np.mean(costs * weights), rtol=1e-4)
    prediction = to_numpy(model(PICTURES)["prediction"])
    np.testing.assert_allclose(logs["distortion"], np.mean((prediction - target) ** 2), rtol=1e-4)


@pytest.mark.parametrize("loss", ["mae", keras.losses.MeanAbsoluteError(), "callable", None])
def test_any_loss_is_the_distortion(loss):
    def absolute(target, prediction):
        return ops.abs(target - prediction)

    model = compiled(sandwich(gamma=0.0), loss=absolute if loss == "callable" else loss)
    outputs = model(PICTURES)
    difference = to_numpy(outputs["prediction"]) - PICTURES
    expected = np.mean(difference**2 if loss is None else np.abs(difference))
    model.bottleneck_penalty = False
    np.testing.assert_allclose(
        float(to_numpy(model.compute_loss(PICTURES, None, outputs))), expected, rtol=1e-5
    )


def test_gamma_changes_the_loss_without_recompiling():
    model = compiled(sandwich(gamma=100.0), run_eagerly=False)
    losses = {}
    for gamma in (100.0, 700.0, 0.0):
        model.gamma = gamma
        losses[gamma] = model.evaluate(PICTURES, batch_size=4, verbose=0)[0]
    model.gamma.assign(700.0)
    assert model.evaluate(PICTURES, batch_size=4, verbose=0)[0] == pytest.approx(losses[700.0])
    bits = to_numpy(model(PICTURES)["rate"]).mean() / (16 * 24 * 3)
    assert losses[700.0] - losses[0.0] == pytest.approx(700 * bits, rel=1e-3)
    assert losses[100.0] - losses[0.0] == pytest.approx(100 * bits, rel=1e-3)


def test_several_tensors_by_their_keys():
    albedo, depth = PICTURES, noise(4, 16, 24, 1)
    model = sandwich(bottleneck_channels=4, output_channels=4)
    keyed = ks.models.CompressIntraModel(
        model.preprocessor, model.postprocessor, model.codec_proxy, model_keys=("albedo", "depth")
    )
    inputs = {"depth": depth.astype("uint8"), "albedo": albedo}
    outputs = to_numpy(keyed(inputs))
    expected = to_numpy(model(np.concatenate([albedo, np.floor(depth)], axis=-1)))
    np.testing.assert_allclose(outputs["prediction"], expected["prediction"], rtol=0, atol=1e-2)
    assert np.array_equal(outputs["albedo"], outputs["prediction"][..., :3])
    assert np.array_equal(outputs["depth"], outputs["prediction"][..., 3:])
    compiled(keyed)
    target = {"albedo": albedo + 1, "depth": depth}
    together = np.concatenate([albedo + 1, depth], axis=-1)
    logs = keyed.evaluate(inputs, target, batch_size=4, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["loss"], cost(outputs, together, 50.0).mean(), rtol=1e-4)
    predicted = keyed.predict(inputs, batch_size=4, verbose=0)
    np.testing.assert_allclose(predicted["depth"], outputs["depth"], rtol=0, atol=1e-2)


def test_without_networks_it_is_the_codec():
    model = ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra(qstep_init=9.0))
    outputs = to_numpy(model(PICTURES))
    decoded, rate = run(model.codec_proxy, PICTURES)
    assert np.array_equal(outputs["prediction"], decoded)
    assert np.array_equal(outputs["rate"], rate)
    assert np.array_equal(outputs["bottleneck"], PICTURES)


def test_sizes_that_the_factor_does_not_divide():
    model = sandwich(networks=True, bottleneck_channels=3, downsample_factor=3)
    pictures = photographs(2, 17, 23).astype("float32")
    outputs = model(pictures)
    assert tuple(outputs["bottleneck"].shape) == (2, 5, 7, 3)
    assert tuple(outputs["prediction"].shape) == (2, 17, 23, 3)
    assert model.compute_output_shape((2, 15, 24, 3))["bottleneck"] == (2, 5, 8, 3)


def test_transport_goes_through_real_files():
    model = sandwich(networks=True, bottleneck_channels=3, downsample_factor=2)
    pictures = photographs(2, 33, 40)
    codec = ks.codecs.JPEG(qstep=5, chroma_subsampling="4:2:0")
    outputs = ks.transport(model, pictures, codec)
    sent = np.clip(np.round(to_numpy(model(pictures)["bottleneck"])), 0, 255).astype("uint8")
    files = [codec.encode(picture) for picture in sent]
    assert np.mean(outputs["bottleneck"] != sent) < 1e-3
    assert outputs["rate"].tolist() == [8 * len(file) for file in files]
    assert all(read_scan(file).tables[0].min() == 5 for file in files)
    decoded = np.stack([codec.decode(file) for file in files])
    assert np.array_equal(outputs["compressed_bottleneck"], decoded)
    expected = run(lambda b: model.postprocess(b, (33, 40)), decoded)
    np.testing.assert_allclose(outputs["prediction"], expected, rtol=0, atol=1e-3)
    assert outputs["prediction"].shape == (2, 33, 40, 3)
    assert outputs.pop("codec") == codec.name
    assert all(isinstance(value, np.ndarray) for value in outputs.values())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_transport_refuses_pixels_that_are_not_finite(bad):
    pictures = PICTURES.copy()
    pictures[1, 3, 4, 0] = bad
    with pytest.raises(ValueError, match=r"must be finite\. Received NaN or infinite pixels"):
        ks.transport(sandwich(), pictures, ks.codecs.JPEG())


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_only_the_networks_lose_precision(policy):
    full_precision = sandwich(networks=True)
    exact = to_numpy(full_precision(PICTURES))
    mixed = sandwich(networks=True, dtype=policy)
    mixed.set_weights(full_precision.get_weights())
    outputs = to_numpy(mixed(PICTURES))
    assert {value.dtype for value in outputs.values()} == {np.dtype("float32")}
    assert {weight.dtype for weight in mixed.weights} == {"float32"}
    difference = np.abs(outputs["bottleneck"] - exact["bottleneck"])
    assert 0 < difference.max() < 1.0  # a picture in bfloat16 alone would be off by up to 1.5
    assert mixed.preprocessor.unet.compute_dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": -1.0}, "`gamma` must be finite and not negative. Received gamma=-1.0"),
        ({"gamma": float("nan")}, "`gamma` must be finite"),
        ({"model_keys": ("image", "rate")}, r"none of prediction, rate.*Received model_keys"),
        ({"model_keys": ("a", "a")}, "must be different names"),
        ({"model_keys": ()}, "must be different names"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        ks.models.CompressIntraModel(None, None, ks.layers.EncodeDecodeIntra(), **options)


def test_bad_gamma_later():
    with pytest.raises(ValueError, match="`gamma` must be finite and not negative"):
        sandwich().gamma = -3.0


def test_bad_inputs():
    parts = sandwich(bottleneck_channels=3)
    keyed = ks.models.CompressIntraModel(
        parts.preprocessor, parts.postprocessor, parts.codec_proxy, model_keys=("albedo", "depth")
    )
    with pytest.raises(ValueError, match=r"The input lacks \['depth'\].*received \('albedo',\)"):
        keyed({"albedo": PICTURES})
    with pytest.raises(ValueError, match="Expected a dict with the keys"):
        keyed(PICTURES)
    with pytest.raises(ValueError, match=r"must return 4 channels.*Received a network with 3"):
        keyed.build({"albedo": (None, 16, 16, 3), "depth": (None, 16, 16, 1)})
    with pytest.raises(ValueError, match=r"Expected images|rank 4"):
        sandwich()(PICTURES[0])
    with pytest.raises(ValueError, match="known number of channels"):
        sandwich_unbuilt().build((None, 8, 8, None))


def sandwich_unbuilt(**options):
    return ks.models.create_basic_model(
        1, use_unet_preprocessor=False, use_unet_postprocessor=False, **options
    )


def test_a_target_of_other_channels_is_refused_before_training():
    model = compiled(sandwich(output_channels=3))
    with pytest.raises(ValueError, match=r"same height, width and channels.*\(4, 16, 24, 1\)"):
        model.compute_loss(PICTURES, PICTURES[..., :1], model(PICTURES))
    with pytest.raises(ValueError, match=r"same height, width and channels.*\(4, 15, 24, 3\)"):
        model.compute_loss(PICTURES, PICTURES[:, 1:], model(PICTURES))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": {"prediction": "mse"}}, "`loss` must be one Keras loss"),
        ({"loss": ["mse", "mae"]}, "`loss` must be one Keras loss"),
        ({"loss_weights": [1.0]}, r"`loss_weights` has no place.*loss_weights=\[1.0\]"),
        ({"metrics": [ks.metrics.PSNR()]}, "The model itself reports psnr"),
        ({"metrics": {"prediction": ["bpp"]}}, "The model itself reports bpp"),
        ({"weighted_metrics": [keras.metrics.Mean(name="loss")]}, "The model itself reports loss"),
    ],
)
def test_what_cannot_be_compiled(options, message):
    with pytest.raises(ValueError, match=message):
        sandwich().compile("sgd", **options)


def test_names_in_the_logs():
    model = compiled(sandwich(), metrics=[ks.metrics.PSNR(name="mine")])
    logs = model.evaluate(PICTURES, verbose=0, return_dict=True)
    assert logs["mine"] == pytest.approx(logs["psnr"], abs=1e-3)
    assert "peak_pixel" not in model.metrics_names
    assert {"distortion", "psnr", "bpp", "qstep"} <= set(model.metrics_names)


def test_callbacks_may_be_positional():
    called = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: called.append(epoch))
    compiled(sandwich()).fit(PICTURES, None, 4, 2, 0, [callback])
    assert called == [0, 1]


def test_the_loop_filter_stays_frozen():
    loop_filter = ks.models.create_loop_filter_model((2,), (2, 2))
    model = sandwich(loop_filter=loop_filter)
    trained = len(model.trainable_weights)
    model.trainable = False
    assert not model.trainable_weights
    model.trainable = True
    assert len(model.trainable_weights) == trained > 0
    assert not loop_filter.trainable_weights
    assert loop_filter.weights


def test_a_clone_has_the_gamma_of_now():
    model = sandwich(gamma=100.0)
    model.gamma = 250.0
    assert float(to_numpy(type(model).from_config(model.get_config()).gamma)) == 250.0


def test_shapes_without_a_postprocessor():
    pre = ks.models.Preprocessor(3, downsample_factor=2)
    model = ks.models.CompressIntraModel(pre, None, ks.layers.EncodeDecodeIntra())
    shapes = model.compute_output_shape((2, 16, 24, 3))
    outputs = model(photographs(2, 16, 24))
    assert {name: tuple(value.shape) for name, value in outputs.items()} == shapes
    assert shapes["prediction"] == (2, 8, 12, 3)


def test_transport_builds_a_model_of_several_tensors():
    def model():
        keras.utils.set_random_seed(0)
        parts = sandwich_unbuilt(output_channels=4)
        return ks.models.CompressIntraModel(
            parts.preprocessor, parts.postprocessor, parts.codec_proxy, model_keys=("a", "b")
        )

    inputs = {"a": PICTURES, "b": PICTURES[..., :1]}
    outputs = ks.transport(model(), inputs, ks.codecs.JPEG(qstep=4))
    built = model()
    built.build({"a": (None, None, None, 3), "b": (None, None, None, 1)})
    expected = ks.transport(built, inputs, ks.codecs.JPEG(qstep=4))
    assert outputs["a"].shape == PICTURES.shape
    assert outputs["b"].shape == (4, 16, 24, 1)
    assert np.array_equal(outputs["b"], expected["b"])


def test_transport_builds_a_model_from_a_list_of_pictures():
    keras.utils.set_random_seed(0)
    listed, stacked = sandwich_unbuilt(), sandwich_unbuilt()
    codec = ks.codecs.JPEG(qstep=4)
    result = ks.transport(listed, list(PICTURES), codec)["prediction"]
    assert np.array_equal(result, ks.transport(stacked, PICTURES, codec)["prediction"])


def test_a_linear_start_that_would_be_worse_is_refused():
    with pytest.raises(ValueError, match="starts better from modulated chroma"):
        sandwich().fit_linear_start(PICTURES)
    with pytest.raises(ValueError, match="pictures must be finite"):
        sandwich(bottleneck_channels=2).fit_linear_start(np.full((1, 8, 8, 3), np.nan))
